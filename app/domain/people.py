"""Who works in the shop, and how several guides share the credit for one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.domain.money import FULL_BP, allocate
from app.errors import Code, RuleBroken

MAX_GUIDES = 5
"""Most guides on one line; more is a queue, not a service."""


class Role(StrEnum):
    """What a person may do at the till."""

    GUIDE = "guide"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who signs in at the till. The PIN is never part of this value."""

    person_id: str
    name: str
    name_en: str
    role: Role
    active: bool = True


@dataclass(frozen=True, slots=True)
class GuideShare:
    """A guide's part of a line's credit in basis points; the parts of a line sum to 10,000."""

    guide_id: str
    weight_bp: int


def sole_guide(guide_id: str) -> tuple[GuideShare, ...]:
    """Return the shares of a line one guide served alone."""
    return (GuideShare(guide_id, FULL_BP),)


def even_shares(guide_ids: Sequence[str]) -> tuple[GuideShare, ...]:
    """Return equal shares that still sum to exactly 10,000 (three guides: 3334, 3333, 3333)."""
    if not guide_ids:
        raise RuleBroken(Code.GUIDE_SHARES_INVALID)
    parts = allocate(FULL_BP, [1] * len(guide_ids))
    shares = tuple(GuideShare(g, part) for g, part in zip(guide_ids, parts, strict=True))
    check_shares(shares)
    return shares


def check_shares(shares: Sequence[GuideShare]) -> None:
    """Raise RuleBroken(GUIDE_SHARES_INVALID) unless shares are positive, distinct and sum to 10,000.

    No shares at all is allowed: a line nobody is credited for.
    """
    if not shares:
        return
    ids = {share.guide_id for share in shares}
    whole = sum(share.weight_bp for share in shares)
    positive = all(share.weight_bp > 0 for share in shares)
    if len(shares) > MAX_GUIDES or len(ids) != len(shares) or whole != FULL_BP or not positive:
        raise RuleBroken(Code.GUIDE_SHARES_INVALID, guides=len(shares), sum_bp=whole)
