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
    "INSERT INTO stock VALUES (?, ?, ?, ?) ON CONFLICT (sku_id, store_id) DO UPDATE SET"
    " quantity = excluded.quantity, as_of_ms = excluded.as_of_ms"
)
_UNCOUNTED = "SELECT coalesce(sum(delta), 0) FROM stock_movement WHERE sku_id = ? AND fact_no > ?"
_SUM_UP = """
INSERT INTO style_stock
SELECT y.style_id, coalesce(sum(c.quantity), 0), coalesce(max(c.broken), 0)
FROM style y LEFT JOIN (
    SELECT sum(coalesce(t.quantity, 0)) AS quantity,
        max(coalesce(t.quantity, 0) > 0) AND max(coalesce(t.quantity, 0) <= 0) AS broken
    FROM sku k LEFT JOIN stock t ON t.sku_id = k.sku_id AND t.store_id = ?2
    WHERE k.style_no = ?1 GROUP BY k.colour_code
) c WHERE y.style_no = ?1 GROUP BY y.style_id
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
    values = []
    for row in rows:
        quantity = row.quantity
        if row.store == own_store:
            quantity += connection.execute(_UNCOUNTED, (row.sku_id, counted)).fetchone()[0]
        values.append((row.sku_id, row.store, quantity, row.as_of_ms))
    connection.executemany(_SET, values)
    sum_up_skus(connection, [row.sku_id for row in rows if row.store == own_store], own_store)


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
    connection.executemany(_SUM_UP, [(style, own_store) for style in sorted(styles)])
