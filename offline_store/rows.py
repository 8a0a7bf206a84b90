"""Between rows of tables and values of the domain. No query lives here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.domain.catalog import LineKind, Sku
from app.domain.member import Member
from app.domain.people import Person, Role
from app.wire.messages import SkuRow

SKU_COLUMNS = (
    "sku_id, style_no, name, name_en, category, colour_code, colour, colour_en, colour_hex, "
    "size, list_price, gtin, drawing, kind, price_version"
)
MEMBER_COLUMNS = "member_ref, name, phone, tier, points, note, revision"


def sku_of(row: Sequence[Any]) -> Sku:
    """Build a SKU from `SKU_COLUMNS`."""
    values = list(row[:15])
    values[13] = LineKind(values[13])
    return Sku(*values)


def member_of(row: Sequence[Any]) -> Member:
    """Build a member from `MEMBER_COLUMNS`."""
    return Member(*row)


def person_of(row: Sequence[Any]) -> Person:
    """Build a person from (person_id, name, name_en, role, active)."""
    return Person(row[0], row[1], row[2], Role(row[3]), bool(row[4]))


def sku_values(row: SkuRow) -> tuple[Any, ...]:
    """Return a row of the catalogue as the columns of table `sku` after `sku_no`."""
    return (
        row.sku_id,
        row.style_no,
        row.name,
        row.name_en,
        row.category,
        row.colour_code,
        row.colour,
        row.colour_en,
        row.colour_hex,
        row.size,
        row.list_price,
        row.gtin,
        row.drawing,
        row.kind,
        row.price_version,
        row.size_order,
        fourteen(row.gtin),
    )


def fourteen(code: str) -> str:
    """Return the 14 digits under which a code on a tag is compared, "" if it cannot be a GTIN."""
    digits = code.strip()
    return digits.zfill(14) if digits.isascii() and digits.isdigit() and len(digits) <= 14 else ""
