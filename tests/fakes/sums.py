"""What one row of a stream adds to its checksum, for the stand-ins of both sides."""

from __future__ import annotations

import msgspec

from app.wire.checksum import member_sum, row_sum, stock_mark, stock_sum
from app.wire.messages import MEMBERS, MemberRow, Row, StockRow


def sum_of(stream: str, row: Row) -> int:
    """Return a row's sum."""
    if stream == "stock":
        figure = msgspec.json.decode(row.body, type=StockRow)
        mark = stock_mark(figure.store, figure.sku_id)
        return stock_sum(mark, figure.quantity, figure.as_of_ms)
    if stream == MEMBERS:
        return member_sum(msgspec.json.decode(row.body, type=MemberRow))
    return row_sum(row.key, bytes(row.body))
