"""Styles as the Sell screen shows them, built from their SKUs whenever one of these changes.

Keeps the tile's row, its search keys and its stock in step; knows no page and no cursor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from app.wire.messages import SkuRow
from offline_store import stock
from offline_store.rows import sku_values
from offline_store.search import category_token, sound_tokens, words_of

if TYPE_CHECKING:
    from sqlite3 import Connection

_SKU_NAMES = (
    "sku_id, style_no, name, name_en, category, colour_code, colour, colour_en, colour_hex, size,"
    " list_price, gtin, drawing, kind, price_version, size_order, gtin14"
)
_SKU = (
    f"INSERT INTO sku ({_SKU_NAMES}) VALUES ({', '.join('?' * 17)})"  # noqa: S608 - our own columns
    " ON CONFLICT (sku_id) DO UPDATE SET "
    + ", ".join(f"{c} = excluded.{c}" for c in _SKU_NAMES.split(", ")[1:])
)
_STYLE = (
    "INSERT INTO style (style_no, name, name_en, category, drawing, colour_hexes, price_from,"
    " price_to) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (style_no) DO UPDATE SET"
    " name = excluded.name, name_en = excluded.name_en, category = excluded.category,"
    " drawing = excluded.drawing, colour_hexes = excluded.colour_hexes,"
    " price_from = excluded.price_from, price_to = excluded.price_to"
)
_PARTS = (
    "SELECT k.style_no, k.name, k.name_en, k.category, k.drawing, k.colour_hex, k.list_price, k.colour,"
    " k.colour_en, s.search, s.pinyin, s.initials, k.size"
    " FROM json_each(?) e CROSS JOIN sku k ON k.style_no = e.value"
    " CROSS JOIN sku_search s ON s.sku_id = k.sku_id ORDER BY k.sku_no"
)
_NUMBERS = (
    "SELECT y.style_id, y.style_no FROM json_each(?) e CROSS JOIN style y ON y.style_no = e.value"
    " ORDER BY y.style_id"  # a full-text index begins a segment anew where its rows go back
)


def put(connection: Connection, rows: Sequence[SkuRow], own_store: str) -> None:
    """Write SKUs and bring their styles up to date."""
    touched = _styles_of(connection, [row.sku_id for row in rows])
    connection.executemany(_SKU, [sku_values(row) for row in rows])
    connection.executemany(
        "INSERT OR REPLACE INTO sku_search VALUES (?, ?, ?, ?)",
        [(row.sku_id, row.search, row.pinyin, row.initials) for row in rows],
    )
    # In the order of the rows, so that the shop's order of first arrival is that of the tiles.
    _build(connection, [*(row.style_no for row in rows), *touched], own_store)


def drop(connection: Connection, sku_ids: Sequence[str], own_store: str) -> None:
    """Take SKUs out of the shop; a style goes with its last one. What was sold of them stays."""
    touched = _styles_of(connection, sku_ids)
    ids = [(sku_id,) for sku_id in sku_ids]
    connection.executemany("DELETE FROM sku WHERE sku_id = ?", ids)
    connection.executemany("DELETE FROM sku_search WHERE sku_id = ?", ids)
    _build(connection, touched, own_store)


def _styles_of(connection: Connection, sku_ids: Sequence[str]) -> list[str]:
    ids = msgspec.json.encode(sku_ids).decode()
    found = connection.execute(
        "SELECT k.style_no FROM json_each(?) i CROSS JOIN sku k ON k.sku_id = i.value", (ids,)
    )
    return [row[0] for row in found.fetchall()]


def _build(connection: Connection, style_nos: Iterable[str], own_store: str) -> None:
    styles = dict.fromkeys(style_nos)
    parts_of = _parts_of(connection, styles)
    for style_no in styles.keys() - parts_of.keys():
        _remove(connection, style_no)
    # In the order they were named, which becomes that of the tiles.
    kept = {style_no: parts_of[style_no] for style_no in styles if style_no in parts_of}
    connection.executemany(_STYLE, [_style_values(no, parts) for no, parts in kept.items()])
    named = msgspec.json.encode(list(kept)).decode()
    numbers = connection.execute(_NUMBERS, (named,)).fetchall()
    connection.executemany(
        "INSERT OR REPLACE INTO style_search (rowid, keys) VALUES (?, ?)",
        [(style_id, " ".join(_keys(no, kept[no]))) for style_id, no in numbers],
    )
    stock.sum_up(connection, kept, own_store)


def _parts_of(connection: Connection, styles: Iterable[str]) -> dict[str, list[Sequence[Any]]]:
    """Return the SKUs of styles in the order of their arrival; none of a style without any."""
    found: dict[str, list[Sequence[Any]]] = {}
    named = msgspec.json.encode(list(styles)).decode()
    for style_no, *part in connection.execute(_PARTS, (named,)).fetchall():
        found.setdefault(style_no, []).append(part)
    return found


def _style_values(style_no: str, parts: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    name, name_en, category, drawing, *_ = parts[0]
    hexes = ",".join(dict.fromkeys([part[4] for part in parts]))
    prices = [part[5] for part in parts]
    return (style_no, name, name_en, category, drawing, hexes, min(prices), max(prices))


def _keys(style_no: str, parts: Sequence[Sequence[Any]]) -> Iterable[str]:
    """Return what a style is found by: each text once, for sizes and colours share most of theirs."""
    texts: dict[str, None] = {style_no: None}
    searches: dict[str, None] = {}
    sounds: dict[tuple[str, str], None] = {}
    for name, name_en, _, _, _, _, colour, colour_en, search, pinyin, initials, size in parts:
        for text in (name, name_en, colour, colour_en, size):
            texts[text] = None
        searches[search] = None
        sounds[pinyin, initials] = None
    tokens = dict.fromkeys([category_token(parts[0][2])])
    for text in texts:
        tokens.update(_words_of(text))
    for search in searches:
        tokens.update(dict.fromkeys(search.split()))
    for pinyin, initials in sounds:
        tokens.update(dict.fromkeys(sound_tokens(pinyin, initials)))
    return tokens


@lru_cache(maxsize=4_096)
def _words_of(text: str) -> dict[str, None]:
    return dict.fromkeys(words_of(text))


def _remove(connection: Connection, style_no: str) -> None:
    row = connection.execute(
        "SELECT style_id FROM style WHERE style_no = ?", (style_no,)
    ).fetchone()
    if row:
        connection.execute("DELETE FROM style_search WHERE rowid = ?", row)
        connection.execute("DELETE FROM style_stock WHERE style_id = ?", row)
        connection.execute("DELETE FROM style WHERE style_id = ?", row)
