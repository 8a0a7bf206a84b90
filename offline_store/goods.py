"""Goods looked up: a scanned code, tiles for a search, a style's matrix. Read only, nothing cached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.domain.catalog import Matrix, MatrixCell, Sku, StoreQuantity, StyleCard
from app.wire.messages import CategoryRow, ConfigRow
from offline_store.rows import SKU_COLUMNS, fourteen, sku_of
from offline_store.schema_codes import RUN
from offline_store.search import query_of

if TYPE_CHECKING:
    from sqlite3 import Connection

_SKU = f"SELECT {SKU_COLUMNS} FROM sku "  # noqa: S608 - our own columns
_CODE = (
    "WITH run (no) AS (VALUES (0) UNION ALL SELECT no + 1 FROM run"  # noqa: S608 - our own text
    f" WHERE no < (SELECT max(sku_no) / {RUN} FROM sku))"
    f" SELECT {SKU_COLUMNS} FROM run CROSS JOIN sku ON sku_no / {RUN} = run.no"
    " WHERE gtin14 = ? AND gtin14 <> '' ORDER BY sku_no LIMIT 1"
)
_CARD = (
    "SELECT y.style_no, y.name, y.name_en, y.category, y.drawing, y.colour_hexes, y.price_from,"
    " y.price_to, coalesce(q.own_quantity, 0), coalesce(q.broken, 0) "
)
_STOCK = "LEFT JOIN style_stock q ON q.style_id = y.style_id "
_FOUND = (
    _CARD
    + "FROM style_search CROSS JOIN style y ON y.style_id = style_search.rowid "
    + _STOCK
    + "WHERE style_search MATCH ? AND style_search.rowid <> ?"
    + " ORDER BY style_search.rowid LIMIT ? OFFSET ?"
)
_ALL = _CARD + "FROM style y " + _STOCK + "ORDER BY y.style_id LIMIT ? OFFSET ?"
_OF_CATEGORY = (
    _CARD + "FROM style y " + _STOCK + "WHERE y.category = ? ORDER BY y.style_id LIMIT ? OFFSET ?"
)
_ONE = _CARD + "FROM style y " + _STOCK + "WHERE y.style_id = ?"


def find_code(connection: Connection, code: str) -> Sku | None:
    """Return the SKU a code names: its id as written or in capitals, or a GTIN of any length."""
    code = code.strip()
    found = sku(connection, code)
    if found is None and (digits := fourteen(code)):
        row = connection.execute(_CODE, (digits,)).fetchone()
        found = sku_of(row) if row else None
    if found is None and code.upper() != code:
        found = sku(connection, code.upper())
    return found


def sku(connection: Connection, sku_id: str) -> Sku | None:
    """Return a SKU by its id."""
    row = connection.execute(_SKU + "WHERE sku_id = ?", (sku_id,)).fetchone()
    return sku_of(row) if row else None


def style_cards(
    connection: Connection, text: str, category: str, limit: int, offset: int
) -> tuple[StyleCard, ...]:
    """Return tiles in the shop's order; the style whose very number or code was typed comes first."""
    if not text.strip():
        return _browse(connection, category, limit, offset)
    named = _named(connection, text, category)
    leading: list[Any] = []
    if named and offset == 0:
        leading = connection.execute(_ONE, (named,)).fetchall()
        limit -= 1
    elif named:
        offset -= 1  # it took a place on the first page
    found = _matching(connection, query_of(text, category), named, limit, offset)
    if not found and not named:
        split = query_of(text, category, split=True)
        exact = offset and _matching(connection, query_of(text, category), 0, 1, 0)
        found = [] if exact else _matching(connection, split, 0, limit, offset)
    return tuple(_card(row) for row in leading + found)


def _matching(connection: Connection, query: str, named: int, limit: int, offset: int) -> list[Any]:
    if not query:
        return []
    return connection.execute(_FOUND, (query, named, limit, offset)).fetchall()


def _browse(
    connection: Connection, category: str, limit: int, offset: int
) -> tuple[StyleCard, ...]:
    if category:
        rows = connection.execute(_OF_CATEGORY, (category, limit, offset)).fetchall()
    else:
        rows = connection.execute(_ALL, (limit, offset)).fetchall()
    return tuple(_card(row) for row in rows)


def _named(connection: Connection, text: str, category: str) -> int:
    """Return the style whose number, SKU or GTIN the text is, 0 if none (or of another category)."""
    row = connection.execute(
        "SELECT style_id, category FROM style WHERE style_no IN (?1, ?2) ORDER BY style_no <> ?1",
        (text.strip(), text.strip().upper()),
    ).fetchone()
    if row is None and (found := find_code(connection, text)):
        row = connection.execute(
            "SELECT style_id, category FROM style WHERE style_no = ?", (found.style_no,)
        ).fetchone()
    return row[0] if row and category in ("", row[1]) else 0


def _card(row: tuple[Any, ...]) -> StyleCard:
    style_no, name, name_en, category, drawing, hexes, low, high, quantity, broken = row
    colours = tuple(hexes.split(","))
    return StyleCard(
        style_no, name, name_en, category, drawing, colours, low, high, quantity, bool(broken)
    )


def categories(
    connection: Connection, config: ConfigRow | None
) -> tuple[tuple[CategoryRow, int], ...]:
    """Return the shop's categories in its order, then those that only goods name."""
    counts = dict(
        connection.execute(
            "SELECT category, styles FROM category_count WHERE styles > 0 ORDER BY category"
        ).fetchall()
    )
    listed = [(row, counts.pop(row.code, 0)) for row in (config.categories if config else [])]
    others = [
        (CategoryRow(code=code, name=code, name_en=code), count) for code, count in counts.items()
    ]
    return tuple(listed + others)


def matrix(
    connection: Connection, style_no: str, own_store: str, config: ConfigRow | None
) -> Matrix | None:
    """Return a style's colours × sizes with our own and the other stores' stock."""
    rows = connection.execute(
        f"SELECT {SKU_COLUMNS}, size_order FROM sku WHERE style_no = ? ORDER BY sku_no",  # noqa: S608 - our own columns
        (style_no,),
    ).fetchall()
    if not rows:
        return None
    skus = [sku_of(row) for row in rows]
    names = {store.store: store.name for store in config.stores} if config else {}
    colours = {s.colour_code: (s.colour_code, s.colour, s.colour_en, s.colour_hex) for s in skus}
    orders = sorted({(row[-1], row[9]) for row in rows})
    sizes = tuple(dict.fromkeys(size for _, size in orders))
    cells = {
        (s.colour_code, s.size): _cell(connection, s, own_store, names) for s in reversed(skus)
    }
    ages = [other.as_of_ms for cell in cells.values() for other in cell.others]
    return Matrix(
        style_no=style_no,
        name=skus[0].name,
        name_en=skus[0].name_en,
        drawing=skus[0].drawing,
        colours=tuple(colours.values()),
        sizes=sizes,
        cells=tuple(tuple(cells.get((code, size)) for size in sizes) for code in colours),
        as_of_ms=min(ages, default=None),
    )


def _cell(connection: Connection, found: Sku, own_store: str, names: dict[str, str]) -> MatrixCell:
    own = 0
    others = []
    rows = connection.execute(
        "SELECT store_id, quantity, as_of_ms FROM stock WHERE sku_id = ?", (found.sku_id,)
    )
    for store_id, quantity, as_of_ms in rows.fetchall():
        if store_id == own_store:
            own = quantity
        else:
            name = names.get(store_id, store_id)
            others.append(StoreQuantity(store_id, name, quantity, as_of_ms))
    return MatrixCell(found, own, tuple(others))
