"""What became of a customer's money after it had come: what went back and when, and whether goods were handed
over for what came late. Reads only; the words for it are the page's."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from app.domain.money_back import Back
from app.domain.sale import TenderKind
from app.wire.tasks import MONEY, OVER, REFUNDED, SEEN, SETTLED
from cloud.db import refund_tables, tables
from cloud.db.columns import rows_of
from cloud.db.task_tables import task
from cloud.services import refund_ledger
from cloud.services.answered import read_words
from cloud.services.attempts import Attempt, of_key
from cloud.services.given_back import summed
from cloud.services.money_facts import made_its_sale
from cloud.services.refund_ledger import GoingBack


class Return(StrEnum):
    """How money comes back, as far as its customer is concerned."""

    WALLET = "wallet"
    """It is back where it came from."""
    CASH = "cash"
    BY_HAND = "by_hand"
    """A manager says that it was given back; nothing here did it."""
    GOING = "going"
    """Asked for, or accepted by the provider."""
    DUE = "due"
    """The provider cannot do it, or refused after all: the store has it as a task."""

    @property
    def is_done(self) -> bool:
        """The customer has it."""
        return self not in (Return.GOING, Return.DUE)


@dataclass(frozen=True, slots=True)
class Returned:
    """Money of one refund, in minor units. `at_ms` is when it was back, or when it was asked for while it is
    not; `of_goods`: it was paid for goods, and is no money that came on top or for nothing."""

    how: Return
    amount: int
    at_ms: int
    of_goods: bool


@dataclass(frozen=True, slots=True)
class Aftermath:
    """All of it for one attempt; the oldest first."""

    returned: tuple[Returned, ...] = ()
    delivered: bool = False
    """Its sale was made, or a person handed the goods over."""
    settled: bool = False
    """A person has settled what was unusual about it without a word of how."""

    @property
    def back(self) -> int:
        """What the customer has back, in minor units."""
        return sum(part.amount for part in self.returned if part.how.is_done)

    @property
    def going(self) -> int:
        """What is still to come back, in minor units."""
        return sum(part.amount for part in self.returned if not part.how.is_done)

    @property
    def back_of_surplus(self) -> int:
        """What is back of money that no goods were paid with, in minor units."""
        done = [part for part in self.returned if part.how.is_done and not part.of_goods]
        return sum(part.amount for part in done)


NOTHING = Aftermath()


def aftermath_of(conn: sa.Connection, attempt: Attempt) -> Aftermath:
    """Return what became of an attempt's money."""
    rows = refund_ledger.of_attempt(conn, attempt.key)
    sold = bool(conn.scalar(sa.select(made_its_sale(attempt))))
    parts = [_of_row(row) for row in rows if row.standing.counts]
    parts += _told_by_tills(conn, attempt, {row.number for row in rows})
    parts += _in_cash(conn, attempt) if sold else []
    parts += _owed(rows)
    word = _told(conn, attempt)
    resolution = "" if word is None or word.state != SETTLED else word.resolution
    if word is not None and word.code != REFUNDED and resolution in (REFUNDED, SEEN):
        parts = [part for part in parts if part.how is not Return.DUE]
        if resolution == REFUNDED:
            by_hand = Returned(Return.BY_HAND, word.amount, word.settled_ms, word.code != OVER)
            parts.append(by_hand)
    return Aftermath(
        tuple(sorted(parts, key=lambda part: part.at_ms)),
        sold or (word is not None and read_words(word.words).goods > 0),
        resolution == SEEN,
    )


def _of_row(row: GoingBack) -> Returned:
    if row.standing is Back.DONE:
        how, at_ms = Return.WALLET, row.changed_ms
    else:
        how = Return.DUE if row.standing is Back.STUCK else Return.GOING
        at_ms = row.created_ms
    return Returned(how, row.amount, at_ms, bool(row.document))


def _owed(rows: Collection[GoingBack]) -> list[Returned]:
    """What was accepted, and refused after the till had written it down as given back."""
    given = summed(rows)
    if not given.owed:
        return []
    asked_ms = min(row.created_ms for row in rows if row.document == given.owed_for)
    return [Returned(Return.DUE, given.owed, asked_ms, of_goods=True)]


def _told_by_tills(conn: sa.Connection, attempt: Attempt, here: Collection[str]) -> list[Returned]:
    """What our own ledger has forgotten, because it came back from a backup, and tills still know."""
    step = refund_tables.step.c
    query = sa.select(step.number, step.amount, step.at_ms, step.document_id).where(
        of_key(refund_tables.step, attempt.key), step.standing == Back.DONE.value
    )
    done = {row.number: row for row in conn.execute(query) if row.number not in here}
    return [
        Returned(Return.WALLET, row.amount, row.at_ms, bool(row.document_id))
        for row in done.values()
    ]


def _in_cash(conn: sa.Connection, attempt: Attempt) -> list[Returned]:
    """What a manager gave back in cash of the sale that was paid by phone."""
    own = {"tenant_id": attempt.tenant, "store_id": attempt.store}
    document, part, line = tables.refund.c, tables.tender.c, tables.refund_line
    of_sale = sa.select(line.c.refund_id).where(rows_of(line, **own, origin_sale=attempt.sale_id))
    query = (
        sa.select(document.at_ms, part.amount)
        .join(
            tables.tender,
            (part.tenant_id == document.tenant_id)
            & (part.store_id == document.store_id)
            & (part.document_id == document.refund_id),
        )
        .where(rows_of(tables.refund, **own), document.refund_id.in_(of_sale))
        .where(part.kind == TenderKind.CASH.value)
    )
    return [
        Returned(Return.CASH, row.amount, row.at_ms, of_goods=True) for row in conn.execute(query)
    ]


def _told(conn: sa.Connection, attempt: Attempt) -> sa.Row[Any] | None:
    """Return what the store knows of money that was unusual about an attempt, None where nothing was."""
    columns = task.c
    mine = rows_of(
        task, tenant_id=attempt.tenant, store_id=attempt.store, task_id=attempt.attempt_id
    )
    names = (columns.code, columns.state, columns.resolution, columns.amount, columns.settled_ms)
    query = sa.select(*names, columns.words).where(mine, columns.kind == MONEY)
    return conn.execute(query).one_or_none()
