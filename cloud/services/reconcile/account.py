"""A merchant account as the comparison names it, and many numbers asked for in few statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

AT_ONCE = 400
"""Numbers asked for in one statement."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Account:
    """A merchant account of a brand, by its name in the ledger."""

    tenant: str
    name: str


def chunks(some: Iterable[T], size: int = AT_ONCE) -> Iterator[list[T]]:
    """Yield what there is in lists of at most `size`."""
    rest = iter(some)
    while part := list(islice(rest, size)):
        yield part
