"""The end of every run: the line is good again, nobody restarts anything, and all must come right.

Tills keep to their own timetable, so waits the cloud asked for are waited out.
"""

from __future__ import annotations

import random
from collections.abc import Collection

import sqlalchemy as sa

from app.ports import SyncStatus
from app.sync.schedule import HELLO_EVERY_S
from cloud.db import member_tables, tables
from cloud.services import ingest, seals
from cloud.services.envelope import SEALED_KIND
from tests.torture.invariants import NOT_ON_THE_BOOKS, Harm, Kind, counts, harms_of
from tests.torture.sim.cloud import ON_HAND, SKUS, STORE
from tests.torture.sim.network import FINE
from tests.torture.sim.till import SimTill
from tests.torture.sim.world import World

MOST_ROUNDS = 12
"""Rounds a till may need: forks, batches that were halved and refusals still being waited out included."""


def heal(world: World, draw: random.Random) -> list[Harm]:
    """Let everything come right and return what did not."""
    world.network.weather, world.network.draw = FINE, draw
    _make_amends(world, draw)
    stuck = _drain(world, draw)
    if not stuck and _is_anything_sealed(world):
        stuck = _drain(world, draw)  # an hour later every till has heard what others sent sealed
    if stuck:
        return [*stuck, *_bugs(world)]
    harms = _second_round(world)
    owed = owed_by(world)
    on_hand = {row.sku_id: ON_HAND for row in SKUS}
    with world.cloud.db.reading() as connection:
        harms += harms_of(connection, owed, world.books.undisputed, on_hand)
        harms += _unsaid_damage(world, connection)
        harms += _changes_missing(world, connection)
        harms += [harm for till in world.tills for harm in _other_stock(till, connection)]
    return [*harms, *_bugs(world)]


def owed_by(world: World) -> dict[str, set[bytes]]:
    """Return what the cloud owes us: all that was written, but what was destroyed before it left."""
    books = world.books
    owed = {rec_id: set(bodies) for rec_id, bodies in books.recorded.items()}
    damaged = {copy for till in world.tills for copy in till.damaged}
    for rec_id, body in (books.destroyed | damaged) - world.held():
        if rec_id in owed:
            owed[rec_id].discard(body)
    return owed


def _is_anything_sealed(world: World) -> bool:
    with world.cloud.db.reading() as connection:
        sealed = sa.select(tables.journal.c.seq).where(tables.journal.c.kind == SEALED_KIND)
        return connection.scalar(sealed.limit(1)) is not None


def _make_amends(world: World, draw: random.Random) -> None:
    """What people do: give rights back, enrol who is not. Half the held requests arrive before."""
    if draw.random() < 0.5:
        world.network.deliver(len(world.network.held))
    for till in world.tills:
        for _ in range(2):
            if not till.identity.enrolled:
                till.enrol(world.cloud.new_code)
        world.cloud.revoke(till.identity.device, revoked=False)


def _drain(world: World, draw: random.Random) -> list[Harm]:
    """Let the tills sync until nothing is left, each at its own pace."""
    world.pass_time(
        HELLO_EVERY_S
    )  # a till that has nothing to send hears of a restored cloud by then
    waiting = list(world.tills)
    troubles: dict[int, str] = {}
    for _ in range(MOST_ROUNDS):
        for till in waiting:
            due = till.timetable.due_at() - till.clock.monotonic()
            world.pass_time(max(due, 0.0) + 0.001)
            report = till.sync(draw.uniform)
            troubles[id(till)] = repr(report.trouble) if report else "no round"
        waiting = [till for till in world.tills if not _is_done(till, troubles[id(till)])]
        if not waiting:
            return []
    return [
        Harm(
            Kind.STUCK,
            f"till {world.tills.index(till)}: {_said(till.status)}, {troubles[id(till)]}",
        )
        for till in waiting
    ]


def _is_done(till: SimTill, trouble: str) -> bool:
    status = till.status
    return trouble == "None" and not status.unsent and not status.member_changes


def _said(status: SyncStatus) -> str:
    return f"{status.unsent} records, {status.member_changes} changes of members unsent"


def _second_round(world: World) -> list[Harm]:
    """What was held arrives at last; a second sync finds nothing to send, and stock is told to all."""
    world.network.deliver(len(world.network.held))
    before = _journal_size(world)
    harms = []
    for till in world.tills:
        report = till.hear("stock")
        if report.trouble is not None:
            harms.append(Harm(Kind.STUCK, f"second sync: {report}"))
    if _journal_size(world) != before:
        harms.append(Harm(Kind.DOUBLED, "a second sync sent records again"))
    return harms


def _journal_size(world: World) -> int:
    with world.cloud.db.reading() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(tables.journal)) or 0


def _unsaid_damage(world: World, connection: sa.Connection) -> list[Harm]:
    """Of what only damaged copies are left, a person was told."""
    damaged = {copy for till in world.tills for copy in till.damaged}
    # A bit may fall in a row that had lost one before: what was left there is no record of ours.
    ours = {(rec_id, body) for rec_id, bodies in world.books.recorded.items() for body in bodies}
    gone = (damaged & ours) - world.held() - world.books.destroyed
    journal, exception = tables.journal.c, tables.exception.c
    rows = connection.execute(sa.select(journal.rec_id, journal.body))
    if not gone - {(row.rec_id, row.body) for row in rows}:
        return []
    told = sa.select(exception.code).where(exception.code == seals.SEALED).limit(1)
    return [] if connection.scalar(told) else [Harm(Kind.LOST, f"{len(gone)} damaged, unsaid")]


def _changes_missing(world: World, connection: sa.Connection) -> list[Harm]:
    """Every change of a member was heard, once: its id is the key."""
    heard: Collection[str] = set(
        connection.scalars(sa.select(member_tables.member_change.c.change_id))
    )
    books = world.books
    missing = books.changes - books.excused_changes - set(heard)
    return [Harm(Kind.LOST, f"change {change_id} of a member") for change_id in missing]


def _other_stock(till: SimTill, connection: sa.Connection) -> list[Harm]:
    """A till that sent everything and heard everything shows the cloud's stock, unless the cloud keeps
    some of its records in quarantine or set aside: those moved stock at the till alone."""
    row = tables.journal.c
    quarantined = sa.select(row.seq).where(
        row.device_id == till.identity.device,
        row.verdict == ingest.UNPROJECTED,
        row.kind.in_(_MOVING),
    )
    aside = sa.select(tables.exception.c.seq).where(
        tables.exception.c.device_id == till.identity.device,
        tables.exception.c.code.in_(NOT_ON_THE_BOOKS),
    )
    if any(connection.execute(query.limit(1)).first() for query in (quarantined, aside)):
        return []
    theirs = counts(connection, sa.select(tables.stock.c.sku_id, tables.stock.c.quantity))
    query = "SELECT sku_id, quantity FROM stock WHERE store_id = ?"
    ours = dict(till.data.execute(query, (STORE,)).fetchall())
    return [
        Harm(Kind.ALTERED, f"a till shows {ours.get(sku)} pieces of {sku}, the cloud {count}")
        for sku, count in theirs.items()
        if ours.get(sku) != count
    ]


_MOVING = ("sale", "refund", "stock_adjustment")


def _bugs(world: World) -> list[Harm]:
    return [Harm(Kind.BROKE, repr(bug)[:300]) for bug in world.cloud.bugs[:1]]
