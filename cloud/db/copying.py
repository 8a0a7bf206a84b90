"""Rows in the text form of PostgreSQL's COPY (https://www.postgresql.org/docs/15/sql-copy.html, "Text
Format"). Knows no table; bytes travel otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def as_text(same: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    """Return rows of text, whole numbers and booleans, each beginning with the values of `same`.

    Asking each text whether it needs an escape costs more than all the rest, and hardly any does: what
    has our own tabs and ends of lines, and none of the other two signs, is sound as it is.
    """
    width = len(same) + len(rows[0])
    line = _line([*(str(value).replace("%", "%%") for value in same), *["%s"] * len(rows[0])])
    block = (line * len(rows)) % tuple(chain.from_iterable(rows))
    signs = (block.count("\t"), block.count("\n"), block.count("\r"), block.count("\\"))
    if signs == (len(rows) * (width - 1), len(rows), 0, 0):
        return block
    return "".join([_line(map(_escaped, (*same, *row))) for row in rows])


def _line(values: Iterable[str]) -> str:
    return "\t".join(values) + "\n"


def _escaped(value: object) -> str:
    return str(value).translate(_ESCAPES)
