"""What a round must tell a person at this till, as alarms: damage, another epoch, books that differ.

Codes and figures only; the screen has the words.
"""

from __future__ import annotations

from collections.abc import Iterator

from app.sync.report import BooksDifference, Round

SEALED = "sealed_damaged"
BOOKS = "books_differ"
EPOCH = "epoch_{reason}"


def alarms_of(round_: Round, epoch: str) -> Iterator[tuple[str, str, str]]:
    """Yield (code, subject, detail) of every alarm of a round; `epoch` is the journal's now."""
    for seq in round_.sealed:
        yield SEALED, str(seq), epoch
    if round_.epoch:
        yield EPOCH.format(reason=round_.epoch), epoch, ""
    for difference in round_.books:
        yield BOOKS, f"{difference.business_date} {difference.kind}", _figures(difference)


def _figures(difference: BooksDifference) -> str:
    (here, here_total), (there, there_total) = difference.here, difference.there
    return f"{here} = {here_total} / {there} = {there_total}"
