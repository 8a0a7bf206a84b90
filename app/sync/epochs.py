"""Goes on in another epoch when the cloud cannot follow this one: a fork, a restored till, a restored cloud.

Asks first and opens then, so a lost answer costs nothing: the same request gets the same epoch. Knows no
HTTP and no SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from app.domain.ids import new_id
from app.ports import Clock, JournalMark, Priority, Store, SyncTransport, UnitOfWork
from app.sync.push import Sender
from app.sync.report import Round
from app.wire.messages import HelloAnswer
from app.wire.upkeep import EpochMark, EpochRequest

FORKED, RESTORED, UNKNOWN = "forked", "restored", "unknown"

RESTORED_STATE = "restored"
"""Device state that a restore from a backup leaves; the store clears it with the new epoch."""
REQUEST_STATE = "epoch.request"

T = TypeVar("T")


def why_another(answer: HelloAnswer, head: JournalMark, restored: bool) -> str:
    """Return why the journal cannot go on as it is, "" if it can.

    A file that came back from a backup must not go on even where the marks still agree: what its other
    self recorded since then may arrive at any moment.
    """
    if restored or answer.hwm > head.seq:
        return RESTORED
    return "" if answer.known else UNKNOWN


class EpochChange:
    """Opens the next epoch of a till's journal."""

    def __init__(self, store: Store, transport: SyncTransport, clock: Clock) -> None:
        self._store, self._transport, self._clock = store, transport, clock

    def open_another(self, reason: str, round_: Round) -> Sender:
        """Ask for an epoch, open it, journal again what is not proven to be held; return who sends now.

        Raises Trouble; then nothing has changed but the id of the request, which is used again.
        """
        request = self._run(lambda uow: _request(uow, reason))
        answer = self._transport.new_epoch(request)
        now = self._clock.now()

        def open_it(uow: UnitOfWork) -> Sender:
            uow.open_epoch(answer, reason, now)
            return Sender(uow.identity(), uow.device_key())

        sender = self._run(open_it)
        round_.epoch = reason
        return sender

    def _run(self, job: Callable[[UnitOfWork], T]) -> T:
        return self._store.run(job, priority=Priority.SYNC).result()


def _request(uow: UnitOfWork, reason: str) -> EpochRequest:
    request_id = uow.state(REQUEST_STATE)
    if not request_id:
        request_id = new_id()
        uow.set_state(REQUEST_STATE, request_id)
    return EpochRequest(
        request_id=request_id,
        reason=reason,
        head=_wire(uow.head()),
        marks=[_wire(mark) for mark in uow.epoch_marks()],
        ordinal=uow.identity().epoch_ordinal,
        timeline=uow.identity().timeline,
    )


def _wire(mark: JournalMark) -> EpochMark:
    return EpochMark(epoch=mark.epoch, seq=mark.seq, hash=mark.hash.hex() if mark.seq else "")
