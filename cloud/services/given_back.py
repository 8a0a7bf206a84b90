"""What has gone back of an attempt, as those need to know it who judge whether its money waits for a
person. Pure; knows no table and no provider."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.domain.money_back import Back
from cloud.services.refund_ledger import GoingBack


@dataclass(frozen=True, slots=True)
class Given:
    """Minor units. `done` and `going` are of money no sale was made of: certainly back, and on its way.

    `stuck` waits for somebody at the provider. `owed` is what a till has written down as given back,
    because the provider had accepted it, and the provider refused after all; `owed_for` is its document.
    `belied` is what moved although it had been called refused: it may have been given twice.
    """

    done: int = 0
    going: int = 0
    stuck: int = 0
    owed: int = 0
    owed_for: str = ""
    belied: int = 0
    of_sale: bool = False
    """Some of it is or was of a sale, written down by its till as a document."""
    returned: int = 0
    """What has gone back or may go back of that."""


NOTHING = Given()


def summed(rows: Iterable[GoingBack], told_done: int = 0) -> Given:
    """Sum the refunds of one attempt up; `told_done` went back by what tills say alone."""
    done, going, stuck, belied, returned = told_done, 0, 0, 0, 0
    documents: dict[str, list[GoingBack]] = {}
    for row in rows:
        if row.standing is Back.STUCK:
            stuck += row.amount
        if row.belied_ms and row.standing.counts:
            belied += row.amount
        if row.document:
            documents.setdefault(row.document, []).append(row)
            returned += row.amount if row.standing.counts else 0
        elif row.standing is Back.DONE:
            done += row.amount
        elif row.standing.counts:
            going += row.amount
    debts = {document: _owed(mine) for document, mine in documents.items()}
    owed_for = next((document for document, debt in debts.items() if debt), "")
    owed = debts.get(owed_for, 0)
    return Given(done, going, stuck, owed, owed_for, belied, bool(documents), returned)


def _owed(rows: list[GoingBack]) -> int:
    """Return what the first request of a document promised and no row of it keeps."""
    first = min(rows, key=lambda row: (row.created_ms, row.number)).request
    promised = sum(row.amount for row in rows if row.request == first and row.accepted_ms)
    kept = sum(row.amount for row in rows if row.standing.counts)
    return max(promised - kept, 0)
