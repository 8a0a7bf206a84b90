"""Sends the members' queue: changes in order, in batches that a slow line can carry.

A change the cloud will never take must not block those behind it: it is found by halving, set aside with
an alarm, and tried again by the next process. Knows no HTTP and no SQL.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

from app.errors import Code, Trouble
from app.ports import Clock, Priority, Store, SyncTransport, UnitOfWork
from app.sync.report import Round
from app.wire.messages import MemberChange

MOST_CHANGES = 200
REFUSED = "member_change_refused"
"""The alarm about a change that was set aside."""
_FEWEST = 1
_TOO_BIG, _MALFORMED = 413, 422
_log = logging.getLogger(__name__)

T = TypeVar("T")


class MemberPush:
    """Brings members' changes to the cloud until none is left or the cloud says no.

    The batch size is remembered between rounds: halved when a batch was too much for the cloud or the
    line, doubled when one went through.
    """

    def __init__(self, store: Store, transport: SyncTransport, clock: Clock) -> None:
        self._store, self._transport, self._clock = store, transport, clock
        self._tried_again = False
        self.batch = MOST_CHANGES

    def drain(self, round_: Round) -> None:
        """Send everything queued. Raises Trouble; what was settled before stays settled."""
        if not self._tried_again:
            self._run(lambda uow: uow.retry_refused_members())
            self._tried_again = True
        while not round_.stop() and self._run(lambda uow: uow.queue_settled_members(MOST_CHANGES)):
            pass
        while not round_.stop():
            changes = self._run(lambda uow: uow.member_queue(self.batch))
            if not changes:
                return
            try:
                answer = self._transport.push_members(changes)
            except Trouble as trouble:
                if not self._adapt(changes, trouble, round_):
                    raise
                continue
            settled = {verdict.change_id for verdict in answer.verdicts}
            if not settled & {change.change_id for change in changes}:
                raise Trouble(Code.CLOUD_MESSAGE_INVALID, detail="no change settled")
            self._run(lambda uow: uow.settle_members(answer))  # noqa: B023 - runs before the next turn
            round_.members_sent += len(settled)
            self.batch = min(MOST_CHANGES, self.batch * 2)

    def _adapt(self, changes: Sequence[MemberChange], trouble: Trouble, round_: Round) -> bool:
        """Change what will be sent next after a refusal; False if sending again makes no sense now."""
        if trouble.code is Code.CLOUD_NOT_OURS:
            return False  # a stranger's status says nothing about our changes
        if trouble.facts.get("timeout"):
            # A slow line: smaller next time, but after the back-off.
            self._halve(len(changes))
            return False
        if trouble.facts.get("status") not in (_TOO_BIG, _MALFORMED):
            return False
        if len(changes) > _FEWEST:
            self._halve(len(changes))
            return True
        (poison,) = changes
        at_ms, code = self._clock.now().server_ms, str(trouble.facts.get("problem") or trouble.code)

        def set_aside(uow: UnitOfWork) -> None:
            uow.set_member_change_aside(poison.change_id, code, at_ms)
            uow.raise_alarm(REFUSED, poison.change_id, code, at_ms)

        self._run(set_aside)
        # The id alone: what is in the change is personal data.
        _log.error("the cloud refuses the member change %s: %s", poison.change_id, code)
        round_.members_refused += 1
        return True

    def _halve(self, sent: int) -> None:
        self.batch = max(_FEWEST, sent // 2)

    def _run(self, job: Callable[[UnitOfWork], T]) -> T:
        return self._store.run(job, priority=Priority.SYNC).result()
