"""An order as a customer reads it: names in their language, amounts as text, discounts with reasons.

Only shows; every amount was decided by the till and is repeated here unchanged.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from app.domain.money import CURRENCIES, show_amount
from app.domain.times import SHOP_ZONE
from app.wire.messages import Order, OrderLine, OrderReason
from cloud.pages.words import Words
from cloud.services.attempts import Attempt
from cloud.services.orders import Shop

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
_GREY = "#B8BDC2"


@dataclass(frozen=True, slots=True)
class LineSheet:
    """One line. `size` is named as such; `was` is empty unless something was taken off."""

    name: str
    colour: str
    colour_hex: str
    size: str
    quantity: int
    picture: str
    was: str
    now: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The whole order. `savings` lists (reason, amount); `saved` is empty when nothing was."""

    store: str
    city: str
    guide: str
    short: str
    lines: tuple[LineSheet, ...]
    pieces: int
    subtotal: str
    savings: tuple[tuple[str, str], ...]
    saved: str
    total: str


def sheet_of(attempt: Attempt, order: Order, shop: Shop, w: Words) -> Sheet:
    """Return the order in the language of `w`."""
    gross = sum(line.gross for line in order.lines)
    saved = gross - order.total
    on_order = sum(reason.amount for reason in order.reasons)
    savings = [(reason_text(r, shop, w), _less(r.amount, order)) for r in order.reasons]
    if saved != on_order:
        savings.insert(0, (w("totals.item_savings"), _less(saved - on_order, order)))
    return Sheet(
        store=w.pick(shop.store.name, shop.store.name_en),
        city=shop.store.city if w.code == "zh" else "",
        guide=w.pick(order.guide_name, order.guide_name_en),
        short=short_number(attempt.attempt_id),
        lines=tuple(_line(line, order, shop, w) for line in order.lines),
        pieces=sum(line.quantity for line in order.lines),
        subtotal=money(gross, order.currency),
        savings=tuple(savings),
        saved=money(saved, order.currency) if saved > 0 else "",
        total=money(order.total, order.currency),
    )


def _line(line: OrderLine, order: Order, shop: Shop, w: Words) -> LineSheet:
    colour_hex = line.colour_hex if _COLOUR.fullmatch(line.colour_hex) else _GREY
    return LineSheet(
        name=w.pick(line.name, line.name_en),
        colour=w.pick(line.colour, line.colour_en),
        colour_hex=colour_hex,
        size=_size(line.size, w),
        quantity=line.quantity,
        picture=f"/garment/{quote(line.drawing or 'plain', safe='')}/{colour_hex[1:]}.svg",
        was=money(line.gross, order.currency) if line.gross != line.net else "",
        now=money(line.net, order.currency),
        reasons=tuple(dict.fromkeys(reason_text(r, shop, w) for r in line.reasons)),
    )


def _size(size: str, w: Words) -> str:
    """Name a size; what comes in one size only has no number to name."""
    return w.sentences.get(f"sizes.{size}") or w("page.size", size=size)


def reason_text(reason: OrderReason, shop: Shop, w: Words) -> str:
    """Return a discount's reason in words, with its rate as the language says it: 9 折, 10% off.

    The shop's own name for a code wins over ours; an unknown code is just a discount.
    """
    own = shop.reasons.get(reason.code)
    key = f"reasons.{reason.code}"
    if own is not None:
        name = w.pick(own.name, own.name_en)
    else:
        name = w.sentences.get(key, w("reasons.unknown"))
    if not 0 < reason.rate_bp < 10_000:
        return name
    return w(
        "reasons.rate",
        name=name,
        percent=_decimal(reason.rate_bp, 100),
        zhe=_decimal(10_000 - reason.rate_bp, 1_000),
    )


def money(minor: int, currency: str) -> str:
    """Return an amount for people."""
    return show_amount(minor, CURRENCIES[currency])


def short_number(attempt_id: str) -> str:
    """Return the end of an attempt's id as people read it to each other: "8F3K-27QX"."""
    tail = attempt_id.replace("-", "")[-8:].upper()
    return f"{tail[:4]}-{tail[4:]}"


def shop_time(unix_ms: int, form: str) -> str:
    """Return a moment in the shop's zone, written by a strftime `form`."""
    return datetime.fromtimestamp(unix_ms / 1000, UTC).astimezone(SHOP_ZONE).strftime(form)


def _less(amount: int, order: Order) -> str:
    return money(-amount, order.currency)


def _decimal(value: int, scale: int) -> str:
    """Write value/scale without needless zeros: 9500/1000 is "9.5"."""
    whole, rest = divmod(value, scale)
    fraction = f"{rest:0{len(str(scale)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{fraction}" if fraction else str(whole)
