"""Exceptions: what of a device's records somebody has to look at, each with its task. Knows no rule by which
a record is one."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from app.wire.tasks import RECORD
from cloud.db.rows import Rows, insert_rows
from cloud.db.tables import exception, refund, sale
from cloud.services.tasks import device_code, open_tasks


def raise_exceptions(
    connection: sa.Connection,
    rows: Rows,
    change: int,
    *,
    others: Mapping[str, str] | None = None,
) -> None:
    """Write exceptions of one device and a task for each.

    Rows are those of table `exception`; `others` maps an exception's id to the receipt it is about
    besides its own record.
    """
    if not rows:
        return
    insert_rows(connection, exception, rows)
    first = rows[0]
    own = (first["tenant_id"], first["store_id"])
    code = device_code(connection, *own, first["device_id"])
    documents = _documents(connection, own, {row["rec_id"] for row in rows})
    open_tasks(
        connection,
        [
            {
                "tenant_id": row["tenant_id"],
                "store_id": row["store_id"],
                "task_id": row["exception_id"],
                "kind": RECORD,
                "code": row["code"],
                "subject": row["rec_id"],
                "device_id": row["device_id"],
                "device_code": code,
                "epoch": row["epoch"],
                "seq": row["seq"],
                "receipt_no": documents.get(row["rec_id"], ("", 0))[0],
                "other": (others or {}).get(row["exception_id"], ""),
                "detail": row["detail"],
                "amount": documents.get(row["rec_id"], ("", 0))[1],
                "created_ms": row["created_ms"],
                "change": change,
            }
            for row in rows
        ],
    )


def _documents(
    connection: sa.Connection, own: tuple[str, str], ids: set[str]
) -> dict[str, tuple[str, int]]:
    """Return receipt number and total of the documents among these records that could be read."""
    found: dict[str, tuple[str, int]] = {}
    for table, name in ((sale, "sale_id"), (refund, "refund_id")):
        rows = connection.execute(
            sa.select(table.c[name], table.c.receipt_no, table.c.total).where(
                table.c.tenant_id == own[0], table.c.store_id == own[1], table.c[name].in_(ids)
            )
        )
        found |= {row[0]: (row.receipt_no, row.total) for row in rows}
    return found
