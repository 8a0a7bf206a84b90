"""Reads the tables providers bill with: columns by their names, decorations of spreadsheets taken off.

Knows no provider. The order of columns differs between kinds of a bill and changes over the years; names
do not. Nothing of a bill is believed before all of it was read and adds up.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import IO

from app.domain.money import CNY, decimal_to_mills
from app.domain.times import SHOP_ZONE
from app.errors import RuleBroken
from cloud.gateways.base import BillKind, BillLine

MILLS_PER_FEN = 1_000
_STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)


class BillUnreadable(Exception):  # noqa: N818 - says what happened, like the house's own
    """A bill is not in the form this provider sends, is not whole, or is another's; the text says why and
    quotes nothing of it."""


class Table:
    """A table of a bill, read line by line: iterate for its rows, then ask for what stood around it.

    `before` are the lines above the line that names the `needed` columns, `after` those from the line on
    that begins as no row does. Raises BillUnreadable when no line names the columns, when a row has
    fewer cells than the head, or when the bytes are not text in this encoding.
    """

    def __init__(self, file: IO[bytes], encoding: str, needed: Sequence[str]) -> None:
        self._text = io.TextIOWrapper(file, encoding, newline="")
        self._needed = needed
        self.before: list[list[str]] = []
        self.after: list[list[str]] = []

    def __iter__(self) -> Iterator[dict[str, str]]:
        """Yield the rows by the names of their columns."""
        head: list[str] = []
        lines = csv.reader(self._text)
        while (cells := self._next(lines)) is not None:
            row = [cell.strip().lstrip("`").strip() for cell in cells]
            if "\0" in "".join(row):
                raise BillUnreadable("a zero byte in a text")
            if not head:
                if set(self._needed) <= set(row):
                    head = row
                else:
                    self.before.append(row)
            elif self.after or not row or row[0].startswith(("#", "总交易单数")):
                self.after.append(row)
            elif len(row) < len(head):
                raise BillUnreadable(f"a row of {len(row)} cells under a head of {len(head)}")
            else:
                yield dict(zip(head, row, strict=False))
        if not head:
            raise BillUnreadable(f"no line names the columns {', '.join(self._needed)}")

    def _next(self, lines: Iterator[list[str]]) -> list[str] | None:
        try:
            return next(lines, None)
        except UnicodeDecodeError as error:
            raise BillUnreadable(f"not text in {self._text.encoding}") from error
        except csv.Error as error:
            raise BillUnreadable("not a table of comma-separated values") from error


def mills(yuan: str) -> int:
    """Read an amount in yuan, with up to five decimals, as thousandths of a fen. Raises BillUnreadable."""
    try:
        return decimal_to_mills(yuan or "0", CNY)
    except RuleBroken as error:
        raise BillUnreadable("not an amount") from error


def whole_fen(yuan: str) -> int:
    """Read an amount in yuan as fen, below zero where it is. Raises BillUnreadable for parts of a fen."""
    sign, amount = (-1, yuan[1:]) if yuan.startswith("-") else (1, yuan)
    fen, rest = divmod(mills(amount), MILLS_PER_FEN)
    if rest:
        raise BillUnreadable("parts of a fen")
    return sign * fen


def paid_fen(yuan: str) -> int:
    """Read what was paid, in fen. Raises BillUnreadable for amounts below zero."""
    fen = whole_fen(yuan)
    if fen < 0:
        raise BillUnreadable("a payment below zero")
    return fen


def count(text: str) -> int:
    """Read how many lines a summary speaks of. Raises BillUnreadable."""
    if not (text.isascii() and text.isdigit()):
        raise BillUnreadable("not a number of lines")
    return int(text)


def moment(text: str) -> int:
    """Read a moment on China's clocks as Unix milliseconds. Raises BillUnreadable."""
    if not _STAMP.fullmatch(text):
        raise BillUnreadable("not a time")
    try:
        naive = datetime.fromisoformat(text)
    except ValueError as error:
        raise BillUnreadable("not a time") from error
    return int(naive.replace(tzinfo=SHOP_ZONE).timestamp() * 1000)


def must_be(said: object, summed: object, what: str) -> None:
    """Raise BillUnreadable unless a summary says what the lines come to."""
    if said != summed:
        raise BillUnreadable(f"{what}: the summary says {said}, the lines come to {summed}")


def bounds(day: date, zone: tzinfo = SHOP_ZONE) -> tuple[int, int]:
    """Return the first millisecond of a day in a zone, and that of the next day."""
    begin = datetime(day.year, day.month, day.day, tzinfo=zone)
    following = day + timedelta(1)
    end = datetime(following.year, following.month, following.day, tzinfo=zone)
    return int(begin.timestamp() * 1000), int(end.timestamp() * 1000)


def day_at(at_ms: int, zone: tzinfo = SHOP_ZONE) -> date:
    """Return the day a moment lies on in a zone."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).date()


def day_of(lines: Sequence[BillLine], day: date | None) -> date:
    """Return which day a bill is of: as said, or as its lines say.

    Providers close their day a little off midnight, so lines of the neighbouring days are fine; any
    other payment makes it the bill of another day. Raises BillUnreadable.
    """
    days = Counter(day_at(line.at_ms) for line in lines if line.kind is BillKind.PAYMENT)
    if day is None:
        if not days:
            raise BillUnreadable("no payments in it: say which day it is of")
        day = days.most_common(1)[0][0]
    if any(abs((each - day).days) > 1 for each in days):
        raise BillUnreadable(f"payments of other days than {day}")
    return day
