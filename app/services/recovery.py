"""Takes back what a copy of a lost journal holds: each record once, under its own id, through the door
all facts go through. Nothing that is in the store is ever overwritten."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from app.errors import Trouble
from app.ports import Store, UnitOfWork
from app.services.checkout import drop_drafts
from app.wire.bodies import EPOCH_OPENED
from app.wire.journal import Record
from app.wire.messages import MemberChange

_TOGETHER = 200


@dataclass(slots=True)
class Recovered:
    """What became of the records of a copy. `unreadable` names the kinds of those this version cannot
    read; they stay in the copy."""

    recorded: int = 0
    known: int = 0
    unreadable: list[str] = field(default_factory=list)
    member_changes: int = 0


def recover(
    store: Store, records: Iterable[Record], changes: Iterable[MemberChange] = ()
) -> Recovered:
    """Record what the store does not hold, some at a time, in the copy's order. Idempotent: what was
    taken back before an interruption is known the next time."""
    result, rest = Recovered(), iter(records)
    while some := list(islice(rest, _TOGETHER)):
        recorded, unreadable = store.run(lambda uow, some=some: _take(uow, some)).result()  # type: ignore[misc]
        result.recorded += recorded
        result.unreadable += unreadable
        result.known += len(some) - recorded - len(unreadable)
    for changed in _some(changes):
        store.run(lambda uow, changed=changed: _change(uow, changed)).result()  # type: ignore[misc]
        result.member_changes += len(changed)
    return result


def _some(changes: Iterable[MemberChange]) -> Iterator[list[MemberChange]]:
    rest = iter(changes)
    while some := list(islice(rest, _TOGETHER)):
        yield some


def _take(uow: UnitOfWork, records: list[Record]) -> tuple[int, list[str]]:
    recorded, unreadable = 0, []
    for record in records:
        if record.header.kind == EPOCH_OPENED:
            continue  # tells of a chain, and this is another
        try:
            new = uow.record_again(record)
        except Trouble as trouble:
            if "kind" not in trouble.facts:  # not the record's fault
                raise
            unreadable.append(record.header.kind)
            continue
        if new:
            recorded += 1
            if record.header.kind == "sale":
                drop_drafts(uow, record.header.rec_id, uow.attempts_of(record.header.rec_id))
    return recorded, unreadable


def _change(uow: UnitOfWork, changes: list[MemberChange]) -> None:
    for change in changes:
        uow.change_member(change)
