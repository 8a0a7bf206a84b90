"""Reads the tables providers bill with: columns by their names, decorations of spreadsheets taken off.

Pure. The order of columns differs between kinds of a bill and changes over the years; names do not.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from app.domain.money import CNY, decimal_to_mills
from app.errors import RuleBroken

MILLS_PER_FEN = 1_000


class BillUnreadable(Exception):  # noqa: N818 - says what happened, like the house's own
    """A bill is not in the form this provider sends."""


def rows(text: str, needed: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield the rows under the line that names the `needed` columns, until the table ends.

    Raises BillUnreadable when no line names them, or a row has fewer cells than the head.
    """
    head: list[str] = []
    for cells in csv.reader(text.splitlines()):
        row = [cell.strip().lstrip("`").strip() for cell in cells]
        if not head:
            head = row if set(needed) <= set(row) else []
            continue
        if not row or row[0].startswith(("#", "总交易单数")):
            return
        if len(row) < len(head):
            raise BillUnreadable(f"a row of {len(row)} cells under a head of {len(head)}")
        yield dict(zip(head, row, strict=False))
    if not head:
        raise BillUnreadable("no head")


def mills(yuan: str) -> int:
    """Read an amount in yuan, with up to five decimals, as thousandths of a fen. Raises BillUnreadable."""
    try:
        return decimal_to_mills(yuan or "0", CNY)
    except RuleBroken as error:
        raise BillUnreadable("not an amount") from error


def whole_fen(yuan: str) -> int:
    """Read an amount in yuan as fen, whichever way it goes. Raises BillUnreadable for parts of a fen."""
    fen, rest = divmod(abs(mills(yuan)), MILLS_PER_FEN)
    if rest:
        raise BillUnreadable("parts of a fen")
    return fen
