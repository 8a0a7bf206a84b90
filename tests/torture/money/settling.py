"""The end of every run: lines are sound, timers run out, providers are heard, and every fen is looked for.

Nobody pays any more and nobody decides anything; what waits for a person stays in the inbox.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

import sqlalchemy as sa

from app.domain.payment import CLOSED_UNPAID, OPEN, PAID_STATES
from app.domain.sale import Sale
from app.wire.proofs import PROOF_MS
from app.wire.tasks import MONEY, RETURN_LOST, SETTLED
from cloud.db import payment_tables as books
from cloud.db.task_tables import task
from cloud.services.afterwards import LAST_LOOK_MS
from cloud.services.judging import ORPHAN_MS
from cloud.services.orders import LONGEST_MS
from tests.torture.invariants import Harm, Kind
from tests.torture.money.ledgers import Account, accounts, documents
from tests.torture.money.world import World

_PAID = {state.value for state in PAID_STATES}
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
        world.cloud.sweep()
        world.cloud.sweep()  # what ended without a sale is looked at twice
        for till in world.tills_left:
            till.sync()
            till.look_around(patiently=True)
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


# --- what must hold -------------------------------------------------------------------------------


def judge(world: World) -> list[Harm]:
    """Return every fen that is in none or in two of {paid and delivered, refunded, task in the inbox},
    and every book that says something else than the provider's."""
    harms = world.harms[:1] + [Harm(Kind.BROKE, bug) for bug in world.cloud.bugs]
    for account in accounts(world).values():
        harms += of_account(account)
    harms += _of_inboxes(world)
    harms += _of_carts(world)
    return harms


def of_account(account: Account) -> Iterator[Harm]:
    """Yield what is wrong with one attempt, in whichever books."""
    held = account.came
    name = f"attempt {account.attempt_id[:8]}"
    if account.held != account.booked:
        kind = Kind.LOST if held > sum(account.booked.values()) else Kind.ALTERED
        yield Harm(kind, f"{name}: provider {account.held}, cloud {account.booked}")
    if account.cloud_received != held:
        yield Harm(Kind.ALTERED, f"{name}: cloud received {account.cloud_received} of {held}")
    if account.till_state:
        yield from _of_its_till(account, held, name)
    if account.went_back != account.booked_back:
        said = f"provider gave {account.went_back} back, cloud {account.booked_back}"
        yield Harm(Kind.ALTERED, f"{name}: {said}")
    if account.missed != account.not_come:
        said = f"{account.not_come} went back without its return, {account.missed} of it is a task"
        yield Harm(
            Kind.LOST if account.missed < account.not_come else Kind.DOUBLED, f"{name}: {said}"
        )
    kept = account.sold_at_cloud - account.returned_at_cloud
    if account.missed:  # goods whose return is a task are back; their sale may be lost with it
        kept = max(kept - account.missed, min(kept, 0))
    if account.by_hand:
        yield from _by_hand(account, held, name)
        kept = min(kept, held - account.went_back)  # the rest was seen by somebody, if it was
    nowhere = held - account.went_back - kept - account.waiting
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
    states = {account.cloud_state, account.till_state}
    if account.cloud_state and not (states <= _CLOSED or states <= _PAID or len(states) == 1):
        said = f"cloud {account.cloud_state}, till {account.till_state}"
        yield Harm(Kind.ALTERED, f"{name}: {said}")
    if account.till_state in _OPEN:
        yield Harm(Kind.STUCK, f"{name}: open at its till ({account.till_state})")
    if account.returned != account.returned_at_cloud:
        said = f"returned {account.returned}, cloud {account.returned_at_cloud}"
        yield Harm(Kind.LOST, f"{name}: {said}")
    if account.sold != account.sold_at_cloud:
        yield Harm(Kind.LOST, f"{name}: sold {account.sold}, cloud {account.sold_at_cloud}")
    if account.sold > held and not account.by_hand:
        yield Harm(Kind.DOUBLED, f"{name}: sold for {account.sold}, held {held}")


def _by_hand(account: Account, held: int, name: str) -> Iterator[Harm]:
    """A payment that was confirmed by hand and never came waits for a person, and no other does."""
    if held < account.due and not account.unproven:
        yield Harm(Kind.LOST, f"{name}: by hand, {held} of {account.due} came, and nobody hears")
    if held >= account.due and account.unproven:
        yield Harm(Kind.ALTERED, f"{name}: unproven, and {held} of {account.due} came")


def _of_inboxes(world: World) -> Iterator[Harm]:
    """Every tablet shows the same, and shows all."""
    query = sa.select(task.c.task_id, task.c.amount, task.c.code)
    query = query.where(
        sa.or_(task.c.kind == MONEY, task.c.code == RETURN_LOST), task.c.state != SETTLED
    )
    due = {(row.task_id, row.code) for row in world.cloud.rows(query)}
    for number, till in enumerate(world.tills_left):
        shown = {
            (entry.task.task_id, entry.task.code)
            for entry in world.inbox(till)
            if entry.task is not None
            and (entry.task.kind == MONEY or entry.task.code == RETURN_LOST)
        }
        if shown != due:
            yield Harm(Kind.STUCK, f"till {number} shows {shown}, waiting are {due}")
        lone = [e for e in world.inbox(till) if e.money is not None and e.task is None]
        for entry in lone:
            yield Harm(Kind.DOUBLED, f"till {number} alone waits for {entry.key[:8]}")


def _of_carts(world: World) -> Iterator[Harm]:
    """A cart is sold once."""
    seen = Counter(
        document.sale_id
        for till in world.tills_left
        for document in documents(till)
        if isinstance(document, Sale)
    )
    for sale_id, times in seen.items():
        if times > 1:
            yield Harm(Kind.DOUBLED, f"cart {sale_id} sold {times} times")
