"""What a shop's settings may be, told the same way where they are published and where they are taken over.

Both sides look: a cloud of another version, or a hand in its database, may have passed the other's door.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec.structs import fields, replace

from app.domain.money import CURRENCIES
from app.wire.messages import ConfigRow, PlanRow

LEASE_DAYS = range(1, 366)
"""Days members may be kept unheard of: none would forget everybody at every round, and a year is more
than SYNC's "minimum necessary" bears."""
PAYMENT_MINUTES = range(1, 61)
DAY_STARTS_AT = range(13)
"""Hours of the morning, noon included: a trading day that begins later belongs to the next date."""
RATE_BP = range(10_001)

_HOLDS: Mapping[str, Callable[[ConfigRow], bool]] = {
    "currency": lambda shop: shop.currency in CURRENCIES,
    "stores": lambda shop: all(each.store for each in shop.stores),
    "tiers": lambda shop: all(each.code and each.pays_bp in RATE_BP for each in shop.tiers),
    "discount_reasons": lambda shop: all(
        each.code and each.max_bp in RATE_BP for each in shop.discount_reasons
    ),
    "plan": lambda shop: shop.plan is None or _holds(shop.plan),
    "payment_minutes": lambda shop: shop.payment_minutes in PAYMENT_MINUTES,
    "day_starts_at": lambda shop: shop.day_starts_at in DAY_STARTS_AT,
    "member_lease_days": lambda shop: shop.member_lease_days in LEASE_DAYS,
}
_NOTHING: Mapping[str, Any] = {
    "currency": "CNY",
    "stores": [],
    "tiers": [],
    "discount_reasons": [],
}
"""What stands where a field without a default of its own never had a value that makes sense."""


def out_of_bounds(shop: ConfigRow) -> Iterator[str]:
    """Yield the names of the fields that make no sense."""
    return (name for name, holds in _HOLDS.items() if not holds(shop))


def within_bounds(shop: ConfigRow, before: ConfigRow | None) -> ConfigRow:
    """Return the settings with what makes no sense as it was before, or as it is where nobody set it."""
    wrong = list(out_of_bounds(shop))
    defaults = {each.name: each.default for each in fields(ConfigRow)}
    keep = {
        name: getattr(before, name) if before else _NOTHING.get(name, defaults[name])
        for name in wrong
    }
    return replace(shop, **keep) if keep else shop


def _holds(plan: PlanRow) -> bool:
    return all(rate in RATE_BP for rate in (plan.default_bp, *plan.rates_bp.values()))
