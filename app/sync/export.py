"""Exports the journal of a till that can reach its cloud no more, and tells whether a file holds all that
is unsent. Works on a store that may only be drained, too. Knows no file and no SQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.ids import new_id
from app.errors import Code, RuleBroken, Trouble
from app.ports import Clock, JournalMark, Store, UnitOfWork
from app.sync.push import MOST_BYTES, MOST_RECORDS, Sender, signed_push
from app.wire.export import Manifest, Part, Stretch, queue_digest, read_export, write_export
from app.wire.messages import MemberChange, MembersPush
from app.wire.upkeep import EpochMark

_CHANGES_TOGETHER = 500


@dataclass(frozen=True, slots=True)
class Exported:
    """What went into a file."""

    manifest: Manifest
    chunks: Iterator[bytes]

    @property
    def records(self) -> int:
        """How many places of the journal."""
        return sum(each.last.seq - each.after.seq for each in self.manifest.stretches)


@dataclass(frozen=True, slots=True)
class _Standing:
    sender: Sender
    escrow: bytes
    stretches: tuple[tuple[JournalMark, JournalMark], ...]
    changes: tuple[MemberChange, ...]
    lacking: tuple[int, int]


def export(store: Store, clock: Clock, *, everything: bool = False) -> Exported:
    """Return the export of what the cloud is not known to hold, or of everything that is still here.

    Raises Trouble(DEVICE_NOT_ENROLLED): there is no cloud it could be for.
    """
    standing = store.run(lambda uow: _look(uow, everything)).result()
    who = standing.sender.identity
    manifest = Manifest(
        export_id=new_id(),
        tenant=who.tenant,
        store=who.store,
        device=who.device,
        created_ms=clock.now().server_ms,
        stretches=[
            Stretch(after=_place(after), last=_place(last)) for after, last in standing.stretches
        ],
        member_changes=len(standing.changes),
        members=_digest(standing.changes),
    )
    chunks = write_export(manifest, _parts(store, standing), standing.escrow, standing.sender.key)
    return Exported(manifest, chunks)


def check_covers(store: Store, data: bytes) -> tuple[int, int]:
    """See that an exported file holds everything the cloud does not; return how much that is, in records
    and changes of members.

    Raises RuleBroken: FILE_UNREADABLE for a file of another device or one that was changed,
    EXPORT_INCOMPLETE when something came after it.
    """
    standing = store.run(lambda uow: _look(uow, everything=False)).result()
    found = read_export(data)
    key = Ed25519PrivateKey.from_private_bytes(standing.sender.key)
    found.verify(key.public_key().public_bytes_raw())
    held = {each.last.epoch: each for each in found.manifest.stretches}
    for after, last in standing.stretches:
        there = held.get(last.epoch)
        whole = there is not None and there.after.seq <= after.seq and there.last == _place(last)
        if last.seq > after.seq and not whole:
            raise RuleBroken(Code.EXPORT_INCOMPLETE, records=last.seq - after.seq)
    if standing.changes and _digest(standing.changes) != found.manifest.members:
        raise RuleBroken(Code.EXPORT_INCOMPLETE, member_changes=len(standing.changes))
    return standing.lacking


def _look(uow: UnitOfWork, everything: bool) -> _Standing:
    identity = uow.identity()
    if not identity.enrolled:
        raise Trouble(Code.DEVICE_NOT_ENROLLED)
    sender = Sender(identity, uow.device_key())
    stretches = uow.stretches() if everything else ((uow.acked(), uow.head()),)
    return _Standing(sender, uow.escrow_key(), stretches, uow.kept_changes(), uow.lacking())


def _parts(store: Store, standing: _Standing) -> Iterator[Part]:
    for after, last in standing.stretches:
        who = replace(standing.sender.identity, epoch=last.epoch)
        sender = Sender(who, standing.sender.key)
        while after.seq < last.seq:
            batch = store.run(
                lambda uow, after=after: uow.batch_after(  # type: ignore[misc]
                    after, max_records=MOST_RECORDS, max_bytes=MOST_BYTES
                )
            ).result()
            if not batch.records:
                break
            yield signed_push(sender, batch)
            newest = batch.records[-1]
            after = JournalMark(last.epoch, newest.seq, newest.hash)
    for start in range(0, len(standing.changes), _CHANGES_TOGETHER):
        yield MembersPush(changes=list(standing.changes[start : start + _CHANGES_TOGETHER]))


def _digest(changes: tuple[MemberChange, ...]) -> str:
    """Name the changes in an order that stays when the cloud refuses one or it is queued again."""
    return queue_digest(sorted(change.change_id for change in changes))


def _place(mark: JournalMark) -> EpochMark:
    return EpochMark(epoch=mark.epoch, seq=mark.seq, hash=mark.hash.hex() if mark.seq else "")
