"""Steps of money on its way back as journal bodies, and back."""

from __future__ import annotations

from app.domain.facts import RefundStep
from app.domain.money_back import Back
from app.domain.times import Moment
from app.wire.bodies import PiecesV1, RefundStepV1


def written(step: RefundStep) -> RefundStepV1:
    """Return a step as its frozen shape."""
    return RefundStepV1(
        id=step.step_id,
        number=step.number,
        step=step.step,
        standing=step.standing.value,
        attempt=step.attempt_id,
        amount=step.amount,
        currency=step.currency,
        business_date=step.business_date,
        sale=step.sale_id,
        refund=step.refund_id,
        reason=step.reason,
        cash=step.cash,
        lines=tuple(PiecesV1(no=no, quantity=quantity) for no, quantity in step.lines),
        provider=step.provider,
        ref=step.ref,
        word=step.word,
    )


def read(body: RefundStepV1, at: Moment, actor: str) -> RefundStep:
    """Return the step a body holds. Raises ValueError for a standing this version does not know."""
    return RefundStep(
        step_id=body.id,
        number=body.number,
        step=body.step,
        standing=Back(body.standing),
        attempt_id=body.attempt,
        sale_id=body.sale,
        refund_id=body.refund,
        amount=body.amount,
        currency=body.currency,
        reason=body.reason,
        business_date=body.business_date,
        at=at,
        actor=actor,
        cash=body.cash,
        lines=tuple((line.no, line.quantity) for line in body.lines),
        provider=body.provider,
        ref=body.ref,
        word=body.word,
    )
