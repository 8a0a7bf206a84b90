"""Every attempt of a run in everybody's books: the providers', the cloud's ledger, the tills' journals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa

from app.domain.money_back import Back
from app.domain.payment import Anomaly
from app.domain.refund import Refund
from app.domain.sale import Sale
from app.wire.tasks import MONEY, RETURN_LOST, SETTLED, UNPROVEN
from cloud.db import payment_tables as books
from cloud.db.refund_tables import refund
from cloud.db.tables import payment_step, tender
from cloud.db.tables import refund as returned
from cloud.db.task_tables import task
from cloud.gateways.numbers import attempt_id_of
from tests.torture.money.providers import SANDBOX, Piece, pieces_of
from tests.torture.money.till import MoneyTill
from tests.torture.money.world import World


@dataclass
class Account:
    """One attempt in everybody's books, minor units."""

    attempt_id: str
    held: dict[tuple[str, str], int] = field(default_factory=dict)
    """What providers were paid, by provider and number."""
    went_back: int = 0
    """What they gave back of it."""
    booked: dict[tuple[str, str], int] = field(default_factory=dict)
    booked_back: int = 0
    """What the cloud's ledgers hold of both."""
    cloud_state: str = ""
    cloud_received: int = 0
    till_state: str = ""
    till_received: int = 0
    due: int = 0
    sold: int = 0
    returned: int = 0
    """What documents of its till were paid by it, and gave back to it."""
    sold_at_cloud: int = 0
    returned_at_cloud: int = 0
    waiting: int = 0
    """What the store's inbox says waits for a person, at the cloud."""
    unproven: int = 0
    """What it says was sold by hand, and never came."""
    not_come: int = 0
    """What went back for returns whose documents the cloud never had."""
    missed: int = 0
    """What it says of them."""
    by_hand: bool = False
    """A manager's eyes were believed, by what the cloud was told or by its till."""

    @property
    def came(self) -> int:
        """What was paid, whatever became of it."""
        return sum(self.held.values())


class Accounts(dict[str, Account]):
    """Accounts by attempt, made when they are first asked for."""

    def __missing__(self, attempt_id: str) -> Account:
        self[attempt_id] = Account(attempt_id)
        return self[attempt_id]


def accounts(world: World) -> Accounts:
    """Return every attempt of a run."""
    found = Accounts()
    for attempt_id, piece in _paid(world):
        # Money a provider reversed by itself is money that never was.
        if piece.amount > piece.reversed:
            found[attempt_id].held[piece.provider, piece.ref] = piece.amount
        found[attempt_id].went_back += piece.refunded
    _add_cloud(found, world)
    for till in world.tills_left:
        _add_till(found, till)
    return found


def _add_cloud(found: Accounts, world: World) -> None:
    cloud = world.cloud
    for row in cloud.rows(sa.select(books.attempt)):
        account = found[row.attempt_id]
        account.cloud_state, account.cloud_received = row.state, row.received
        account.by_hand, account.due = row.vouched != "", row.amount
    for row in cloud.rows(sa.select(payment_step)):
        account = found[row.attempt_id]
        account.by_hand |= Anomaly.BY_HAND in row.anomalies.split()
        account.due = max(account.due, row.amount)
    for row in cloud.rows(sa.select(books.money)):
        found[row.attempt_id].booked[row.provider, row.ref] = row.amount
    came = {row.refund_id for row in cloud.rows(sa.select(returned.c.refund_id))}
    for row in cloud.rows(sa.select(refund).where(refund.c.standing == Back.DONE.value)):
        found[row.attempt_id].booked_back += row.amount
        if row.document_id and row.document_id not in came:
            found[row.attempt_id].not_come += row.amount
    for row in cloud.rows(sa.select(tender).where(tender.c.attempt_id != "")):
        if row.document == "sale":
            found[row.attempt_id].sold_at_cloud += row.amount
        else:
            found[row.attempt_id].returned_at_cloud += row.amount
    for row in cloud.rows(sa.select(task).where(task.c.kind == MONEY, task.c.state != SETTLED)):
        if row.code == UNPROVEN:
            found[row.task_id].unproven += row.amount
        else:
            found[row.task_id].waiting += row.amount
    missing = sa.select(task).where(task.c.code == RETURN_LOST, task.c.state != SETTLED)
    for row in cloud.rows(missing):
        found[row.other].missed += row.amount


def _add_till(found: Accounts, till: MoneyTill) -> None:
    for attempt_id, attempt in till.attempts().items():
        account = found[attempt_id]
        account.till_state = attempt.last.after.state.value
        account.till_received = attempt.last.received
        account.due = attempt.last.amount
        account.by_hand |= Anomaly.BY_HAND in attempt.last.after.anomalies
    for document in documents(till):
        for part in document.tenders:
            if part.attempt_id and isinstance(document, Sale):
                found[part.attempt_id].sold += part.amount
            elif part.attempt_id:
                found[part.attempt_id].returned += part.amount


def documents(till: MoneyTill) -> Iterator[Sale | Refund]:
    """Yield every sale and every return of a till."""
    for each in till.store.reader.documents(limit=1_000):
        document = till.store.reader.document(each.document_id)
        if document is not None:
            yield document


def _paid(world: World) -> Iterator[tuple[str, Piece]]:
    for piece in pieces_of(world.cloud.providers):
        yield attempt_id_of(piece.number), piece
    orders, money = books.sandbox_order, books.sandbox_money
    paid = sa.select(money, orders.c.attempt_id).join(
        orders, orders.c.payment_id == money.c.payment_id
    )
    for row in world.cloud.rows(paid):
        if row.amount > 0:
            yield row.attempt_id, Piece(SANDBOX, row.payment_id, row.ref, row.amount)
        else:
            yield row.attempt_id, Piece(SANDBOX, row.payment_id, row.ref, 0, -row.amount)
