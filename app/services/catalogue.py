"""Reading a catalogue from CSV: our own columns and the Shopify product export.

Every row is either a SKU or a problem with its line number and a code; nothing is guessed silently.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from app.domain.catalog import is_gtin, normal_gtin
from app.domain.member import clean_text
from app.domain.money import Currency, parse_amount
from app.errors import Code, RuleBroken
from app.wire.messages import SkuRow
from app.wire.searchkeys import search_keys

MAX_ID = 64
MAX_NAME = 120
MAX_LABEL = 40
MAX_STOCK = 10_000_000

OWN_COLUMNS = {
    "sku": ("sku", "sku_id", "code"),
    "style": ("style", "style_no", "款号"),
    "name": ("name", "title", "品名", "名称"),
    "name_en": ("name_en", "english"),
    "category": ("category", "type", "类别"),
    "colour": ("colour", "color", "颜色"),
    "colour_en": ("colour_en", "color_en"),
    "colour_hex": ("colour_hex", "color_hex"),
    "size": ("size", "尺码", "尺寸"),
    "price": ("price", "list_price", "价格", "吊牌价"),
    "gtin": ("gtin", "barcode", "ean", "条码"),
    "stock": ("stock", "qty", "quantity", "库存"),
    "drawing": ("drawing",),
    "season": ("season", "季节"),
}
"""Our columns and the headings they are known by, lower case."""

REQUIRED = ("sku", "name", "price")

_HEX = re.compile(r"(#[0-9A-Fa-f]{6})?")
_WHOLE = re.compile(r"([+-]?[0-9]{1,9})(?:\.0+)?")

SIZE_ORDER = ("xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl", "4xl", "5xl")
_SIZE_WORDS = {
    "small": "s",
    "medium": "m",
    "large": "l",
    "小": "s",
    "中": "m",
    "大": "l",
    "2xl": "xxl",
    "3xl": "xxxl",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that was not taken, by its line number in the file (the heading is line 1)."""

    line: int
    code: Code
    detail: str


@dataclass(frozen=True, slots=True)
class Article:
    """A row that was understood; `stock` is None where the file says nothing about it."""

    line: int
    sku: SkuRow
    stock: int | None


def read_catalogue(
    lines: Iterable[str], currency: Currency, mapping: Mapping[str, str] | None = None
) -> Iterator[Article | Problem]:
    """Yield an Article or a Problem for every row.

    `mapping` names headings for our columns ("price" → "RRP"), before the known ones are tried.
    Raises RuleBroken(COLUMN_MISSING) if no SKU, name or price column can be found, and
    RuleBroken(FILE_UNREADABLE) if not even the heading is CSV.
    """
    rows = csv.reader(lines, strict=True)
    try:
        heading = [name.strip().lstrip("\ufeff") for name in next(rows, [])]
    except csv.Error as error:
        raise RuleBroken(Code.FILE_UNREADABLE, line=1, detail=str(error)) from error
    shopify = not mapping and {"Handle", "Variant Price"} <= set(heading)
    columns = _SHOPIFY if shopify else _columns(heading, mapping or {})
    seen = _Seen()
    carried: dict[str, str] = {}
    while True:
        line = rows.line_num + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Problem(line, Code.ROW_INVALID, str(error))
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if any(cell.strip() for cell in cells[len(heading) :]):
            # One comma too many moves every cell behind it, the price among them.
            yield Problem(line, Code.ROW_INVALID, f"cells={len(cells)} headings={len(heading)}")
            continue
        row = dict(zip(heading, cells, strict=False))
        if shopify:
            variant = _shopify_row(row, carried)
            if variant is None:
                continue
            row = variant
        yield _read(line, row, columns, currency, seen)


@dataclass(slots=True)
class _Seen:
    """What earlier rows of the file were known by."""

    sku_ids: set[str] = field(default_factory=set)
    gtins: set[str] = field(default_factory=set)


def _columns(heading: list[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """Return our column → the file's heading."""
    for column in mapping.keys() - OWN_COLUMNS.keys():
        raise RuleBroken(Code.COLUMN_MISSING, column=column)
    by_name = {name.lower(): name for name in heading}
    columns = {}
    for column, aliases in OWN_COLUMNS.items():
        wanted = (mapping[column].strip().lower(),) if column in mapping else aliases
        found = next((by_name[a] for a in wanted if a in by_name), None)
        if found is not None:
            columns[column] = found
        elif column in REQUIRED or column in mapping:
            raise RuleBroken(Code.COLUMN_MISSING, column=mapping.get(column, column))
    return columns


_SHOPIFY = {
    "sku": "sku",
    "style": "Handle",
    "name": "Title",
    "category": "Type",
    "colour": "colour",
    "size": "size",
    "price": "Variant Price",
    "gtin": "Variant Barcode",
    "stock": "Variant Inventory Qty",
}


def _shopify_row(row: dict[str, str], carried: dict[str, str]) -> dict[str, str] | None:
    """Complete a variant row from the product row above it; None for rows that only add a picture.

    A row that names a variant but no price is no picture: it goes on, to be reported.
    """
    handle = row.get("Handle", "").strip()
    if row.get("Title", "").strip() or handle != carried.get("Handle"):
        carried.clear()
        carried.update(row)
    said = ("Variant Price", "Variant SKU", "Option1 Value")
    if not any(row.get(column, "").strip() for column in said):
        return None
    full = {key: row.get(key, "").strip() or carried.get(key, "") for key in _CARRIED}
    full |= {key: row.get(key, "") for key in row if key.startswith("Variant ")}
    values = [row.get(f"Option{n} Value", "").strip() for n in (1, 2, 3)]
    named = {full.get(f"Option{n} Name", "").strip().lower(): values[n - 1] for n in (1, 2, 3)}
    full["Handle"] = handle
    for ours in ("colour", "size"):
        full[ours] = next((named[n] for n in OWN_COLUMNS[ours] if named.get(n)), "")
    options = [value for value in values if value and value != "Default Title"]
    full["sku"] = row.get("Variant SKU", "").strip() or "-".join([handle, *options])
    return full


_CARRIED = ("Title", "Type", "Option1 Name", "Option2 Name", "Option3 Name")


def _read(
    line: int, row: dict[str, str], columns: Mapping[str, str], currency: Currency, seen: _Seen
) -> Article | Problem:
    cell = {column: row.get(name) or "" for column, name in columns.items()}
    try:
        sku = _sku(cell, currency)
        stock = _stock(cell.get("stock", ""))
    except RuleBroken as error:
        return Problem(line, error.code, ", ".join(f"{k}={v}" for k, v in error.facts.items()))
    if sku.sku_id in seen.sku_ids:
        return Problem(line, Code.ROW_INVALID, f"sku={sku.sku_id} twice")
    gtin = normal_gtin(sku.gtin) if sku.gtin else ""
    if gtin in seen.gtins:
        return Problem(line, Code.ROW_INVALID, f"gtin={sku.gtin} twice")
    seen.sku_ids.add(sku.sku_id)
    if gtin:
        seen.gtins.add(gtin)
    return Article(line, sku, stock)


def _sku(cell: Mapping[str, str], currency: Currency) -> SkuRow:
    def text(column: str, limit: int, *, required: bool = False) -> str:
        try:
            return clean_text(cell.get(column, ""), limit=limit, required=required)
        except RuleBroken as error:
            raise RuleBroken(error.code, column=column, **error.facts) from error

    sku_id = text("sku", MAX_ID, required=True)
    name = text("name", MAX_NAME, required=True)
    style = text("style", MAX_ID) or sku_id
    colour, size = text("colour", MAX_LABEL), text("size", MAX_LABEL)
    gtin = text("gtin", 20).lstrip("'")
    if gtin and not is_gtin(gtin):
        raise RuleBroken(Code.GTIN_INVALID, text=gtin)
    colour_hex = text("colour_hex", 7)
    if not _HEX.fullmatch(colour_hex):
        raise RuleBroken(Code.ROW_INVALID, column="colour_hex")
    category = text("category", MAX_NAME)
    name_en = text("name_en", MAX_NAME) or name
    keys = search_keys(name, name_en, style, sku_id, colour, text("colour_en", MAX_LABEL), size)
    return SkuRow(
        sku_id=sku_id,
        style_no=style,
        name=name,
        name_en=name_en,
        category=category.rsplit("/", 1)[-1].strip()[:MAX_LABEL],
        colour_code=colour,
        colour=colour,
        colour_en=text("colour_en", MAX_LABEL) or colour,
        colour_hex=colour_hex,
        size=size,
        size_order=_size_order(size),
        list_price=_price(cell.get("price", ""), currency),
        gtin=gtin,
        drawing=text("drawing", MAX_LABEL),
        season=text("season", MAX_LABEL),
        search=keys.tokens,
        pinyin=keys.pinyin,
        initials=keys.initials,
    )


def _price(text: str, currency: Currency) -> int:
    """Return a price as people write it; "1,5" and fractions of the minor unit are not guessed at."""
    price = parse_amount(text, currency)
    if price < 0:
        raise RuleBroken(Code.AMOUNT_INVALID, text=text[:40])
    return price


def _stock(text: str) -> int | None:
    cleaned = text.strip()
    if not cleaned:
        return None
    whole = _WHOLE.fullmatch(cleaned)
    if whole is None or abs(int(whole[1])) > MAX_STOCK:
        raise RuleBroken(Code.QUANTITY_INVALID, quantity=cleaned[:20])
    return int(whole[1])


def _size_order(size: str) -> int:
    """Letters in their usual order, numbers by value, anything else last."""
    folded = _SIZE_WORDS.get(size.lower(), size.lower())
    if folded in SIZE_ORDER:
        return SIZE_ORDER.index(folded)
    digits = "".join(c for c in folded if c.isascii() and c.isdigit())
    return int(digits[:6]) if digits else 1_000_000
