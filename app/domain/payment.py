"""The life of one payment attempt as a table: (state, event) → outcome, complete for every pair.

A second axis holds anomalies, because late, over and partial money is normal life at a QR till. The
till and the cloud use this same table; the rules in words and the table itself are in PAYMENTS.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.errors import Code, RuleBroken


class State(StrEnum):
    """Where an attempt stands. `UNKNOWN` is a state, not a failure."""

    CREATED = "created"
    WAITING = "waiting"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    REFUND_PENDING = "refund_pending"
    REFUNDED = "refunded"


class Event(StrEnum):
    """What can be heard about an attempt."""

    SHOWN = "shown"
    """The order is at the cloud and its QR may be shown."""
    STILL_WAITING = "still_waiting"
    """A query says: open, not paid."""
    COLLECTING = "collecting"
    """The customer's code is about to be sent, to be collected by. Until an answer nothing is known."""
    PAID = "paid"
    """The provider confirms the exact amount."""
    PAID_OVER = "paid_over"
    """The provider confirms more than was due: too much, or a second payment."""
    PAID_PARTIAL = "paid_partial"
    """The provider confirms less than was due."""
    DECLINED = "declined"
    """The provider says this attempt can no longer be paid."""
    TIMED_OUT = "timed_out"
    """The provider confirms that the attempt ran out of time unpaid."""
    CLOSED = "closed"
    """The provider confirms that it was closed unpaid at our wish."""
    LOST = "lost"
    """A question was asked and no trustworthy answer came."""
    VOUCHED = "vouched"
    """A manager confirms by hand, from evidence outside the system."""
    PROVED = "proved"
    """The till saw our cloud's signature over the payment, with no network."""
    SPOKEN = "spoken"
    """The customer read out the code that only our cloud and this device can make."""
    REFUND_ASKED = "refund_asked"
    REFUND_DONE = "refund_done"
    REFUND_REFUSED = "refund_refused"


class Way(StrEnum):
    """How an attempt was begun at a provider."""

    NOT_YET = ""
    PAGE = "page"
    """The customer went from our page to a wallet."""
    CODE = "code"
    """The customer's code was scanned here."""
    QR = "qr"
    """The provider's own code is shown instead of our page's."""


class Anomaly(StrEnum):
    """What is unusual about the money of an attempt. Sticky: never removed by later events."""

    LATE = "late"
    OVER = "over"
    PARTIAL = "partial"
    BY_HAND = "by_hand"
    PROVED = "proved"
    SPOKEN = "spoken"


EVIDENCE = {
    Event.VOUCHED: Anomaly.BY_HAND,
    Event.PROVED: Anomaly.PROVED,
    Event.SPOKEN: Anomaly.SPOKEN,
}
"""What was believed in the place of the provider's own word, and the mark it leaves for ever."""

MONEY = frozenset({Event.PAID, Event.PAID_OVER, Event.PAID_PARTIAL, *EVIDENCE})
"""Events that say money came."""

OPEN = frozenset({State.CREATED, State.WAITING, State.UNKNOWN})
"""States in which money may still come and no second attempt may be shown for the cart."""

CLOSED_UNPAID = frozenset({State.FAILED, State.EXPIRED, State.CANCELLED})

PAID_STATES = frozenset({State.CONFIRMED, State.REFUND_PENDING, State.REFUNDED})


@dataclass(frozen=True, slots=True)
class Move:
    """The attempt goes to `state`, gaining `anomalies`."""

    state: State
    anomalies: frozenset[Anomaly] = frozenset()


@dataclass(frozen=True, slots=True)
class Refuse:
    """The event makes no sense here; whoever sent it gets this code and nothing changes."""

    code: Code


Outcome = Move | Refuse


def _table() -> dict[tuple[State, Event], Outcome]:
    s, e, a = State, Event, Anomaly
    table: dict[tuple[State, Event], Outcome] = {}

    def row(state: State, moves: dict[Event, State], *, late: bool = False) -> None:
        """One state's row: unnamed events leave it where it is; `late` marks money that arrives."""
        for event in e:
            target = moves.get(event, state)
            marks: set[Anomaly] = set()
            if event in (e.PAID_OVER, e.PAID_PARTIAL):
                # Whatever comes on top of a full payment is too much, however little it is.
                more = event is e.PAID_OVER or state in PAID_STATES
                marks.add(a.OVER if more else a.PARTIAL)
            if event in EVIDENCE and target is not state:
                marks.add(EVIDENCE[event])
            if late and event in MONEY:
                marks.add(a.LATE)
            table[state, event] = Move(target, frozenset(marks))

    money = {e.PAID: s.CONFIRMED, e.PAID_OVER: s.CONFIRMED}
    ends = {e.DECLINED: s.FAILED, e.TIMED_OUT: s.EXPIRED, e.CLOSED: s.CANCELLED, e.LOST: s.UNKNOWN}
    shown = dict.fromkeys(EVIDENCE, s.CONFIRMED)
    row(s.CREATED, money | ends | {e.SHOWN: s.WAITING, e.STILL_WAITING: s.WAITING})
    row(s.WAITING, money | ends | shown | {e.COLLECTING: s.UNKNOWN})
    row(s.UNKNOWN, money | ends | shown | {e.SHOWN: s.WAITING, e.STILL_WAITING: s.WAITING})
    for closed in (s.FAILED, s.EXPIRED, s.CANCELLED):
        row(closed, money | shown, late=True)
    row(s.CONFIRMED, {e.REFUND_ASKED: s.REFUND_PENDING, e.REFUND_DONE: s.REFUNDED})
    row(s.REFUND_PENDING, {e.REFUND_DONE: s.REFUNDED, e.REFUND_REFUSED: s.CONFIRMED})
    row(s.REFUNDED, {})

    for state in (*OPEN, *CLOSED_UNPAID):
        for event in (e.REFUND_ASKED, e.REFUND_DONE, e.REFUND_REFUSED):
            table[state, event] = Refuse(Code.PAYMENT_NOT_CONFIRMED)
    for event in (*EVIDENCE, e.COLLECTING):
        table[s.CREATED, event] = Refuse(Code.PAYMENT_NOT_SHOWN)
    table[s.REFUNDED, e.REFUND_ASKED] = Refuse(Code.PAYMENT_ALREADY_REFUNDED)
    return table


TABLE = _table()
"""Every (state, event) pair has exactly one outcome."""


@dataclass(frozen=True, slots=True)
class PaymentState:
    """An attempt's two axes."""

    state: State = State.CREATED
    anomalies: frozenset[Anomaly] = frozenset()

    def after(self, event: Event) -> PaymentState:
        """Return where `event` leads; the same value if it changes nothing.

        Raises RuleBroken with the table's code when the event is refused.
        """
        outcome = TABLE[self.state, event]
        if isinstance(outcome, Refuse):
            raise RuleBroken(outcome.code, state=self.state.value, event=event.value)
        after = PaymentState(outcome.state, self.anomalies | outcome.anomalies)
        return self if after == self else after

    @property
    def is_open(self) -> bool:
        """Money may still come in the ordinary way."""
        return self.state in OPEN

    @property
    def needs_a_person(self) -> bool:
        """Money is or may be where no sale is: belongs in the late-money inbox."""
        return bool(self.anomalies - set(EVIDENCE.values()))


def judge_amount(due: int, received: int) -> Event:
    """Return which event a confirmed `received` amount is for an attempt over `due` (minor units)."""
    if received == due:
        return Event.PAID
    return Event.PAID_OVER if received > due else Event.PAID_PARTIAL
