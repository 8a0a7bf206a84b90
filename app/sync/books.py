"""Compares what was sold here with what the cloud has on its books from this till. Changes neither."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from app.ports import Priority, Store, SyncTransport
from app.sync.report import BooksDifference
from app.wire.upkeep import DayBooks

DAYS_BACK = 31
"""Business dates looked at; older ones were compared when they were new."""


def compare_books(
    store: Store, transport: SyncTransport, today: date
) -> tuple[BooksDifference, ...]:
    """Return the business dates and kinds on which the two sides differ.

    Only meaningful when everything was sent. Records the cloud set aside explain less there, so then
    nothing is said. Raises Trouble.
    """
    since = (today - timedelta(days=DAYS_BACK)).isoformat()
    ours = _by_day(
        store.run(lambda uow: uow.day_books(since), priority=Priority.SYNC).result(),
    )
    answer = transport.books(since)
    if answer.set_aside:
        return ()
    theirs = _by_day(answer.days)
    return tuple(
        BooksDifference(*key, ours.get(key, (0, 0)), theirs.get(key, (0, 0)))
        for key in sorted(ours.keys() | theirs.keys())
        if ours.get(key) != theirs.get(key)
    )


def _by_day(books: Iterable[DayBooks]) -> dict[tuple[str, str], tuple[int, int]]:
    return {(each.business_date, each.kind): (each.documents, each.total) for each in books}
