"""Stock: every store's quantity per SKU, and what a tile says about a style's.

Our own quantity is the cloud's baseline plus our movements that the baseline does not count yet; it
may go negative, because goods in the customer's hand must be sellable.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from app.domain.stock import StockMovement
from app.wire.messages import StockRow

if TYPE_CHECKING:
    from sqlite3 import Connection

_MOVEMENT = "INSERT INTO stock_movement VALUES (?, ?, ?, ?, ?)"
_MOVE = (
    "INSERT INTO stock VALUES (?, ?, ?, ?) ON CONFLICT (sku_id, store_id) DO UPDATE SET"
    " quantity = quantity + excluded.quantity, as_of_ms = excluded.as_of_ms"
)
_SET = (
    "INSERT INTO stock SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3"
    " FROM json_each(?) WHERE true ON CONFLICT (sku_id, store_id) DO UPDATE SET"
    " quantity = excluded.quantity, as_of_ms = excluded.as_of_ms"
)
_ANY_UNCOUNTED = "SELECT EXISTS (SELECT 1 FROM stock_movement WHERE fact_no > ?)"
_UNCOUNTED = (
    "SELECT m.sku_id, sum(m.delta) FROM (SELECT DISTINCT value FROM json_each(?)) k"
    " CROSS JOIN stock_movement m ON m.sku_id = k.value AND m.fact_no > ? GROUP BY m.sku_id"
)
_OWN = (
    "SELECT t.sku_id, t.quantity FROM (SELECT DISTINCT value FROM json_each(?)) k"
    " CROSS JOIN stock t ON t.sku_id = k.value AND t.store_id = ?"
)
_SUM_UP = """
WITH colour AS (
    SELECT y.style_id, sum(coalesce(t.quantity, 0)) AS quantity,
        max(coalesce(t.quantity, 0) > 0) AND max(coalesce(t.quantity, 0) <= 0) AS broken
    FROM json_each(?1) e CROSS JOIN style y ON y.style_no = e.value
    LEFT JOIN sku k ON k.style_no = y.style_no
    LEFT JOIN stock t ON t.sku_id = k.sku_id AND t.store_id = ?2
    GROUP BY y.style_id, k.colour_code
)
INSERT INTO style_stock SELECT style_id, sum(quantity), max(broken) FROM colour GROUP BY style_id
ON CONFLICT (style_id) DO UPDATE SET
    own_quantity = excluded.own_quantity, broken = excluded.broken
"""


def move(
    connection: Connection,
    fact_no: int,
    own_store: str,
    movements: Sequence[StockMovement],
    at_ms: int,
) -> None:
    """Write a fact's movements and let our stock follow."""
    if not movements:
        return
    connection.executemany(
        _MOVEMENT,
        [(fact_no, no, m.sku_id, m.delta, m.kind.value) for no, m in enumerate(movements, 1)],
    )
    connection.executemany(_MOVE, [(m.sku_id, own_store, m.delta, at_ms) for m in movements])
    sum_up_skus(connection, [m.sku_id for m in movements], own_store)


def put(connection: Connection, rows: Sequence[StockRow], own_store: str, counted: int) -> None:
    """Take figures over. For our own store, movements of facts after `counted` are added on top."""
    own = [row.sku_id for row in rows if row.store == own_store]
    more = _uncounted(connection, own, counted)
    figures = [(row.sku_id, row.store, row.quantity, row.as_of_ms) for row in rows]
    if more:
        figures = [
            (sku, store, pieces + (more.get(sku, 0) if store == own_store else 0), as_of_ms)
            for sku, store, pieces, as_of_ms in figures
        ]
    connection.execute(_SET, (msgspec.json.encode(figures).decode(),))
    if own:
        sum_up_skus(connection, own, own_store)


def _uncounted(connection: Connection, sku_ids: Sequence[str], counted: int) -> dict[str, int]:
    """Return what facts after `counted` moved of these SKUs, those alone that moved."""
    if not sku_ids or not connection.execute(_ANY_UNCOUNTED, (counted,)).fetchone()[0]:
        return {}
    named = msgspec.json.encode(sku_ids).decode()
    return dict(connection.execute(_UNCOUNTED, (named, counted)).fetchall())


def own(connection: Connection, sku_ids: Sequence[str], own_store: str) -> dict[str, int]:
    """Return our own quantity of those of these SKUs that have a figure."""
    named = msgspec.json.encode(sku_ids).decode()
    return dict(connection.execute(_OWN, (named, own_store)).fetchall())


def drop(connection: Connection, store_id: str, sku_id: str, own_store: str) -> None:
    """Forget a figure. Our own falls back to what we know ourselves: all our movements."""
    if store_id == own_store:
        row = StockRow(store=store_id, sku_id=sku_id, quantity=0, as_of_ms=0)
        put(connection, [row], own_store, counted=0)
    else:
        connection.execute(
            "DELETE FROM stock WHERE sku_id = ? AND store_id = ?", (sku_id, store_id)
        )


def rename_store(connection: Connection, before: str, after: str) -> None:
    """Our store has another id from now on; figures already known under it stand."""
    connection.execute(
        "UPDATE OR IGNORE stock SET store_id = ? WHERE store_id = ?", (after, before)
    )
    connection.execute("DELETE FROM stock WHERE store_id = ?", (before,))
    styles = [row[0] for row in connection.execute("SELECT style_no FROM style").fetchall()]
    sum_up(connection, styles, after)


def sum_up_skus(connection: Connection, sku_ids: Iterable[str], own_store: str) -> None:
    """Bring what tiles say up to date for the styles of these SKUs."""
    ids = msgspec.json.encode(list(sku_ids)).decode()
    found = connection.execute(
        "SELECT DISTINCT k.style_no FROM json_each(?) i CROSS JOIN sku k ON k.sku_id = i.value",
        (ids,),
    )
    sum_up(connection, [row[0] for row in found.fetchall()], own_store)


def sum_up(connection: Connection, styles: Iterable[str], own_store: str) -> None:
    """Bring what tiles say up to date for these styles."""
    if not connection.execute("SELECT EXISTS (SELECT 1 FROM stock)").fetchone()[0]:
        return  # a tile without a sum has none, and a new till takes its goods in before its stock
    connection.execute(_SUM_UP, (msgspec.json.encode(list(styles)).decode(), own_store))
