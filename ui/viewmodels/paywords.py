"""The one line that says exactly what is known of a payment, on its screen or away from it."""

from __future__ import annotations

from app.domain.facts import PaymentStep
from app.domain.payment import Anomaly
from app.domain.sale import Sale
from ui.text import Words
from ui.viewmodels.paystate import Phase

_DOUBTS = {
    Phase.CLOSING: ("pay.closing", "pay.close_unknown"),
    Phase.UNKNOWN: ("pay.unknown_asking", "pay.unknown"),
    Phase.CODE_UNKNOWN: ("pay.code_unknown_asking", "pay.code_unknown"),
}

_ASKED = {*_DOUBTS, Phase.TIME_UP, Phase.PASSWORD}


def status_line(
    words: Words, phase: Phase, step: PaymentStep | None, *, busy: bool, again_in: int
) -> str:
    """Return the line for a phase. `step` is the attempt's last, `busy` says that the cloud is being
    asked right now, `again_in` in how many seconds it will be asked again."""
    if phase in _DOUBTS:
        asking, soon = _DOUBTS[phase]
        return words.say(asking) if busy else words.say(soon, seconds=again_in)
    key = "pay.paid_at" if phase is Phase.PAID else f"pay.{phase.value}"
    if step is None:
        return words.say(key)
    return words.say(
        key,
        at=step.at.server_ms,
        received=step.received,
        missing=step.amount - step.received,
        over=step.received - step.amount,
    )


def elapsed_line(words: Words, phase: Phase, seconds: int, asked_ms: int) -> str:
    """Return how long a payment takes already, and where there is doubt when the cloud was asked last."""
    elapsed = words.say("pay.elapsed", seconds=seconds)
    if phase not in _ASKED or not asked_ms:
        return elapsed
    return f"{elapsed} · {words.say('pay.asked_at', at=asked_ms)}"


def elsewhere_line(words: Words, step: PaymentStep, sale: Sale | None) -> str | None:
    """Return the line for a payment that is not on the screen, None if there is nothing to tell.

    `sale` is what its money has become.
    """
    if Anomaly.LATE in step.after.anomalies:
        return words.say("pay.late", received=step.received, at=step.at.server_ms)
    if sale is not None and Anomaly.OVER in step.after.anomalies:
        over = step.received - step.amount
        return words.say("pay.elsewhere_over", number=sale.receipt_no, over=over)
    if sale is not None:
        return words.say("pay.elsewhere_paid", number=sale.receipt_no, amount=step.amount)
    if step.after.needs_a_person:
        missing = step.amount - step.received
        return words.say("pay.elsewhere_partial", received=step.received, missing=missing)
    return None
