"""The closed list of facts: documents that are written once, journalled and sent to the cloud."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.money_back import Back
from app.domain.payment import PaymentState
from app.domain.refund import Refund
from app.domain.sale import Sale
from app.domain.stock import StockAdjustment
from app.domain.times import Moment


@dataclass(frozen=True, slots=True)
class PaymentStep:
    """One step in the life of a payment attempt, recorded before the next call is made.

    `step` counts from 1 within the attempt. `event` is "" for the first step (the attempt was
    created) and an `app.domain.payment.Event` afterwards; `after` is where it led. `order_hash`
    (hex) freezes cart and amount; `expires_ms` is Unix time. `provider_ref` is the provider's
    transaction number, never a buyer's id. `evidence` is the proof that was believed where the cloud
    could not be asked, as it was shown; "" for any other step.
    """

    step_id: str
    attempt_id: str
    sale_id: str
    step: int
    event: str
    after: PaymentState
    amount: int
    received: int
    currency: str
    order_hash: str
    provider: str
    provider_ref: str
    expires_ms: int
    at: Moment
    actor: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class RefundStep:
    """One step of money on its way back by the way it came, recorded before the next call is made.

    `number` is what cloud and provider know it by; `step` counts from 1 within it; `standing` is where
    it stands since. `refund_id` is the document that a return of goods becomes once the provider has
    accepted, `lines` the pieces by line number and `cash` what goes back beside it: enough to go on after
    a restart. All three are empty for money no sale was made of, which belongs to its attempt alone.
    `word` is the provider's or the cloud's for why not. Minor units; `business_date` is ISO 8601.
    """

    step_id: str
    number: str
    step: int
    standing: Back
    attempt_id: str
    sale_id: str
    refund_id: str
    amount: int
    currency: str
    reason: str
    business_date: str
    at: Moment
    actor: str
    cash: int = 0
    lines: tuple[tuple[int, int], ...] = ()
    provider: str = ""
    ref: str = ""
    word: str = ""


Fact = Sale | Refund | StockAdjustment | PaymentStep | RefundStep


def fact_id(fact: Fact) -> str:
    """Return the fact's own id, under which it is unique for ever."""
    match fact:
        case Sale():
            return fact.sale_id
        case Refund():
            return fact.refund_id
        case StockAdjustment():
            return fact.adjustment_id
        case PaymentStep() | RefundStep():
            return fact.step_id
