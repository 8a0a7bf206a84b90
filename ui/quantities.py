"""How figures that are no money look to people: ages, spans, clock times, rates. Knows no words."""

from __future__ import annotations

from datetime import UTC, datetime

from app.domain.times import SHOP_ZONE

_SECOND = 1_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


def age(age_ms: int) -> tuple[str, int]:
    """Return the unit and number an age is told in: ("hours", 2). Negative ages are "now"."""
    if age_ms < _MINUTE:
        return "now", 0
    if age_ms < _HOUR:
        return "minutes", age_ms // _MINUTE
    if age_ms < 2 * _DAY:
        return "hours", age_ms // _HOUR
    return "days", age_ms // _DAY


def span(seconds: int) -> str:
    """Return seconds as a countdown reads: "4:38", "1:02:03"."""
    minutes, rest = divmod(max(seconds, 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def percent(bp: int) -> str:
    """Return basis points as a percentage without needless zeros: "3.5%"."""
    whole, rest = divmod(abs(bp), 100)
    fraction = f".{rest:02}".rstrip("0") if rest else ""
    return f"{'−' if bp < 0 else ''}{whole}{fraction}%"


def rate_off(off_bp: int, *, english: bool) -> str:
    """Return a percentage off: in English "10% off", in Chinese what is left to pay, "9 折"."""
    if english or not 0 < off_bp < 10_000:
        return f"{percent(off_bp)} off" if english else f"减 {percent(off_bp)}"
    left = 10_000 - off_bp
    tenths, rest = divmod(left, 1_000)
    fraction = f".{rest:03}".rstrip("0") if rest else ""
    return f"{tenths}{fraction} 折"


def moment(form: str, at_ms: int, *, english: bool) -> str:
    """Return a Unix time in the shop's zone as "clock" 14:32:07, "minute" 14:32 or "day"."""
    at = datetime.fromtimestamp(at_ms / _SECOND, UTC).astimezone(SHOP_ZONE)
    if form == "clock":
        return f"{at:%H:%M:%S}"
    if form == "minute":
        return f"{at:%H:%M}"
    return f"{at.day} {at:%b}" if english else f"{at.month} 月 {at.day} 日"
