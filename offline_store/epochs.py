"""One epoch after another: after a fork, a restored file, or at a cloud that lost its memory.

What the cloud cannot be shown to hold is journalled again in the new epoch, under its own ids; the
cloud knows a record by its id for ever, so nothing is counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from app.domain.ids import new_id
from app.domain.times import Moment
from app.ports import JournalMark
from app.wire.bodies import EPOCH_OPENED, EpochOpenedV1
from app.wire.journal import Chain
from app.wire.upkeep import EpochAnswer, HeldMark
from offline_store import device, member_settled
from offline_store.identity import Epoch, all_epochs, current_epoch, open_epoch
from offline_store.journal import Journal, hash_at, newest_fact

if TYPE_CHECKING:
    from sqlite3 import Connection

RESTORED = "restored"
"""Device state: set when this file came back from a backup, until the next epoch is open."""
REQUEST = "epoch.request"
"""Device state: the id of a request for another epoch whose answer has not arrived."""
TIMELINE = "cloud.timeline"


def marks(connection: Connection) -> tuple[JournalMark, ...]:
    """Return up to where the cloud was known to hold each epoch of this device, the newest first."""
    epochs = all_epochs(connection)
    return tuple(
        JournalMark(each.epoch, each.acked_seq, each.acked_hash)
        for each in epochs
        if each.enrolled and each.chain.device == epochs[0].chain.device
    )


def open_next(
    connection: Connection, journal: Journal, answer: EpochAnswer, reason: str, at: Moment
) -> None:
    """Go on in another epoch, in the caller's transaction. The same answer twice changes nothing."""
    old = current_epoch(connection)
    if old.epoch == answer.epoch:
        return
    ended = journal.mark
    proven = proven_fact(connection, answer.held)
    facts = newest_fact(connection)
    chain = Chain(old.chain.tenant, old.chain.store, old.chain.device, answer.epoch)
    open_epoch(
        connection,
        chain,
        ordinal=answer.ordinal,
        device_code=old.device_code,
        enrolled=True,
        fact_offset=proven - 1,
        opening=1,
    )
    journal.start()
    body = EpochOpenedV1(
        id=new_id(),
        reason=reason,
        old_epoch=ended.epoch,
        old_seq=ended.seq,
        old_hash=ended.hash.hex(),
        again=max(0, facts - proven),
    )
    journal.append(body.id, EPOCH_OPENED, msgspec.json.encode(body), at, "")
    again(connection, journal, proven)
    for key in (RESTORED, REQUEST):
        device.set_state(connection, key, "")
    keep_timeline(connection, answer.timeline)


def keep_timeline(connection: Connection, timeline: str) -> None:
    """Remember the cloud's timeline; another than before means that it may have lost members' changes."""
    known = device.state(connection, TIMELINE)
    if known != timeline:
        device.set_state(connection, TIMELINE, timeline)
        if known:
            member_settled.send_again(connection)


def again(connection: Connection, journal: Journal, proven: int) -> None:
    """Journal every fact after `proven` again in the newest epoch, each from the chain that has it."""
    last = newest_fact(connection)
    pieces: list[tuple[Epoch, int, int]] = []
    for epoch in all_epochs(connection)[1:]:
        first = max(epoch.first_fact, proven + 1)
        if first <= last:
            pieces.append((epoch, first, last))
            last = first - 1
    for epoch, first, last in reversed(pieces):
        journal.copy_from(epoch, first - 1 - epoch.fact_offset, last - epoch.fact_offset)
    journal.reload()  # an end that is lost is lost here too


def proven_fact(connection: Connection, held: Iterable[HeldMark]) -> int:
    """Return the last fact the cloud is proven to hold, 0 for none.

    The newest epoch it knows decides: what came before its first record was proven when it was opened.
    In that epoch our own hash at the cloud's mark is proof, else the cloud's hash at our mark.
    """
    known = {mark.epoch: mark for mark in held}
    epochs = all_epochs(connection)
    # What was let go was in every backup of the cloud; and it could not be sent again anyway.
    gone = [each.facts_up_to(each.pruned_seq) for each in epochs if each.pruned_seq]
    return max([_proven(connection, epochs, known), *gone])


def _proven(connection: Connection, epochs: Iterable[Epoch], known: Mapping[str, HeldMark]) -> int:
    for epoch in epochs:
        mark = known.get(epoch.epoch)
        if mark is None:
            continue
        ours = hash_at(connection, epoch, mark.hwm)
        if ours is not None and ours.hex() == mark.hwm_hash:
            return epoch.facts_up_to(mark.hwm)
        if epoch.acked_seq and epoch.acked_hash.hex() == mark.at_mark:
            return epoch.facts_up_to(epoch.acked_seq)
        return epoch.facts_up_to(0)
    return 0
