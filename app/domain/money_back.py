"""Money on its way back to a customer by the way it came: where it stands, and what may go back at all.

Pure, and the same for till and cloud; the rules in words and the worked tables are in PAYMENTS.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.errors import Code, RuleBroken


class Back(StrEnum):
    """Where money on its way back stands."""

    UNKNOWN = "unknown"
    """Written down, and no trustworthy answer yet: it may be moving."""
    PENDING = "pending"
    """The provider has accepted it and will do it."""
    DONE = "done"
    REFUSED = "refused"
    """It did not and will not move."""
    STUCK = "stuck"
    """The provider cannot do it by itself; a person has to act there."""

    @property
    def is_final(self) -> bool:
        """No later news changes it."""
        return self in FINAL

    @property
    def is_accepted(self) -> bool:
        """The provider has taken it on: what follows is not whether, but when and how."""
        return self in (Back.PENDING, Back.DONE, Back.STUCK)

    @property
    def counts(self) -> bool:
        """It takes part of what may go back: it has moved or may move."""
        return self is not Back.REFUSED

    def is_belied_by(self, heard: Back) -> bool:
        """The provider moves money that was called refused before, so it may have been given twice."""
        return self is Back.REFUSED and heard.is_accepted

    def after(self, heard: Back) -> Back:
        """Return where news lead. What is final stays; what was accepted is never in doubt again."""
        if self.is_final or (heard is Back.UNKNOWN and self.is_accepted):
            return self
        return heard


FINAL = frozenset({Back.DONE, Back.REFUSED})


def joined(standings: Iterable[Back]) -> Back:
    """Return how several parts of one refund stand together: what needs somebody's attention first."""
    found = set(standings)
    for standing in (Back.STUCK, Back.UNKNOWN, Back.PENDING, Back.REFUSED):
        if standing in found:
            return standing
    return Back.DONE


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment of an attempt, and how much of it has gone or may be going back. Minor units."""

    ref: str
    provider: str
    amount: int
    going: int = 0

    @property
    def left(self) -> int:
        """What may still go back of it."""
        return max(self.amount - self.going, 0)


def from_one(payments: Sequence[Paid], amount: int) -> Paid:
    """Return the first payment that still holds `amount`, so that it goes back in one piece.

    Raises RuleBroken: AMOUNT_INVALID, REFUND_EXCEEDS_PAYMENT (`left`: the most that can go back so).
    """
    if amount <= 0:
        raise RuleBroken(Code.AMOUNT_INVALID, amount=amount)
    for payment in payments:
        if payment.left >= amount:
            return payment
    left = max((payment.left for payment in payments), default=0)
    raise RuleBroken(Code.REFUND_EXCEEDS_PAYMENT, left=left)


def from_several(payments: Sequence[Paid], amount: int) -> tuple[tuple[Paid, int], ...]:
    """Share an amount out over payments, the last one first, for that is the one that was too much.

    Raises RuleBroken: AMOUNT_INVALID, REFUND_EXCEEDS_PAYMENT (`left`).
    """
    if amount <= 0:
        raise RuleBroken(Code.AMOUNT_INVALID, amount=amount)
    open_, parts = amount, []
    for payment in reversed(payments):
        part = min(payment.left, open_)
        if part:
            parts.append((payment, part))
            open_ -= part
    if open_:
        raise RuleBroken(Code.REFUND_EXCEEDS_PAYMENT, left=amount - open_)
    return tuple(parts)
