"""Reading a catalogue from CSV: our own columns and the Shopify product export.

Every row is either a SKU or a problem with its line number and a code; nothing is guessed silently.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from app.domain.catalog import is_gtin
from app.domain.member import clean_text
from app.domain.money import MILLS, Currency, decimal_to_mills, half_away
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

SIZE_ORDER = ("xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl", "2xl", "3xl", "4xl")


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
    RuleBroken(FILE_UNREADABLE) for what is not CSV.
    """
    rows = csv.reader(lines, strict=True)
    try:
        heading = next(rows, [])
        shopify = {"Handle", "Variant Price"} <= set(heading)
        columns = _SHOPIFY if shopify else _columns(heading, mapping or {})
        seen: set[str] = set()
        carried: dict[str, str] = {}
        for cells in rows:
            row = dict(zip(heading, cells, strict=False))
            if not any(cell.strip() for cell in cells):
                continue
            if shopify:
                variant = _shopify_row(row, carried)
                if variant is None:
                    continue
                row = variant
            yield _read(rows.line_num, row, columns, currency, seen)
    except csv.Error as error:
        raise RuleBroken(Code.FILE_UNREADABLE, line=rows.line_num, detail=str(error)) from error


def _columns(heading: list[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """Return our column → the file's heading."""
    by_name = {name.strip().lstrip("\ufeff").lower(): name for name in heading}
    columns = {}
    for column, aliases in OWN_COLUMNS.items():
        wanted = (mapping[column].lower(),) if column in mapping else aliases
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
    """Complete a variant row from the product row above it; None for rows that only add a picture."""
    handle = row.get("Handle", "").strip()
    if row.get("Title", "").strip() or handle != carried.get("Handle"):
        carried.clear()
        carried.update(row)
    if not row.get("Variant Price", "").strip():
        return None
    full = {key: row.get(key, "").strip() or carried.get(key, "") for key in _CARRIED}
    full |= {key: row.get(key, "") for key in row if key.startswith("Variant ")}
    values = [row.get(f"Option{n} Value", "").strip() for n in (1, 2, 3)]
    named = {full.get(f"Option{n} Name", "").lower(): values[n - 1] for n in (1, 2, 3)}
    full["Handle"] = handle
    full["colour"] = named.get("color") or named.get("colour") or ""
    full["size"] = named.get("size", "")
    options = [value for value in values if value and value != "Default Title"]
    full["sku"] = row.get("Variant SKU", "").strip() or "-".join([handle, *options])
    return full


_CARRIED = ("Title", "Type", "Option1 Name", "Option2 Name", "Option3 Name")


def _read(
    line: int, row: dict[str, str], columns: Mapping[str, str], currency: Currency, seen: set[str]
) -> Article | Problem:
    cell = {column: row.get(name) or "" for column, name in columns.items()}
    try:
        sku = _sku(cell, currency)
        stock = _stock(cell.get("stock", ""))
    except RuleBroken as error:
        return Problem(line, error.code, ", ".join(f"{k}={v}" for k, v in error.facts.items()))
    if sku.sku_id in seen:
        return Problem(line, Code.ROW_INVALID, f"sku={sku.sku_id} twice")
    seen.add(sku.sku_id)
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
        colour_hex=text("colour_hex", 7),
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
    cleaned = text.strip().removeprefix(currency.symbol).replace(",", "")
    mills = decimal_to_mills(cleaned, currency)
    if mills < 0:
        raise RuleBroken(Code.AMOUNT_INVALID, text=text[:20])
    return half_away(mills, MILLS)


def _stock(text: str) -> int | None:
    cleaned = text.strip()
    if not cleaned:
        return None
    try:
        number = int(cleaned) if cleaned.isascii() else None
    except ValueError:
        number = None
    if number is None or abs(number) > MAX_STOCK:
        raise RuleBroken(Code.QUANTITY_INVALID, quantity=cleaned[:20])
    return number


def _size_order(size: str) -> int:
    """Letters in their usual order, numbers by value, anything else last."""
    folded = size.lower()
    if folded in SIZE_ORDER:
        return SIZE_ORDER.index(folded)
    digits = "".join(c for c in folded if c.isascii() and c.isdigit())
    return int(digits[:6]) if digits else 1_000_000
