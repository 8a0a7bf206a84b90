"""Stock as signed movements. On-hand is their sum; it may go negative, because goods in the
customer's hand must be sellable, and the difference becomes a task instead of a lie."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.times import Moment


class MovementKind(StrEnum):
    """Why pieces moved."""

    SALE = "sale"
    RETURN = "return"
    WRITE_OFF = "write_off"
    FOUND = "found"
    RECEIVED = "received"


@dataclass(frozen=True, slots=True)
class StockMovement:
    """A signed number of pieces of one SKU: minus leaves the shop, plus comes in."""

    sku_id: str
    delta: int
    kind: MovementKind


@dataclass(frozen=True, slots=True)
class StockAdjustment:
    """A fact of its own: movements that belong to no sale or refund (damage, found, received)."""

    adjustment_id: str
    at: Moment
    business_date: str
    actor: str
    reason: str
    movements: tuple[StockMovement, ...]
    reference: str = ""
