"""Money as whole numbers of the currency's minor unit, and the only places where it is rounded.

An amount is a plain `int`; its currency stands once on the document (cart, sale, refund), because a
document has one currency and repeating it on every line would only invite disagreement. Unit prices
are in *mills*, thousandths of the minor unit, since some trades quote prices finer than can be paid.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.errors import Code, RuleBroken

MILLS = 1_000
"""Mills in one minor unit."""

FULL_BP = 10_000
"""Basis points in the whole."""

MAX_MINOR = 10**12
"""No amount of a document may exceed this (ten billion yuan); a million such documents still sum
inside 64 bits."""


@dataclass(frozen=True, slots=True)
class Currency:
    """An ISO 4217 currency: code, number of decimals, symbol shown to people."""

    code: str
    exponent: int
    symbol: str


CNY = Currency("CNY", 2, "¥")
GBP = Currency("GBP", 2, "£")
EUR = Currency("EUR", 2, "€")
USD = Currency("USD", 2, "$")
JPY = Currency("JPY", 0, "¥")

CURRENCIES = {currency.code: currency for currency in (CNY, GBP, EUR, USD, JPY)}

_AMOUNT = re.compile(r"([+-]?)(\d{1,13})(?:\.(\d{1,6}))?", re.ASCII)


def half_away(numerator: int, denominator: int) -> int:
    """Return numerator/denominator rounded to the nearest whole, halves away from zero.

    Symmetric about zero, so that a return mirrors its sale exactly.
    """
    quotient, remainder = divmod(abs(numerator), denominator)
    if 2 * remainder >= denominator:
        quotient += 1
    return quotient if numerator >= 0 else -quotient


def extend(quantity: int, unit_mills: int) -> tuple[int, bool]:
    """Return (amount in minor units, whether it had to be rounded) of `quantity` pieces.

    Raises RuleBroken(AMOUNT_TOO_LARGE).
    """
    exact = quantity * unit_mills
    return check_size(half_away(exact, MILLS)), exact % MILLS != 0


def check_size(amount: int) -> int:
    """Return `amount` if it is one a document may carry. Raises RuleBroken(AMOUNT_TOO_LARGE)."""
    if abs(amount) > MAX_MINOR:
        raise RuleBroken(Code.AMOUNT_TOO_LARGE)
    return amount


def share_of(amount: int, rate_bp: int) -> int:
    """Return `rate_bp` basis points of `amount`, halves away from zero."""
    return half_away(amount * rate_bp, FULL_BP)


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` over `weights` by largest remainder; the parts always sum to `total`.

    Every part is within one minor unit of its exact share. Ties go to the earlier weight. Weights
    are non-negative; if all are zero the first one takes everything.
    """
    if not weights:
        raise ValueError("nothing to allocate over")
    if any(weight < 0 for weight in weights):
        raise ValueError("weights must not be negative")
    whole = sum(weights)
    if whole == 0:
        return [total, *([0] * (len(weights) - 1))]
    magnitude = abs(total)
    floors, remainders = [], []
    for index, weight in enumerate(weights):
        floor, remainder = divmod(magnitude * weight, whole)
        floors.append(floor)
        remainders.append((-remainder, index))
    missing = magnitude - sum(floors)
    for _, index in sorted(remainders)[:missing]:
        floors[index] += 1
    return floors if total >= 0 else [-part for part in floors]


def reverse(step: int, remaining: Sequence[int]) -> list[int]:
    """Take `step` back out of `remaining` shares, weighted by what each still holds.

    Never takes more than is left and never goes negative; when `step` is all that is left, every
    share ends at exactly zero. (Splitting the cumulative amount instead can make a single step
    negative, because largest remainder is not monotone in the total.)
    """
    left = sum(remaining)
    if not 0 <= step <= left:
        raise ValueError(f"cannot take {step} out of {left}")
    if not remaining:
        return []
    return allocate(step, remaining)


def decimal_to_mills(text: str, currency: Currency) -> int:
    """Read a decimal unit price such as "2.55" or "0.001" exactly, in mills; no float on the way."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise RuleBroken(Code.AMOUNT_INVALID, text=text[:40])
    sign, whole, fraction = match.group(1), match.group(2), match.group(3) or ""
    places = currency.exponent + 3
    if len(fraction.rstrip("0")) > places:
        raise RuleBroken(Code.AMOUNT_INVALID, text=text[:40])
    scale: int = 10**places
    mills = int(whole) * scale + int((fraction + "0" * places)[:places])
    if mills > MAX_MINOR * MILLS:
        raise RuleBroken(Code.AMOUNT_TOO_LARGE, text=text[:40])
    return -mills if sign == "-" else mills


def parse_amount(text: str, currency: Currency) -> int:
    """Read what a person typed ("12", "12.50", "¥1,280.00") as minor units.

    Raises RuleBroken(AMOUNT_INVALID) for anything else, for more decimals than the currency has,
    and for digits outside ASCII.
    """
    cleaned = text.strip().removeprefix(currency.symbol).removeprefix("￥").strip()
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", cleaned, re.ASCII):
        cleaned = cleaned.replace(",", "")
    mills = decimal_to_mills(cleaned, currency)
    if mills % MILLS:
        raise RuleBroken(Code.AMOUNT_INVALID, text=text[:40])
    return mills // MILLS


def plain_amount(minor: int, currency: Currency) -> str:
    """Write minor units as a plain decimal, "-12.50": for files and messages, not for people."""
    sign = "-" if minor < 0 else ""
    if currency.exponent == 0:
        return f"{sign}{abs(minor)}"
    whole, fraction = divmod(abs(minor), 10**currency.exponent)
    return f"{sign}{whole}.{fraction:0{currency.exponent}d}"


def show_amount(minor: int, currency: Currency) -> str:
    """Write minor units for people: "¥1,280.00", "−¥12.50" with a true minus sign."""
    whole, _, fraction = plain_amount(abs(minor), currency).partition(".")
    grouped = f"{int(whole):,}" + (f".{fraction}" if fraction else "")
    return f"{'−' if minor < 0 else ''}{currency.symbol}{grouped}"
