"""What each guide earns on each line, to the fen, and how a return takes it back.

The commission of a line is its rate times its net, rounded once; the guides' parts come from
largest remainder over their weights. A return takes back in the proportion of the net returned so
far, so any order of part returns ends every guide at exactly zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.money import allocate, half_away, reverse, share_of
from app.domain.people import GuideShare


@dataclass(frozen=True, slots=True)
class CommissionPlan:
    """A published plan. A changed plan is a new version; sales keep the one they were made under.

    `rates_bp` maps category to basis points of the line's net, `default_bp` is for all others.
    """

    plan_id: str
    version: int
    default_bp: int
    rates_bp: Mapping[str, int] = field(default_factory=dict)

    def rate_for(self, category: str) -> int:
        """Return the rate for a category in basis points."""
        return self.rates_bp.get(category, self.default_bp)


NO_PLAN = CommissionPlan("", 0, 0)


@dataclass(frozen=True, slots=True)
class Commission:
    """One entry that explains itself: base × rate, this guide's weight of it, amount in minor units.

    On a refund the amount is negative or zero and takes back an entry of the original sale.
    """

    line_no: int
    guide_id: str
    plan_id: str
    plan_version: int
    base: int
    rate_bp: int
    weight_bp: int
    amount: int


def earn(
    line_no: int, category: str, net: int, guides: Sequence[GuideShare], plan: CommissionPlan
) -> tuple[Commission, ...]:
    """Return one entry per guide of a line; none when nobody is credited, the plan is empty, or
    the line brought nothing in (an adjustment below zero takes no guide's money)."""
    if not guides or not plan.plan_id or net <= 0:
        return ()
    rate = plan.rate_for(category)
    parts = allocate(share_of(net, rate), [share.weight_bp for share in guides])
    return tuple(
        Commission(
            line_no,
            share.guide_id,
            plan.plan_id,
            plan.version,
            net,
            rate,
            share.weight_bp,
            part,
        )
        for share, part in zip(guides, parts, strict=True)
    )


def take_back(
    line_no: int,
    earned: Sequence[Commission],
    already: Sequence[int],
    *,
    sold_net: int,
    returned_before: int,
    returning: int,
) -> tuple[Commission, ...]:
    """Return the entries that take back the commission of a (part of a) returned line.

    `earned` are the original line's entries and `already` what was taken back from each so far
    (positive); `sold_net`, `returned_before` and `returning` are nets in minor units of the original
    line. After the whole net has been returned, in any steps, Σ earned = Σ taken back per guide.
    """
    if not earned:
        return ()
    whole = sum(entry.amount for entry in earned)
    remaining = [entry.amount - gone for entry, gone in zip(earned, already, strict=True)]
    target = half_away(whole * (returned_before + returning), sold_net) if sold_net else whole
    step = max(target - sum(already), 0)
    parts = reverse(step, remaining)
    return tuple(
        Commission(
            line_no,
            entry.guide_id,
            entry.plan_id,
            entry.plan_version,
            -returning,
            entry.rate_bp,
            entry.weight_bp,
            -part,
        )
        for entry, part in zip(earned, parts, strict=True)
    )
