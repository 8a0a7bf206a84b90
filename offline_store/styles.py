"""Styles as the Sell screen shows them, built from their SKUs whenever one of these changes.

Keeps the tile's row, its search keys and its stock in step; knows no page and no cursor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    "SELECT k.name, k.name_en, k.category, k.drawing, k.colour_hex, k.list_price, k.colour,"
    " k.colour_en, s.search, s.pinyin, s.initials, k.size"
    " FROM sku k JOIN sku_search s ON s.sku_id = k.sku_id WHERE k.style_no = ? ORDER BY k.sku_no"
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
    keys: list[tuple[int, str]] = []
    styles = list(dict.fromkeys(style_nos))
    for style_no in styles:
        parts = connection.execute(_PARTS, (style_no,)).fetchall()
        if not parts:
            _remove(connection, style_no)
            continue
        connection.execute(_STYLE, _style_values(style_no, parts))
        style_id = connection.execute(
            "SELECT style_id FROM style WHERE style_no = ?", (style_no,)
        ).fetchone()[0]
        keys.append((style_id, " ".join(_keys(style_no, parts))))
    connection.executemany("INSERT OR REPLACE INTO style_search (rowid, keys) VALUES (?, ?)", keys)
    stock.sum_up(connection, styles, own_store)


def _style_values(style_no: str, parts: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    name, name_en, category, drawing, *_ = parts[0]
    hexes = ",".join(dict.fromkeys(part[4] for part in parts))
    prices = [part[5] for part in parts]
    return (style_no, name, name_en, category, drawing, hexes, min(prices), max(prices))


def _keys(style_no: str, parts: Sequence[Sequence[Any]]) -> list[str]:
    tokens = dict.fromkeys(words_of(style_no))
    tokens[category_token(parts[0][2])] = None
    seen = set()
    for size in dict.fromkeys(part[-1] for part in parts):
        tokens.update(dict.fromkeys(words_of(size)))
    for name, name_en, _, _, _, _, colour, colour_en, search, pinyin, initials, _ in parts:
        key = (name, name_en, colour, colour_en, search, pinyin, initials)
        if key in seen:  # sizes of one colour share their keys
            continue
        seen.add(key)
        tokens.update(dict.fromkeys(search.split()))
        tokens.update(dict.fromkeys(words_of(" ".join((name, name_en, colour, colour_en)))))
        tokens.update(dict.fromkeys(sound_tokens(pinyin, initials)))
    return list(tokens)


def _remove(connection: Connection, style_no: str) -> None:
    row = connection.execute(
        "SELECT style_id FROM style WHERE style_no = ?", (style_no,)
    ).fetchone()
    if row:
        connection.execute("DELETE FROM style_search WHERE rowid = ?", row)
        connection.execute("DELETE FROM style_stock WHERE style_id = ?", row)
        connection.execute("DELETE FROM style WHERE style_id = ?", row)
