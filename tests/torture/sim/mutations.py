"""The rules without which records come to harm, each with the one place it lives in and a way to take
it out. SIM must notice every one of them missing, or it proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.sync.push import JournalPush, Sender
from cloud.errors import Refused
from cloud.services import ingest
from cloud.services.envelope import Received
from cloud.services.marks import Mark
from offline_store import journal, member_settled, retention
from offline_store.identity import current_epoch
from tests.torture.invariants import Kind
from tests.torture.mutation import Mutation, Seam

if TYPE_CHECKING:
    from sqlite3 import Connection


_believe = JournalPush.believe


def _never_back(
    self: JournalPush,
    sender: Sender,
    hwm: int,
    hwm_hash: str,
    *,
    durable_seq: int | None = None,
) -> None:
    acked = self._store.run(lambda uow: uow.acked()).result()
    if hwm >= acked.seq:
        _believe(self, sender, hwm, hwm_hash, durable_seq=durable_seq)


def _ids_are_not_compared(connection: Any, sender: Any, verdicts: Any) -> None:
    """Every record is taken for the first of its id."""


def _refused_instead_of_set_aside(self: Any, code: str, detail: str = "") -> None:
    raise Refused(500, code, detail)


def _continued_by_number_alone(
    connection: Any, sender: Any, epoch: str, mark: Mark, records: Sequence[Received]
) -> list[Received]:
    if records[0].header.seq > mark.hwm + 1:
        raise ingest.refusal(mark, "gap")
    return [record for record in records if record.header.seq > mark.hwm]


def _marked_by_number_alone(connection: Connection, seq: int, hash_: bytes) -> bool:
    epoch = current_epoch(connection)
    ours = journal.hash_at(connection, epoch, seq)
    connection.execute(
        "UPDATE epoch SET acked_seq = ?, acked_hash = ? WHERE epoch = ?",
        (seq, ours or hash_, epoch.epoch),
    )
    return True


def _durable_when_acknowledged(connection: Connection, epoch: str, seq: int) -> None:
    connection.execute("UPDATE epoch SET durable_seq = acked_seq WHERE epoch = ?", (epoch,))


def _nothing_is_sent_again(connection: Connection) -> None:
    """A cloud's other timeline says nothing about members."""


def _let_go_when_settled(connection: Connection, most: int) -> int:
    return connection.execute("DELETE FROM member_settled").rowcount


MUTATIONS = (
    Mutation(
        "fork check: one place of a journal, one hash on both sides",
        (
            Seam(ingest, "_continuing", _continued_by_number_alone),
            Seam(journal, "mark_received", _marked_by_number_alone),
        ),
        frozenset({Kind.LOST}),
    ),
    Mutation(
        "rewind: a till goes back to the mark of a restored cloud",
        (Seam(JournalPush, "believe", _never_back),),
        frozenset({Kind.LOST, Kind.STUCK}),
    ),
    Mutation(
        "members again: a till tells a restored cloud what it had settled",
        (Seam(member_settled, "send_again", _nothing_is_sent_again),),
        frozenset({Kind.LOST}),
    ),
    Mutation(
        "members' retention: what a backup of the cloud may lack is not let go",
        (Seam(member_settled, "prune", _let_go_when_settled),),
        frozenset({Kind.LOST}),
    ),
    Mutation(
        "retention: what a backup of the cloud may lack is not let go",
        (Seam(retention, "note_durable", _durable_when_acknowledged),),
        frozenset({Kind.LOST, Kind.STUCK}),
    ),
    Mutation(
        "id de-duplication: one record id, one original",
        (Seam(ingest, "_mark_repeated", _ids_are_not_compared),),
        frozenset({Kind.DOUBLED, Kind.STUCK}),
    ),
    Mutation(
        "dead letter: what cannot be read is set aside, and the mark moves on",
        (Seam(ingest.Verdict, "flag", _refused_instead_of_set_aside),),
        frozenset({Kind.STUCK}),
    ),
)
"""One for each rule of SYNC.md that its model showed to be needed, and those of the members' queue."""
