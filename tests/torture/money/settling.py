"""The end of every run: lines are sound, timers run out, providers are heard, and every fen is looked for.

Nobody pays any more and nobody decides anything; what waits for a person stays in the inbox.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from app.domain.payment import CLOSED_UNPAID, OPEN
from app.domain.sale import Sale
from app.wire.proofs import PROOF_MS
from app.wire.tasks import MONEY, SETTLED
from cloud.db import payment_tables as books
from cloud.db.tables import tender
from cloud.db.task_tables import task
from cloud.gateways.numbers import attempt_id_of
from cloud.services.afterwards import LAST_LOOK_MS
from cloud.services.money_tasks import ORPHAN_MS
from cloud.services.orders import LONGEST_MS
from tests.torture.invariants import Harm, Kind
from tests.torture.money.providers import SANDBOX, Piece, pieces_of
from tests.torture.money.world import World

_OPEN = {state.value for state in OPEN}
_CLOSED = {state.value for state in CLOSED_UNPAID}
"""A till whose order's answer was lost never showed it: it failed there, whatever the cloud calls it."""
_ENDS_S = (LONGEST_MS / 1_000, LAST_LOOK_MS / 1_000, (PROOF_MS + ORPHAN_MS) / 1_000)
"""The shop waits past the longest order, the last code at a provider, and the last proof."""


def settle(world: World, draw: random.Random) -> None:
    """Let everything come to rest."""
    _mend(world)
    for till in world.tills_left:
        till.line.deliver(draw)
    _all_letters(world, draw)
    for seconds in _ENDS_S:
        world.pass_time(seconds + 1)
        world.cloud.desk.payments.sweep()
        world.cloud.desk.payments.sweep()  # what ended without a sale is looked at twice
        for till in world.tills_left:
            till.sync()
    for _ in range(2):  # what is asked for now may be news for the other tablet
        for till in world.tills_left:
            till.look_around(patiently=True)
            till.sync()


def _mend(world: World) -> None:
    """Mend what is broken, and let whoever was killed or silent come back."""
    cloud = world.cloud
    cloud.restart()
    for provider in (cloud.providers.alipay, cloud.providers.wechat):
        provider.faults.waiting.clear()
    for till in world.tills_left:
        till.line.is_up = True
        till.line.fates.clear()
        till.restart()
    silent = sa.select(books.sandbox_order.c.payment_id).where(books.sandbox_order.c.silent)
    for row in cloud.rows(silent):
        cloud.desk.sandbox.resume(row.payment_id)


def _all_letters(world: World, draw: random.Random) -> None:
    """Let every letter arrive, in any order."""
    world.mail.collect()
    draw.shuffle(world.mail.letters)
    draw.shuffle(world.cloud.spoken)
    for letter in world.cloud.spoken:
        world.cloud.heard(letter)
    for at in range(len(world.mail.letters)):
        world.deliver(at)
    world.cloud.spoken.clear()
    world.mail.letters.clear()


# --- what everybody's books say -------------------------------------------------------------------


@dataclass
class Account:
    """One attempt in everybody's books, minor units."""

    attempt_id: str
    due: int = 0
    held: dict[tuple[str, str], int] = field(default_factory=dict)
    """What providers hold of it now, by provider and number."""
    booked: dict[tuple[str, str], int] = field(default_factory=dict)
    """What the cloud's ledger holds."""
    cloud_state: str = ""
    cloud_received: int = 0
    till_state: str = ""
    till_received: int = 0
    sold: int = 0
    """What sales at tills were paid by it."""
    sold_at_cloud: int = 0
    waiting: int = 0
    """What the store's inbox says waits for a person, at the cloud."""


def accounts(world: World) -> dict[str, Account]:
    """Return every attempt of a run as everybody has it in the books."""
    found: dict[str, Account] = defaultdict(lambda: Account(""))

    def of(attempt_id: str) -> Account:
        account = found[attempt_id]
        account.attempt_id = attempt_id
        return account

    for attempt_id, piece in _held(world):
        if piece.held:
            of(attempt_id).held[piece.provider, piece.ref] = piece.held
    cloud = world.cloud
    for row in cloud.rows(sa.select(books.attempt)):
        account = of(row.attempt_id)
        account.due, account.cloud_state = row.amount, row.state
        account.cloud_received = row.received
    for row in cloud.rows(sa.select(books.money)):
        of(row.attempt_id).booked[row.provider, row.ref] = row.amount
    for row in cloud.rows(sa.select(tender).where(tender.c.attempt_id != "")):
        of(row.attempt_id).sold_at_cloud += row.amount
    for row in cloud.rows(sa.select(task).where(task.c.kind == MONEY, task.c.state != SETTLED)):
        of(row.task_id).waiting += row.amount
    for till in world.tills_left:
        for attempt_id, attempt in till.attempts().items():
            account = of(attempt_id)
            account.due = attempt.last.amount
            account.till_state = attempt.last.after.state.value
            account.till_received = attempt.last.received
        for sale in sales(world):
            for part in sale.tenders:
                if part.attempt_id and part.attempt_id in till.attempts():
                    of(part.attempt_id).sold += part.amount
    return dict(found)


def sales(world: World) -> Iterator[Sale]:
    """Yield every sale of every till."""
    for till in world.tills_left:
        for (sale_id,) in till.data.execute("SELECT document_id FROM sale").fetchall():
            sale = till.do(lambda uow, sale_id=sale_id: uow.sale(sale_id))
            if sale is not None:
                yield sale


def _held(world: World) -> Iterator[tuple[str, Piece]]:
    for piece in pieces_of(world.cloud.providers):
        yield attempt_id_of(piece.number), piece
    orders, money = books.sandbox_order, books.sandbox_money
    paid = sa.select(money, orders.c.attempt_id).join(
        orders, orders.c.payment_id == money.c.payment_id
    )
    for row in world.cloud.rows(paid):
        yield row.attempt_id, Piece(SANDBOX, row.payment_id, row.ref, row.amount)


# --- what must hold -------------------------------------------------------------------------------


def judge(world: World) -> list[Harm]:
    """Return every fen that is in none or in two of {paid and delivered, refunded, task in the inbox},
    and every book that says something else than the provider's."""
    harms = world.harms[:1] + [Harm(Kind.BROKE, bug) for bug in world.cloud.bugs]
    for account in accounts(world).values():
        harms += _of_account(account)
    harms += _of_inboxes(world)
    harms += _of_carts(world)
    return harms


def _of_account(account: Account) -> Iterator[Harm]:
    held = sum(account.held.values())
    name = f"attempt {account.attempt_id[:8]}"
    if account.held != account.booked:
        kind = Kind.LOST if held > sum(account.booked.values()) else Kind.ALTERED
        yield Harm(kind, f"{name}: provider {account.held}, cloud {account.booked}")
    if account.cloud_received != held:
        yield Harm(Kind.ALTERED, f"{name}: cloud received {account.cloud_received} of {held}")
    if account.till_state:
        yield from _of_its_till(account, held, name)
    nowhere = held - account.sold_at_cloud - account.waiting
    if nowhere > 0:
        yield Harm(Kind.LOST, f"{name}: {nowhere} of {held} is nowhere")
    if nowhere < 0:
        yield Harm(Kind.DOUBLED, f"{name}: {-nowhere} more than {held} sold or waiting")
    if account.cloud_state in _OPEN:
        yield Harm(Kind.STUCK, f"{name}: open ({account.cloud_state})")


def _of_its_till(account: Account, held: int, name: str) -> Iterator[Harm]:
    """What the journal of the till that showed it says, if that is not lost."""
    if account.till_received != held:
        yield Harm(Kind.ALTERED, f"{name}: till received {account.till_received} of {held}")
    closed = {account.cloud_state, account.till_state} <= _CLOSED
    if account.cloud_state and account.cloud_state != account.till_state and not closed:
        said = f"cloud {account.cloud_state}, till {account.till_state}"
        yield Harm(Kind.ALTERED, f"{name}: {said}")
    if account.till_state in _OPEN:
        yield Harm(Kind.STUCK, f"{name}: open at its till ({account.till_state})")
    if account.sold != account.sold_at_cloud:
        yield Harm(Kind.LOST, f"{name}: sold {account.sold}, cloud {account.sold_at_cloud}")
    if account.sold > held:
        yield Harm(Kind.DOUBLED, f"{name}: sold for {account.sold}, held {held}")


def _of_inboxes(world: World) -> Iterator[Harm]:
    """Every tablet shows the same, and shows all."""
    query = sa.select(task.c.task_id, task.c.amount, task.c.code)
    query = query.where(task.c.kind == MONEY, task.c.state != SETTLED)
    due = {(row.task_id, row.code) for row in world.cloud.rows(query)}
    for number, till in enumerate(world.tills_left):
        shown = {
            (entry.task.task_id, entry.task.code)
            for entry in world.inbox(till)
            if entry.task is not None and entry.task.kind == MONEY
        }
        if shown != due:
            yield Harm(Kind.STUCK, f"till {number} shows {shown}, waiting are {due}")
        lone = [e for e in world.inbox(till) if e.money is not None and e.task is None]
        for entry in lone:
            yield Harm(Kind.DOUBLED, f"till {number} alone waits for {entry.key[:8]}")


def _of_carts(world: World) -> Iterator[Harm]:
    """A cart is sold once."""
    seen: Mapping[str, int] = defaultdict(int)
    for sale in sales(world):
        seen[sale.sale_id] += 1  # type: ignore[index] # a dictionary that counts
    for sale_id, times in seen.items():
        if times > 1:
            yield Harm(Kind.DOUBLED, f"cart {sale_id} sold {times} times")
