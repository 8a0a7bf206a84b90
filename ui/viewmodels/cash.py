"""Taking cash: what was typed, what it comes to, and which notes a customer is likely to hand over.

Pure but for the currency's rules; the payment view-model shows it and no one else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.domain.money import Currency, parse_amount
from app.errors import RuleBroken

_MOST_FIGURES = 9
_STEPS = (5, 10, 50, 100, 500, 1_000)
"""Whole units a customer rounds up to; coins, notes, and bundles of notes."""
_FINEST = 50
"""Nobody rounds up to less than a fiftieth of the amount: ¥4,663.82 is not paid with ¥4,665."""


@dataclass(frozen=True, slots=True)
class Typed:
    """An amount as it is keyed in, at most two decimals, in the currency's own notation."""

    currency: Currency
    text: str = ""

    @property
    def minor(self) -> int:
        """What was typed in minor units; 0 for nothing yet."""
        try:
            return parse_amount(self.text.rstrip(".") or "0", self.currency)
        except RuleBroken:
            return 0

    def key(self, figure: str) -> Typed:
        """Take one key: a digit, "00" or "."; a key that makes no sense changes nothing."""
        text = self.text + figure
        if figure == ".":
            text = self.text + "." if self.text else "0."
        whole, dot, fraction = text.partition(".")
        if not whole.isdigit() or not (fraction == "" or fraction.isdigit()):
            return self
        too_fine = len(fraction) > self.currency.exponent or (dot and not self.currency.exponent)
        if too_fine or len(whole) > _MOST_FIGURES:
            return self
        whole = whole.lstrip("0") or "0"
        return replace(self, text=whole + dot + fraction)

    def erase(self) -> Typed:
        """Take the last key back."""
        return replace(self, text=self.text[:-1])


def likely_notes(total: int, currency: Currency, most: int = 4) -> tuple[int, ...]:
    """Return amounts (minor units) a customer may hand over for `total`: exact first, then rounder."""
    unit = 10**currency.exponent
    found = {total}
    for step in _STEPS:
        if step * unit * _FINEST >= total:
            found.add(-(-total // (step * unit)) * step * unit)
    return tuple(sorted(found)[:most])
