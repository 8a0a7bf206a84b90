"""Recorded time: what the device's clocks said, and how far to believe them.

No clock decides money. Order comes from the journal's sequence on one device and from receipt at the
server across devices; these values only date reports and receipts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum

SHOP_ZONE = timezone(timedelta(hours=8), "China")
"""Time shown to people unless a store says otherwise. China has one zone and no summer time."""


class TimeQuality(StrEnum):
    """How a moment was obtained: A anchored to the server in this boot, B wall clock with a recent
    anchor, C wall clock alone."""

    ANCHORED = "A"
    RECENT = "B"
    WALL = "C"


@dataclass(frozen=True, slots=True)
class Moment:
    """One reading of the clocks. Milliseconds; `wall_ms` and `server_ms` are Unix time in UTC."""

    wall_ms: int
    mono_ms: int
    boot_id: str
    server_ms: int
    quality: TimeQuality

    def utc(self) -> datetime:
        """Return the best estimate of true time."""
        return datetime.fromtimestamp(self.server_ms / 1000, UTC)


def business_date(moment: Moment, *, zone: timezone = SHOP_ZONE, day_starts_at: int = 4) -> date:
    """Return the trading day a moment belongs to: a sale at 01:30 still belongs to the evening before.

    `day_starts_at` is the hour in `zone` at which a new trading day begins.
    """
    return (moment.utc().astimezone(zone) - timedelta(hours=day_starts_at)).date()
