"""The one line of the payment screen that says exactly what is known."""

from __future__ import annotations

from app.domain.facts import PaymentStep
from ui.text import Words
from ui.viewmodels.paystate import Phase

_DOUBTS = {
    Phase.CLOSING: ("pay.closing", "pay.close_unknown"),
    Phase.UNKNOWN: ("pay.unknown_asking", "pay.unknown"),
}


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
