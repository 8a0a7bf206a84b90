"""Up to four tills, one cloud and the line between them, with everything that may befall them.

A step is a name, a till's number and a seed of its own, so any part of a list of steps is a run too.
"""

from __future__ import annotations

import itertools
import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import NamedTuple
from unittest.mock import patch

from app.domain.ids import new_id
from app.domain.refund import SoldLine
from app.errors import RuleBroken, Trouble
from app.ports import UnitOfWork
from app.sync.report import SyncReport
from app.wire.versions import SCHEMA
from cloud.db import state
from tests.fakes.clock import FakeClock
from tests.store import shop
from tests.torture.sim import goods, memory
from tests.torture.sim.books import Books
from tests.torture.sim.cloud import Backup, SimCloud
from tests.torture.sim.network import FAULTS, FINE, Fate, Network, Weather
from tests.torture.sim.store import Killed
from tests.torture.sim.till import Copy, SimTill

MOST_TILLS = 4
DAY_S = 86_400.0


class Step(NamedTuple):
    """One thing that happens."""

    name: str
    which: int
    """Which till, counted round."""
    seed: int


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let the product's ids, epochs and generations come from a seed, and one till write a newer kind
    of record."""
    source = random.Random(seed)
    generations = itertools.count(
        1_000
    )  # of restores, which are seconds apart in a world without wall
    with (
        patch.object(os, "urandom", source.randbytes),
        patch.object(state, "time", SimpleNamespace(time=generations.__next__)),
        patch.dict(SCHEMA, {goods.NEWER_KIND: 1}),
    ):
        yield


@dataclass(slots=True)
class _Attempt:
    attempt_id: str
    steps: int = 0


class World:
    """Everything there is. `play` lets one step happen; nothing happens by itself."""

    def __init__(self) -> None:
        self.cloud = SimCloud()
        self.network = Network(self.cloud)
        self.books = Books()
        self.faults = self.network.faults
        self.done: Counter[str] = Counter()
        self._attempts: dict[int, _Attempt] = {}
        self._members: list[str] = []
        self._number = 0
        self.tills = [self._new_till()]
        self.tills[0].enrol(self.cloud.new_code)

    def close(self) -> None:
        """Let go of all memory."""
        self.cloud.close()
        for till in self.tills:
            till.close()

    def play(self, step: Step) -> None:
        """Let a step happen to a till. What cannot happen now does not."""
        draw = random.Random(step.seed)
        self.network.draw = draw
        till = self.tills[step.which % len(self.tills)]
        self.done[step.name] += 1
        self.pass_time(draw.choice((1.0, 1.0, 2.0, 8.0)))
        try:
            getattr(self, f"_do_{step.name}")(till, draw)
        except Killed:
            till.restart()
        finally:
            self.network.weather = FINE
            till.store.jobs_to_live = -1

    def pass_time(self, seconds: float) -> None:
        """Let time pass for everybody."""
        self.cloud.now_ms += round(seconds * 1_000)
        for till in self.tills:
            till.clock.advance(seconds)

    def held(self) -> set[Copy]:
        """Return the records some till still holds whole."""
        return {copy for till in self.tills for copy in till.whole()}

    def _new_till(self) -> SimTill:
        clock = FakeClock(self.cloud.now_ms)
        return SimTill(memory.new_store(), self.network, clock)

    # --- selling ----------------------------------------------------------------------------------

    def _do_sale(self, till: SimTill, draw: random.Random) -> None:
        self._number += 1
        member = draw.choice(self._members) if self._members and draw.random() < 0.2 else ""

        def sell(uow: UnitOfWork) -> str:
            sold = goods.sale(draw, till.clock.now(), uow.next_receipt_no(), member)
            uow.record(sold)
            return sold.sale_id

        self._noted(till, till.do(sell))

    def _do_refund(self, till: SimTill, draw: random.Random) -> None:
        found = till.data.execute("SELECT document_id FROM sale ORDER BY fact_no").fetchall()
        if not found:
            return
        sale_id = draw.choice(found)[0]

        def give_back(uow: UnitOfWork) -> str | None:
            lines = [each for each in uow.sold_lines(sale_id) if _left(each) > 0]
            if not lines:
                return None
            refund = shop.refund_of((draw.choice(lines), 1), receipt_no=uow.next_receipt_no())
            uow.record(refund)
            return refund.refund_id

        with suppress(Trouble):  # the sale itself is damaged or was let go: no receipt, no refund
            done = till.do(give_back)
            if done:
                self._noted(till, done)

    def _do_adjustment(self, till: SimTill, draw: random.Random) -> None:
        self._noted(till, till.record(goods.adjustment(draw, till.clock.now())))

    def _do_payment_step(self, till: SimTill, draw: random.Random) -> None:
        attempt = self._attempts.get(id(till))
        if attempt is None or attempt.steps == 3:
            attempt = self._attempts[id(till)] = _Attempt(new_id())
        attempt.steps += 1
        try:
            step = goods.step(attempt.attempt_id, attempt.steps, till.clock.now())
            self._noted(till, till.record(step))
        except RuleBroken:
            del self._attempts[id(till)]  # this till was restored and does not know the attempt

    def _do_member(self, till: SimTill, draw: random.Random) -> None:
        known = till.data.execute("SELECT member_ref, revision FROM member").fetchall()
        t_ms = till.clock.wall_ms
        if known and draw.random() < 0.5:
            ref, revision = draw.choice(known)
            change = goods.edit(draw, ref, draw.choice((revision, max(0, revision - 1))), t_ms)
        else:
            change = goods.join(draw, t_ms)
            self._members.append(change.member_ref)
        till.change_member(change)
        self.books.changes.add(change.change_id)

    def _noted(self, till: SimTill, rec_id: str) -> None:
        query = "SELECT body FROM journal WHERE rec_id = ? ORDER BY rowid DESC LIMIT 1"
        (body,) = till.data.execute(query, (rec_id,)).fetchone()
        self.books.write(rec_id, body, fact=True)

    # --- records that are no good -----------------------------------------------------------------

    def _do_poison(self, till: SimTill, draw: random.Random) -> None:
        rec_id = new_id()
        kind, body = goods.poison(draw, rec_id)
        till.store.append(rec_id, kind, body, till.clock.now())
        self.books.write(rec_id, body, fact=False)

    def _do_forgery(self, till: SimTill, draw: random.Random) -> None:
        """Another body under an id that is taken."""
        if not self.books.recorded:
            return
        rec_id = draw.choice(list(self.books.recorded))
        body = draw.choice((b"{}", b'{"id":"' + rec_id.encode() + b'"}'))
        till.store.append(rec_id, "sale", body, till.clock.now())
        self.books.write(rec_id, body, fact=False)

    # --- the line ---------------------------------------------------------------------------------

    def _do_sync(self, till: SimTill, draw: random.Random) -> SyncReport | None:
        """A round, mostly on a bad line; sometimes the till dies in the middle of it."""
        share = draw.choice((0.0, 0.1, 0.3, 0.6))
        self.network.weather = Weather(share)
        if draw.random() < 0.1:
            till.store.jobs_to_live = draw.randrange(6)
            till.store.dies_after_commit = draw.random() < 0.5
            self.faults["till killed between jobs"] += 1
        return till.sync(draw.uniform, hurried=draw.random() < 0.15)

    def _do_storm(self, till: SimTill, draw: random.Random) -> None:
        """The cloud turns everybody away for a while."""
        fates = (Fate.BUSY, Fate.FAILED, Fate.EXPIRED, Fate.STRANGER)
        self.network.weather = Weather(0.9, fates)
        for _ in range(draw.randint(1, 3)):
            for each in self.tills:
                each.sync(draw.uniform, hurried=draw.random() < 0.5)
            self.pass_time(draw.choice((1.0, 30.0, 300.0)))

    def _do_late(self, till: SimTill, draw: random.Random) -> None:
        """Requests held somewhere arrive, perhaps days later."""
        self.pass_time(draw.choice((1.0, 600.0, 3 * DAY_S)))
        self.network.deliver(draw.randint(1, 4))

    def _do_enrol(self, till: SimTill, draw: random.Random) -> None:
        if len(self.tills) < MOST_TILLS and draw.random() < 0.3:
            self.tills.append(self._new_till())
        if not till.identity.enrolled:
            fates = tuple(fate for fate in FAULTS if fate is not Fate.HELD)
            self.network.weather = Weather(draw.choice((0.0, 0.5)), fates)
            till.enrol(self.cloud.new_code)

    # --- what befalls machines --------------------------------------------------------------------

    def _do_new_till(self, till: SimTill, draw: random.Random) -> None:
        if len(self.tills) < MOST_TILLS:
            self.tills.append(self._new_till())

    def _do_restart(self, till: SimTill, draw: random.Random) -> None:
        till.restart()

    def _do_clock(self, till: SimTill, draw: random.Random) -> None:
        """A clock on the wall is set by years."""
        years = draw.choice((-2, -1, 1, 10))
        till.clock.set_wall(till.clock.wall_ms + round(years * 365 * DAY_S * 1_000))

    def _do_month(self, till: SimTill, draw: random.Random) -> None:
        """A month goes by, and a till in good order lets old records go."""
        self.pass_time(40 * DAY_S)
        till.sync(draw.uniform, hurried=True)

    def _do_server_backup(self, till: SimTill, draw: random.Random) -> None:
        self.cloud.back_up()

    def _do_server_restore(self, till: SimTill, draw: random.Random) -> None:
        usable = [n for n, backup in enumerate(self.cloud.backups) if self._known_in(backup)]
        if usable:
            which, knowingly = draw.choice(usable), draw.random() < 0.5
            self.books.excused_changes |= self._lost_for_good(knowingly)
            self.cloud.restore(which, knowingly=knowingly)
            self.books.excused_changes |= self._forgotten_again()

    def _do_back_up(self, till: SimTill, draw: random.Random) -> None:
        till.back_up()

    def _do_restore(self, till: SimTill, draw: random.Random) -> None:
        """A till's file is replaced by a backup; what only it held is gone."""
        if not till.backups:
            return
        before = till.whole()
        till.restore(draw.randrange(len(till.backups)), knowingly=draw.random() < 0.5)
        self.books.destroyed |= (before | till.damaged) - self.held()
        self.books.excused_changes |= self.books.changes

    def _do_clone(self, till: SimTill, draw: random.Random) -> None:
        """Another tablet gets a copy of this one's file."""
        if len(self.tills) < MOST_TILLS:
            self.tills.append(till.clone())

    def _do_damage(self, till: SimTill, draw: random.Random) -> None:
        """A row of a till's journal loses a bit."""
        column = draw.choice(("body", "header", "hash", "prev_hash"))
        till.flip_a_bit(draw.randrange(2**16), column, draw.randrange(2**16))

    def _known_in(self, backup: Backup) -> bool:
        """A device that was enrolled later would have to be enrolled again, by a person."""
        devices = {till.identity.device for till in self.tills if till.identity.enrolled}
        return all(map(backup.knows, devices))

    def _lost_for_good(self, knowingly: bool) -> set[str]:
        """Return the changes of members that no till has to tell a restored cloud again: those that lost
        there, and all if nobody tells the tills of its loss."""
        return self.cloud.changes_that_lost() if knowingly else set(self.books.changes)

    def _forgotten_again(self) -> set[str]:
        """Return the changes that tills keep for a restored cloud and forget, because it takes their rights
        as it did when its backup was made. What waits in their queues stays and is still owed."""
        revoked = [till for till in self.tills if self.cloud.is_revoked(till.identity.device)]
        return {change_id for till in revoked for change_id in till.settled_changes()}

    def _do_revoke(self, till: SimTill, draw: random.Random) -> None:
        device, revoked = till.identity.device, draw.random() < 0.5
        if device:
            self.cloud.revoke(device, revoked=revoked)
            if revoked:  # it forgets its members, and so what was settled about them
                self.books.excused_changes |= self.books.changes


def _left(line: SoldLine) -> int:
    return line.line.quantity - line.quantity_returned
