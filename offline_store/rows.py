"""Between rows of tables and values of the domain. No query lives here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.domain.catalog import LineKind, Sku
from app.domain.member import Member
from app.domain.people import Person, Role
from app.errors import Code, Trouble
from app.wire.journal import Header
from app.wire.messages import SkuRow

SKU_COLUMNS = (
    "sku_id, style_no, name, name_en, category, colour_code, colour, colour_en, colour_hex, "
    "size, list_price, gtin, drawing, kind, price_version"
)
MEMBER_COLUMNS = "member_ref, name, phone, tier, points, note, revision"

_HEADER_FIELDS = 15
_HEADER_INTEGERS = frozenset({0, 5, 8, 9, 10, 12})
"""Positions of v, seq, schema_ver and the three times among the fields of `Header`."""


def header_fields(data: bytes) -> list[str]:
    """Split canonical header bytes into their texts. Raises Trouble(JOURNAL_BROKEN)."""
    fields = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2])
        at += 2 + length
        fields.append(data[at - length : at].decode(errors="replace"))
    if at != len(data) or len(fields) != _HEADER_FIELDS:
        raise Trouble(Code.JOURNAL_BROKEN)
    return fields


def read_header(data: bytes) -> Header:
    """Read canonical header bytes back. Raises Trouble(JOURNAL_BROKEN)."""
    try:
        values: list[Any] = [
            int(text) if index in _HEADER_INTEGERS else text
            for index, text in enumerate(header_fields(data))
        ]
    except ValueError as error:
        raise Trouble(Code.JOURNAL_BROKEN) from error
    return Header(*values)


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
