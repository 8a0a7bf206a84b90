"""Turns a priced cart into the rows and texts the cart panel shows. It changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from app.domain.catalog import Sku
from app.domain.people import GuideShare
from app.domain.pricing import PricedCart, PricedLine, Reason
from ui.images import garment_url
from ui.text import Words

LINE_ROLES = (
    "lineNo",
    "name",
    "detail",
    "picture",
    "cloth",
    "quantity",
    "net",
    "gross",
    "reasons",
    "guides",
)
STRIP_ROLES = ("key", "name", "picture", "cloth", "quantity", "several")
"""Of what is being paid for, seen at a glance."""
REASON_ROLES = ("code", "name", "taken")


@dataclass(frozen=True, slots=True)
class Naming:
    """What the rows need to know of words: the language, and names of reasons and people."""

    words: Words
    reason_name: Callable[[Reason], str]
    guide_names: Mapping[str, str]

    def money(self, minor: int) -> str:
        """Write an amount for people."""
        return self.words.amount(minor)

    def style(self, sku: Sku) -> str:
        """Return the style's name."""
        return self.words.name(sku.name, sku.name_en)

    def variant(self, sku: Sku) -> str:
        """Return colour and size, "黑色 · 170"."""
        return self.words.join(
            self.words.name(sku.colour, sku.colour_en), self.words.size(sku.size)
        )

    def credit(self, shares: Iterable[GuideShare]) -> str:
        """Return who is credited: one name (where names are long its first word), or how many share;
        there is no room for more."""
        shares = tuple(shares)
        if not shares:
            return self.words.say("common.nobody")
        if len(shares) > 1:
            return self.words.say("cart.sharing", n=len(shares))
        return self.guide_names.get(shares[0].guide_id, shares[0].guide_id).split(" ")[0]


def line_row(priced: PricedLine, naming: Naming) -> dict[str, object]:
    """Return one row of the cart."""
    line = priced.line
    sku = line.sku
    reasons = " · ".join(naming.reason_name(reason) for reason in priced.reasons)
    return {
        "lineNo": str(line.line_no),
        "name": naming.style(sku),
        "detail": naming.variant(sku),
        "picture": garment_url(sku.drawing, sku.colour_hex),
        "cloth": sku.colour_hex,
        "quantity": str(line.quantity),
        "net": naming.money(priced.net),
        "gross": naming.money(priced.gross) if priced.gross != priced.net else "",
        "reasons": reasons,
        "guides": naming.credit(line.guides),
    }


def reason_rows(priced: PricedCart, naming: Naming) -> list[dict[str, object]]:
    """Return what was taken off, summed by reason, line discounts first."""
    sums: dict[tuple[str, str, bool], int] = {}
    named: dict[tuple[str, str, bool], Reason] = {}
    lines = (reason for line in priced.lines for reason in line.reasons)
    for reason in (*lines, *priced.order_reasons):
        key = (reason.code, reason.rule, reason.on_order)
        sums[key] = sums.get(key, 0) + reason.amount
        named.setdefault(key, reason)
    return [
        {
            "code": "/".join(map(str, key)),
            "name": naming.reason_name(named[key]),
            "taken": naming.money(-amount),
        }
        for key, amount in sums.items()
        if amount
    ]


def strip_rows(priced: PricedCart, words: Words) -> list[dict[str, object]]:
    """Return what is being paid for, as pictures."""
    return [
        {
            "key": str(line.line_no),
            "name": words.name(line.sku.name, line.sku.name_en),
            "picture": garment_url(line.sku.drawing, line.sku.colour_hex),
            "cloth": line.sku.colour_hex or "#9A958C",
            "quantity": f"{line.quantity:,}",
            "several": line.quantity != 1,
        }
        for line in priced.cart.lines
    ]
