"""Money that waits for a person: payments without an answer yet, and money where no sale is.

Read only. What becomes of it is decided by `Payments`; this file says which there is and what it was
meant for.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.cart import Cart
from app.domain.payment import EVIDENCE, Anomaly, State
from app.domain.sale import Sale
from app.ports import Attempt, Reader
from app.services.checkout import frozen_slot
from app.wire.tasks import (
    GIVES_BACK,
    GOING_BACK,
    LEAVES,
    MONEY,
    NOT_GIVEN_BACK,
    OVER,
    PAYMENT,
    REFUNDED,
    TaskRow,
)

_CAME = GIVES_BACK - {NOT_GIVEN_BACK}
"""Codes of tasks about money that a provider has told of."""
_PAID = frozenset({State.CONFIRMED, GOING_BACK, REFUNDED})
"""Codes of what was paid, whatever became of the money since."""
_WENT = LEAVES - {NOT_GIVEN_BACK} | {REFUNDED}
"""Codes of money that leaves for the customer or has left."""


@dataclass(frozen=True, slots=True)
class WaitingMoney:
    """One payment that is not settled. `cart` is what it was meant for while that is kept, `sale`
    what came of that cart, paid this way or another."""

    attempt: Attempt
    cart: Cart | None
    sale: Sale | None

    @property
    def is_open(self) -> bool:
        """No answer yet: money may still come in the ordinary way."""
        return self.attempt.last.after.is_open

    @property
    def missing(self) -> int:
        """What was due and did not come, in minor units; below zero what came on top."""
        return self.attempt.last.amount - self.attempt.last.received

    @property
    def can_become_sale(self) -> bool:
        """The goods can go out now: the whole money is there, and nobody sold its cart."""
        paid = self.attempt.last.after.state is State.CONFIRMED
        return paid and self.sale is None and self.cart is not None


def waiting_money(reader: Reader) -> tuple[WaitingMoney, ...]:
    """Return every payment that is not settled, those without an answer first."""
    attempts = (*reader.open_attempts(), *reader.uneasy_attempts())
    kept = {draft.slot: draft.cart for draft in reader.drafts()} if attempts else {}
    found: dict[str, WaitingMoney] = {}
    for attempt in attempts:
        document = reader.document(attempt.last.sale_id)
        sale = document if isinstance(document, Sale) else None
        money = WaitingMoney(attempt, kept.get(frozen_slot(attempt.attempt_id)), sale)
        if not _is_settled(money):
            found[attempt.attempt_id] = money
    return tuple(found.values())


def untold(reader: Reader) -> tuple[str, ...]:
    """Return this till's own attempts of which the store's inbox knows more money than the till, or that
    all of it leaves while goods could still go out for it here.

    The hint that told of it was lost, and once its cart is sold, by it or another way, an attempt is asked
    about no more. What was confirmed here by hand is named as well, for a day or until its money came.
    """
    device = reader.identity().device
    own = [task for task in reader.tasks() if task.device == device and _tells_of_money(task)]
    return tuple(task.task_id for task in own if _is_news(reader, task))


def _tells_of_money(task: TaskRow) -> bool:
    # Settled or not: whoever settled it may have been another till, and our own record lacks the money still.
    paid = task.kind in (MONEY, PAYMENT) and task.code in _PAID
    return paid or _went(task) or (task.kind == MONEY and task.code in _CAME)


def _went(task: TaskRow) -> bool:
    return task.kind == MONEY and task.code in _WENT


def _is_news(reader: Reader, task: TaskRow) -> bool:
    attempt = reader.attempt(task.task_id)
    if attempt is None:
        return False
    kept = attempt.last.after.state is State.CONFIRMED
    if kept and _went(task) and 0 < attempt.last.received <= task.amount:
        return reader.document(attempt.last.sale_id) is None
    due = attempt.last.amount if task.code == OVER else 0
    return attempt.last.received < due + task.amount


def _is_settled(money: WaitingMoney) -> bool:
    """Late money that became its sale to the fen waits for nobody, though it stays marked late."""
    if money.is_open or money.sale is None:
        return False
    own = money.attempt.attempt_id in {tender.attempt_id for tender in money.sale.tenders}
    odd = money.attempt.last.after.anomalies - {*EVIDENCE.values(), Anomaly.LATE}
    return own and not (odd and money.missing)
