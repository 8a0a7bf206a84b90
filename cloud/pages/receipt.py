"""What the phone that paid reads about its money: is it settled, did some of it go back, how much and when.

Only shows; what became of the money was found out by `services.aftermath`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.payment import PAID_STATES, Anomaly, State
from cloud.pages.sheet import money, shop_time
from cloud.services.aftermath import NOTHING, Aftermath
from cloud.services.attempts import Attempt

_MINUTES = "%Y-%m-%d %H:%M"


class Kind(StrEnum):
    """What a receipt says first; names its sentences under `receipt.`, and its word under `state.`."""

    PAID = "paid"
    DELIVERED = "delivered"
    """It came late, and the goods were handed over for it."""
    LATE = "late"
    SETTLED = "settled"
    """It came late, and a person has noted that this is settled."""
    SHORT = "short"
    """Less came than was due, and nothing more can."""
    OVER = "over"
    PART_GOING = "part_going"
    PART_BACK = "part_back"
    GOING = "refund_pending"
    BACK = "refunded"

    @property
    def is_good(self) -> bool:
        """Nothing is left that anybody has to see to."""
        return self in (Kind.PAID, Kind.DELIVERED)

    @property
    def pays_nothing(self) -> bool:
        """All of it is back or on its way: no goods may go out for it any more."""
        return self in (Kind.GOING, Kind.BACK)


@dataclass(frozen=True, slots=True)
class BackRow:
    """Money of one refund in text; `how` names its word under `receipt.back_`."""

    how: str
    amount: str
    at: str


@dataclass(frozen=True, slots=True)
class MoneySheet:
    """The money side of a receipt. `kept` is what the order cost in the end; both it and `rows` are empty
    where nothing goes back."""

    kind: Kind
    came: str
    over: str
    back: str
    going: str
    rows: tuple[BackRow, ...]
    kept: str

    @property
    def heading(self) -> str:
        """The key of the title; the first receipt's is simply "paid"."""
        return "receipt.title" if self.kind.is_good else f"receipt.{self.kind.value}_title"

    @property
    def lead(self) -> str:
        """The key of the sentence below it."""
        return "receipt.lead" if self.kind is Kind.PAID else f"receipt.{self.kind.value}_lead"


def kind_of(attempt: Attempt, after: Aftermath) -> Kind:
    """Return what is to be said first of the money of an attempt that has ended with some."""
    came, state = _came(attempt), attempt.payment.state
    if state is State.REFUNDED or after.back >= came:
        return Kind.BACK
    if state is State.REFUND_PENDING or after.back + after.going >= came:
        return Kind.GOING
    if state not in PAID_STATES:
        return Kind.SHORT
    if Anomaly.LATE in attempt.payment.anomalies and not after.delivered:
        return Kind.SETTLED if after.settled else Kind.LATE
    if _surplus(attempt, after) > 0:
        return Kind.OVER
    goods = [part for part in after.returned if part.of_goods]
    if goods:
        return Kind.PART_BACK if all(part.how.is_done for part in goods) else Kind.PART_GOING
    return Kind.DELIVERED if Anomaly.LATE in attempt.payment.anomalies else Kind.PAID


def state_word(attempt: Attempt, after: Aftermath = NOTHING) -> str:
    """Return the key under `state.` that names how an order in the cart stands."""
    state = attempt.payment.state
    if has_money(attempt):
        return kind_of(attempt, after).value
    if attempt.received:
        return Kind.SHORT.value
    return {State.CREATED: "waiting", State.UNKNOWN: "asking"}.get(state, state.value)


def has_money(attempt: Attempt) -> bool:
    """Tell whether an attempt has ended with money that came."""
    paid = attempt.payment.state in PAID_STATES
    return paid or (not attempt.payment.is_open and attempt.received > 0)


def money_sheet(attempt: Attempt, after: Aftermath) -> MoneySheet:
    """Return the money side of an attempt's receipt."""

    def text(minor: int) -> str:
        return money(minor, attempt.currency)

    rows = tuple(
        BackRow(part.how.value, text(part.amount), shop_time(part.at_ms, _MINUTES))
        for part in after.returned
    )
    surplus, kept = _surplus(attempt, after), max(_came(attempt) - after.back, 0)
    return MoneySheet(
        kind=kind_of(attempt, after),
        came=text(_came(attempt)),
        over=text(surplus) if surplus > 0 else "",
        back=text(after.back),
        going=text(after.going),
        rows=rows,
        kept=text(kept) if rows else "",
    )


def money_stamp(attempt: Attempt, after: Aftermath) -> str:
    """Return what a page compares to know whether what it says about the money is out of date."""
    kind = kind_of(attempt, after).value
    return f"{kind}:{attempt.received}:{after.back}:{after.going}"


def _came(attempt: Attempt) -> int:
    """What the customer gave; what was due, where a manager saw it and no provider has told of it."""
    return max(attempt.received, attempt.amount) if attempt.is_unproven else attempt.received


def _surplus(attempt: Attempt, after: Aftermath) -> int:
    if after.settled:
        return 0
    return attempt.received - attempt.amount - after.back_of_surplus
