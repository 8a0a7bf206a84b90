"""What the cloud's answer about an attempt means for the till's own record of it.

Pure: an answer and what was known become the events to record, in the order in which they must have
happened. The till may have slept through several of them, and an answer may be older than the last.
"""

from __future__ import annotations

from dataclasses import replace

from app.domain.facts import PaymentStep
from app.domain.ids import new_id
from app.domain.payment import (
    MONEY,
    PAID_STATES,
    TABLE,
    Anomaly,
    Event,
    Refuse,
    State,
)
from app.domain.times import Moment
from app.services.proofs import Evidence
from app.wire.messages import PaymentView

UNKNOWN_TO_CLOUD_GRACE_MS = 10 * 60_000
"""So long after its expiry an attempt the cloud does not know may still be in doubt."""

_CLOSING = {
    State.FAILED: Event.DECLINED,
    State.EXPIRED: Event.TIMED_OUT,
    State.CANCELLED: Event.CLOSED,
}


def is_credible(view: PaymentView, last: PaymentStep) -> bool:
    """Tell whether an answer is about this attempt and agrees with itself.

    An answer about another attempt or amount, with a word this version does not know, or that calls
    confirmed what is less than due, is no news: the attempt is in doubt, nothing is believed.
    """
    known_words = view.state in set(State) and set(view.anomalies) <= set(Anomaly)
    about_this = view.attempt_id == last.attempt_id and view.amount == last.amount
    if not (known_words and about_this) or view.received < 0:
        return False
    confirmed = State(view.state) is State.CONFIRMED and Anomaly.BY_HAND not in view.anomalies
    return not confirmed or view.received >= view.amount


def events_of(view: PaymentView, last: PaymentStep) -> tuple[Event, ...]:
    """Return the events that lead from what is known to what a credible answer says.

    Money that came late at the cloud is late here too, even if we never heard of the closing.
    """
    known = last.after
    state, paid_before = State(view.state), known.state in PAID_STATES
    more = Anomaly.PARTIAL not in known.anomalies or view.received > last.received
    events: list[Event] = []
    if Anomaly.LATE in view.anomalies:
        events.append(_CLOSING.get(state, Event.TIMED_OUT))
    if Anomaly.PARTIAL in view.anomalies and more and not paid_before:
        events.append(Event.PAID_PARTIAL)
    if state in PAID_STATES or (paid_before and view.received):
        # What was vouched for here may still be coming in there.
        if Anomaly.BY_HAND in view.anomalies and not paid_before:
            events += [Event.SHOWN, Event.VOUCHED]
        events.append(Event.PAID_OVER if Anomaly.OVER in view.anomalies else Event.PAID)
    if state is State.CONFIRMED and known.state is State.REFUND_PENDING:
        events.append(Event.REFUND_REFUSED)
    if state in _CLOSING:
        events.append(_CLOSING[state])
    elif state is State.REFUND_PENDING:
        events.append(Event.REFUND_ASKED)
    elif state is State.REFUNDED:
        events.append(Event.REFUND_DONE)
    elif state is State.UNKNOWN:
        events.append(Event.LOST)
    elif state in (State.CREATED, State.WAITING):
        events.append(Event.SHOWN if known.state is State.CREATED else Event.STILL_WAITING)
    return tuple(events)


def absent(last: PaymentStep, now: Moment) -> Event:
    """Return what it means that the cloud does not know an attempt.

    If its order never arrived, nobody can pay it. If its QR was shown, the cloud may have lost it (a
    restored backup): that is doubt, until well after the time to pay has run out.
    """
    if last.after.state is State.CREATED:
        return Event.DECLINED
    over = now.server_ms > last.expires_ms + UNKNOWN_TO_CLOUD_GRACE_MS
    return Event.DECLINED if over else Event.LOST


def believed(last: PaymentStep, evidence: Evidence, now: Moment, actor: str) -> PaymentStep:
    """Return the step after evidence that stands for the cloud's word: the amount due has come.

    Raises RuleBroken(PAYMENT_NOT_SHOWN) for an attempt nobody can have paid.
    """
    return replace(
        last,
        step_id=new_id(),
        step=last.step + 1,
        event=evidence.event.value,
        after=last.after.after(evidence.event),
        received=max(last.received, last.amount),
        provider=evidence.provider or last.provider,
        provider_ref=evidence.provider_ref or last.provider_ref,
        at=now,
        actor=actor or last.actor,
        evidence=evidence.text,
    )


def next_step(
    last: PaymentStep, event: Event, view: PaymentView | None, now: Moment, actor: str
) -> PaymentStep:
    """Return the step after an event, or `last` itself if the event is no news.

    More money than was known is news even where the state stays. What the cloud sends is never
    refused loudly: an answer that no longer fits is an old one.
    """
    if view is not None and isinstance(TABLE[last.after.state, event], Refuse):
        return last
    after = last.after.after(event)
    received = last.received
    if view is not None and event in MONEY:
        received = max(view.received, received)
    if after is last.after and received == last.received:
        return last
    return replace(
        last,
        step_id=new_id(),
        step=last.step + 1,
        event=event.value,
        after=after,
        received=received,
        provider=(view.provider if view else "") or last.provider,
        provider_ref=(view.provider_ref if view else "") or last.provider_ref,
        at=now,
        actor=actor or last.actor,
        evidence="",
    )
