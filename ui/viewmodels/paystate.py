"""What the payment screen says and allows in every state an attempt can be in. Pure: no Qt, no words.

Only what is known is said, and only what is safe is allowed: while money may still come, nothing
that could make the customer pay twice can be pressed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.payment import CLOSED_UNPAID, Anomaly, PaymentState, State


class Phase(StrEnum):
    """What the screen looks like."""

    CHOOSING = "choosing"
    PREPARING = "preparing"
    NOT_STARTED = "not_started"
    PAID_ALREADY = "paid_already"
    WAITING = "waiting"
    LOOKED_AT = "looked_at"
    OWN_QR = "own_qr"
    OWN_BY_HAND = "own_by_hand"
    COLLECTING = "collecting"
    PASSWORD = "password"  # noqa: S105 - a state, not a secret
    CODE_UNKNOWN = "code_unknown"
    OFFLINE = "offline"
    TIME_UP = "time_up"
    UNKNOWN = "unknown"
    CLOSING = "closing"
    PAID = "paid"
    PAID_OVER = "paid_over"
    PARTIAL = "partial"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    CLOSED_SHORT = "closed_short"
    LATE = "late"
    REFUND_PENDING = "refund_pending"
    REFUNDED = "refunded"


class Tone(StrEnum):
    """What colour the news has."""

    CALM = "calm"
    WAIT = "wait"
    LOOK = "look"
    DOUBT = "doubt"
    GOOD = "good"
    BAD = "bad"


class Act(StrEnum):
    """What may be pressed."""

    STOP = "stop"
    """Ask the cloud to close the attempt."""
    ASK = "ask"
    """Ask the cloud now instead of in a few seconds."""
    NEW_QR = "new_qr"
    CASH = "cash"
    """Take cash: closes an open attempt first."""
    LEAVE = "leave"
    """Back to the cart, which can be changed again."""
    ASIDE = "aside"
    """Put the cart aside and serve the next customer; the payment goes on being watched."""
    DELIVER = "deliver"
    """Make late money into the sale it was meant for."""
    COLLECT = "collect"
    """Scan the customer's payment code."""
    VOUCH = "vouch"
    """Let a manager confirm by hand what no provider confirms."""
    PROVE = "prove"
    """Believe what the customer's phone shows, without the cloud."""
    NEXT = "next"
    """On to the receipt."""


@dataclass(frozen=True, slots=True)
class Face:
    """One phase: its tone, its glyph, whether the QR is shown, and what may be pressed."""

    tone: Tone
    glyph: str
    shows_qr: bool
    acts: frozenset[Act]


def _face(tone: Tone, glyph: str, *acts: Act, qr: bool = False) -> Face:
    return Face(tone, glyph, qr, frozenset(acts))


_FREE = (Act.NEW_QR, Act.CASH, Act.LEAVE)

FACES: dict[Phase, Face] = {
    Phase.CHOOSING: _face(Tone.CALM, "wallet", *_FREE),
    Phase.PREPARING: _face(Tone.CALM, "qr-code"),
    Phase.NOT_STARTED: _face(Tone.BAD, "cloud-off", *_FREE),
    Phase.PAID_ALREADY: _face(Tone.BAD, "receipt-text", Act.ASIDE),
    Phase.WAITING: _face(Tone.WAIT, "clock", Act.STOP, Act.CASH, Act.COLLECT, qr=True),
    Phase.LOOKED_AT: _face(Tone.LOOK, "eye", Act.STOP, Act.COLLECT, qr=True),
    Phase.OWN_QR: _face(Tone.WAIT, "qr-code", Act.STOP, Act.CASH, Act.COLLECT, qr=True),
    Phase.OWN_BY_HAND: _face(
        Tone.WAIT, "qr-code", Act.STOP, Act.CASH, Act.COLLECT, Act.VOUCH, Act.ASIDE, qr=True
    ),
    Phase.COLLECTING: _face(Tone.WAIT, "scan-line"),
    Phase.PASSWORD: _face(Tone.LOOK, "lock", Act.STOP, Act.CASH),
    Phase.CODE_UNKNOWN: _face(Tone.DOUBT, "circle-question-mark", Act.ASK, Act.STOP, Act.ASIDE),
    Phase.OFFLINE: _face(Tone.LOOK, "wifi-off", Act.PROVE, Act.ASIDE, qr=True),
    Phase.TIME_UP: _face(Tone.DOUBT, "hourglass", Act.ASK, Act.PROVE, Act.ASIDE),
    Phase.UNKNOWN: _face(
        Tone.DOUBT, "circle-question-mark", Act.ASK, Act.STOP, Act.PROVE, Act.ASIDE, qr=True
    ),
    Phase.CLOSING: _face(Tone.DOUBT, "hourglass", Act.ASIDE),
    Phase.PAID: _face(Tone.GOOD, "check", Act.NEXT),
    Phase.PAID_OVER: _face(Tone.GOOD, "check", Act.NEXT),
    Phase.PARTIAL: _face(Tone.BAD, "scale", Act.ASK, Act.STOP, Act.ASIDE),
    Phase.FAILED: _face(Tone.BAD, "circle-x", *_FREE),
    Phase.EXPIRED: _face(Tone.BAD, "timer", *_FREE),
    Phase.CANCELLED: _face(Tone.CALM, "circle-check", *_FREE),
    Phase.CLOSED_SHORT: _face(Tone.BAD, "scale", *_FREE),
    Phase.LATE: _face(Tone.BAD, "history", Act.DELIVER, Act.ASIDE),
    Phase.REFUND_PENDING: _face(Tone.CALM, "undo-2", Act.LEAVE),
    Phase.REFUNDED: _face(Tone.CALM, "undo-2", Act.LEAVE),
}

_BY_STATE = {
    State.CREATED: Phase.PREPARING,
    State.WAITING: Phase.WAITING,
    State.FAILED: Phase.FAILED,
    State.EXPIRED: Phase.EXPIRED,
    State.CANCELLED: Phase.CANCELLED,
    State.UNKNOWN: Phase.UNKNOWN,
    State.REFUND_PENDING: Phase.REFUND_PENDING,
    State.REFUNDED: Phase.REFUNDED,
}


def phase_of(
    payment: PaymentState,
    *,
    has_sale: bool,
    looked_at: bool,
    time_up: bool,
    closing: bool,
    offline: bool = False,
    by_code: bool = False,
    collecting: bool = False,
    own: bool = False,
    by_hand: bool = False,
) -> Phase:
    """Return the phase for what is known. `closing`: the cloud was asked to close and has not said;
    `offline`: the order is in its QR and the cloud has never told of it; `by_code`: the customer's code
    was sent, `collecting`: just now; `own`: a provider's own QR is shown, `by_hand`: one that nobody
    confirms but a person."""
    state, anomalies = payment.state, payment.anomalies
    if state is State.CONFIRMED:
        return _confirmed(anomalies, has_sale=has_sale)
    is_short = Anomaly.PARTIAL in anomalies
    if state not in _STILL_OPEN:
        return Phase.CLOSED_SHORT if is_short and state in CLOSED_UNPAID else _BY_STATE[state]
    if is_short:
        return Phase.CLOSING if closing else Phase.PARTIAL
    if collecting:
        return Phase.COLLECTING
    if closing:
        return Phase.CLOSING
    if time_up:
        return Phase.TIME_UP
    if by_code and state is not State.CREATED:
        return Phase.PASSWORD if state is State.WAITING else Phase.CODE_UNKNOWN
    if offline and state is not State.CREATED:
        return Phase.OFFLINE
    if state is State.WAITING and own:
        return Phase.OWN_BY_HAND if by_hand else Phase.OWN_QR
    if state is State.WAITING and looked_at:
        return Phase.LOOKED_AT
    return _BY_STATE[state]


def _confirmed(anomalies: frozenset[Anomaly], *, has_sale: bool) -> Phase:
    """Money that made no sale is never shown as paid."""
    if not has_sale:
        return Phase.PARTIAL if Anomaly.PARTIAL in anomalies else Phase.LATE
    return Phase.PAID_OVER if Anomaly.OVER in anomalies else Phase.PAID


_STILL_OPEN = frozenset({State.CREATED, State.WAITING, State.UNKNOWN})
