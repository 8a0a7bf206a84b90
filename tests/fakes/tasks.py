"""The store's tasks at a cloud that lives in memory, claimed by the rules of the real one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from app.errors import Code, RuleBroken, Trouble
from app.wire.tasks import (
    CLAIM_MINUTES,
    CLAIMED,
    DELIVERED,
    MONEY,
    OPEN,
    PAYMENT,
    SETTLED,
    TaskClaim,
    TaskRow,
    TaskSettlement,
)
from tests.fakes.clock import NOON


@dataclass
class TaskBook:
    """What every tablet of the store shares."""

    now_ms: Callable[[], int] = lambda: NOON
    rows: dict[str, TaskRow] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    """Device id to the number people know it by."""

    def put(self, *rows: TaskRow) -> None:
        self.rows.update({row.task_id: row for row in rows})


@dataclass
class FakeTaskDesk:
    """The port `TaskDesk` of one device. `down` loses requests, `lose_answers` counts lost answers."""

    book: TaskBook
    device: str = "d1"
    down: bool = False
    lose_answers: int = 0
    calls: list[str] = field(default_factory=list)

    def claim(self, asked: TaskClaim) -> TaskRow:
        self._arrive("claim")
        row = self._find(asked.task_id)
        if row.state != SETTLED and self._holds(row, asked.claim_id):
            return self._answer(row)
        held = row.state == CLAIMED and self.book.now_ms() < row.claim_until_ms
        if row.state == SETTLED or (held and row.claimed_device != self.device):
            raise self._taken(row)
        self.book.claims[row.task_id] = asked.claim_id
        return self._answer(
            replace(
                row,
                state=CLAIMED,
                claimed_device=self.device,
                claimed_by=asked.person,
                claim_until_ms=self.book.now_ms() + CLAIM_MINUTES * 60_000,
            )
        )

    def settle(self, asked: TaskSettlement) -> TaskRow:
        self._arrive("settle")
        row = self._find(asked.task_id)
        mine = self._holds(row, asked.claim_id)
        if mine and (row.state, row.resolution) == (SETTLED, asked.resolution):
            return self._answer(row)
        if row.state == OPEN:
            self._refuse_unseen(row, asked)
        if row.state != CLAIMED or not mine:
            raise self._taken(row)
        self._refuse_unseen(row, asked)
        settled = replace(
            row, state=SETTLED, settled_ms=self.book.now_ms(), resolution=asked.resolution
        )
        return self._answer(settled)

    def _arrive(self, call: str) -> None:
        self.calls.append(call)
        if self.down:
            raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True)

    def _answer(self, row: TaskRow) -> TaskRow:
        self.book.put(row)
        if self.lose_answers:
            self.lose_answers -= 1
            raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True)
        return row

    def _find(self, task_id: str) -> TaskRow:
        row = self.book.rows.get(task_id)
        if row is None or row.kind == PAYMENT:
            raise RuleBroken(Code.TASK_UNKNOWN)
        return row

    def _holds(self, row: TaskRow, claim_id: str) -> bool:
        return (row.claimed_device, self.book.claims.get(row.task_id)) == (self.device, claim_id)

    def _refuse_unseen(self, row: TaskRow, asked: TaskSettlement) -> None:
        goods = row.kind != MONEY or asked.resolution == DELIVERED
        if asked.amount not in (0, row.amount) and not goods:
            raise RuleBroken(Code.TASK_CHANGED)

    def _taken(self, row: TaskRow) -> RuleBroken:
        if row.state == SETTLED:
            return RuleBroken(Code.TASK_SETTLED)
        till = self.book.codes.get(row.claimed_device, "")
        return RuleBroken(Code.TASK_TAKEN, till=till, person=row.claimed_by)
