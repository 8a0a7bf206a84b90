"""Goods: styles (款), colours, sizes, SKUs, and the numbers printed on their tags (GTIN).

Also the shapes the screen reads when it looks at goods: a style card and the colour × size matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.errors import Code, RuleBroken

GTIN_LENGTHS = (8, 12, 13, 14)


class LineKind(StrEnum):
    """What a line of a document is: goods that move stock, a service, or a money-only adjustment."""

    GOODS = "goods"
    SERVICE = "service"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True, slots=True)
class Sku:
    """One sellable thing: a style in one colour and one size.

    `list_price` is in minor units of the store's currency, `gtin` is normalised text or "" and
    `price_version` tells which published price list the price came from.
    """

    sku_id: str
    style_no: str
    name: str
    name_en: str
    category: str
    colour_code: str
    colour: str
    colour_en: str
    colour_hex: str
    size: str
    list_price: int
    gtin: str = ""
    drawing: str = ""
    kind: LineKind = LineKind.GOODS
    price_version: int = 1


@dataclass(frozen=True, slots=True)
class StyleCard:
    """What a product tile shows. Quantities are pieces; `price_to` > `price_from` when sizes differ."""

    style_no: str
    name: str
    name_en: str
    category: str
    drawing: str
    colour_hexes: tuple[str, ...]
    price_from: int
    price_to: int
    own_quantity: int
    broken: bool


@dataclass(frozen=True, slots=True)
class StoreQuantity:
    """Stock of one SKU in another store, with the time it was true (Unix ms)."""

    store_id: str
    store_name: str
    quantity: int
    as_of_ms: int


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """One colour × size cell: the SKU, our own quantity, and what the other stores hold."""

    sku: Sku
    own_quantity: int
    others: tuple[StoreQuantity, ...] = ()

    @property
    def others_total(self) -> int:
        """Pieces in all other stores together."""
        return sum(other.quantity for other in self.others)


@dataclass(frozen=True, slots=True)
class Matrix:
    """A style's colour × size matrix. `cells[colour_index][size_index]`, None where none is made.

    `as_of_ms` dates the oldest figure of other stores in the matrix, None if there is none.
    """

    style_no: str
    name: str
    name_en: str
    drawing: str
    colours: tuple[tuple[str, str, str, str], ...]
    """(code, name, English name, hex) in display order."""
    sizes: tuple[str, ...]
    cells: tuple[tuple[MatrixCell | None, ...], ...]
    as_of_ms: int | None

    def broken_colours(self) -> tuple[bool, ...]:
        """Tell per colour whether its size run is broken (断码): some sizes in stock, others out."""
        return tuple(_is_broken(row) for row in self.cells)


def _is_broken(row: tuple[MatrixCell | None, ...]) -> bool:
    quantities = [cell.own_quantity for cell in row if cell is not None]
    return any(q > 0 for q in quantities) and any(q <= 0 for q in quantities)


def gtin_check_digit(digits: str) -> int:
    """Return the check digit for `digits` (the number without it), GS1 General Specifications 7.9."""
    weights = (3, 1)
    total = sum(int(digit) * weights[i % 2] for i, digit in enumerate(reversed(digits)))
    return -total % 10


def is_gtin(text: str) -> bool:
    """Tell whether `text` is a GTIN-8, -12, -13 or -14 with a right check digit."""
    if len(text) not in GTIN_LENGTHS or not (text.isascii() and text.isdigit()):
        return False
    return gtin_check_digit(text[:-1]) == int(text[-1])


def normal_gtin(text: str) -> str:
    """Return the 14-digit form, under which the same article has one number whatever its carrier.

    Raises RuleBroken(GTIN_INVALID).
    """
    cleaned = text.strip()
    if not is_gtin(cleaned):
        raise RuleBroken(Code.GTIN_INVALID, text=cleaned[:20])
    return cleaned.zfill(14)


def is_in_store_code(gtin: str) -> bool:
    """Tell whether a number is from the ranges GS1 leaves to the shop (EAN-13 starting 02, 04, 2)."""
    thirteen = gtin.zfill(14)[1:]
    return thirteen[0] == "2" or thirteen[:2] in ("02", "04")
