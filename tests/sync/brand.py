"""A brand's tablets on real files and the real members' services of one cloud, over a line that loses
requests and answers; and what must hold of everybody they know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

import sqlalchemy as sa

from app.domain.ids import new_id
from app.domain.member import Member
from app.errors import Code, Trouble
from app.ports import SyncTransport
from app.services.members import Members
from app.sync.bootstrap import Bootstrap
from app.sync.jobs import ShortJobs
from app.sync.member_push import MemberPush
from app.sync.pull import ReferencePull
from app.sync.report import Round
from app.wire.messages import MemberChange, MembersPage, MembersPush, MembersPushAnswer
from cloud.bootstrap import Cloud
from cloud.db.member_tables import member
from cloud.services import members
from cloud.services.tokens import DevicePrincipal
from offline_store import OfflineStore, open_store
from tests.fakes.clock import FakeClock
from tests.store.shop import COAT, KEY, cart_of, sale_of

PHONES = [f"1380000000{number}" for number in range(4)]
FIELDS = ("name", "phone", "note")

T = TypeVar("T")


@dataclass
class BadLine:
    """The members' part of a line to the real services of the cloud. `chance` is that of each fault."""

    cloud: Cloud
    who: DevicePrincipal
    rng: Random
    chance: float = 0.25
    held: list[MembersPush] = field(default_factory=list)

    def push_members(self, changes: Sequence[MemberChange]) -> MembersPushAnswer:
        asked = MembersPush(changes=list(changes))
        if self.rng.random() < self.chance / 4:
            self.held.append(asked)  # stuck on the way; it arrives some other day
        return self._carried(lambda: self._push(asked))

    def pull_members(self, cursor: str, limit: int, *, check: bool = False) -> MembersPage:
        def pull(connection: sa.Connection) -> MembersPage:
            return members.pull(connection, self.who, cursor, limit, now_ms=self.cloud.clock())

        return self._carried(lambda: self.cloud.db.read(pull))

    def deliver_held(self) -> None:
        while self.held:
            self._push(self.held.pop())

    def _push(self, asked: MembersPush) -> MembersPushAnswer:
        return self.cloud.db.write(
            lambda connection: members.push(connection, self.who, asked, now_ms=self.cloud.clock())
        )

    def _carried(self, ask: Callable[[], T]) -> T:
        if self.rng.random() < self.chance:
            raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True)
        answer = ask()
        if self.rng.random() < self.chance:
            raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True)
        return answer


@dataclass
class Tablet:
    """One tablet: its file, its members, its line."""

    file: Path
    line: BadLine
    clock: FakeClock
    store: OfflineStore
    sales: dict[str, str] = field(default_factory=dict)
    """Sale → the reference of the member it was sold to, as the till knew them then."""

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin anew with what is in the file."""
        transport: SyncTransport = self.line  # type: ignore[assignment] # its members' part
        self.up = MemberPush(self.store, transport, self.clock)
        jobs = ShortJobs(self.store, self.clock)
        no_snapshots = Bootstrap(jobs, transport, self.clock, enabled=False)
        self.down = ReferencePull(jobs, transport, no_snapshots)
        self.members = Members(self.store, self.clock)

    def kill(self) -> None:
        self.store.close()
        self.store = open_store(self.file, KEY, self.clock)
        self.start()

    def sync(self) -> bool:
        """Run the members' part of a round; False if the line broke it off."""
        try:
            self.up.drain(Round())
            self.down.follow_members(Round())
        except Trouble:
            return False
        return True

    def known(self) -> list[Member]:
        found = {each.member_ref: each for phone in PHONES for each in self.find(phone)}
        return sorted(found.values(), key=lambda each: each.member_ref)

    def find(self, text: str) -> tuple[Member, ...]:
        return self.store.reader.find_members(text)

    def change(self, known: Member, field_: str, value: str) -> None:
        made = MemberChange(
            change_id=new_id(),
            member_ref=known.member_ref,
            field=field_,
            value=value,
            base_revision=known.revision,
            t_ms=1,
        )
        self.store.run(lambda uow: uow.change_member(made)).result()

    def sales_of(self, member_ref: str) -> set[str]:
        """Return the sales in which a member bought a coat, under whichever reference."""
        lines = self.store.run(lambda uow: uow.sold_of_sku(COAT.sku_id, member_ref, 1_000)).result()
        return {line.sale_id for line in lines}

    def sell_to(self, member_ref: str) -> None:
        sale = sale_of(cart_of((COAT, 1)), member_ref=member_ref)
        self.store.run(lambda uow: uow.record(sale)).result()
        self.sales[sale.sale_id] = member_ref


@dataclass
class Brand:
    """The cloud and its tablets, and what a person ever said of somebody."""

    cloud: Cloud
    tablets: list[Tablet]
    rng: Random
    said: set[tuple[str, str]] = field(default_factory=lambda: {("note", ""), ("phone", "")})
    erased: set[str] = field(default_factory=set)

    def step(self) -> None:
        tablet = self.rng.choice(self.tablets)
        match self.rng.choices(
            ["join", "edit", "sell", "sync", "erase", "kill", "late"], [4, 6, 3, 9, 1, 2, 1]
        ):
            case ["join"]:
                self.join(tablet)
            case ["edit"]:
                self.edit(tablet)
            case ["sell"]:
                for known in self.rng.sample(tablet.known(), min(1, len(tablet.known()))):
                    tablet.sell_to(known.member_ref)
            case ["sync"]:
                tablet.up.batch = self.rng.choice([1, 2, 200])
                tablet.sync()
            case ["erase"]:
                for known in self.rng.sample(tablet.known(), min(1, len(tablet.known()))):
                    tablet.change(known, "erase", "")
            case ["kill"]:
                tablet.kill()
            case ["late"]:
                tablet.line.deliver_held()

    def join(self, tablet: Tablet) -> None:
        name, phone = f"客{self.rng.randrange(10**6)}", self.rng.choice(PHONES)
        self.said |= {("name", name), ("phone", phone)}
        if tablet.find(phone):
            return  # the till says so itself
        made = tablet.members.join(name, phone).result()
        if self.rng.random() < 0.5:
            tablet.sell_to(made.member_ref)

    def edit(self, tablet: Tablet) -> None:
        known = tablet.known()
        if not known:
            return
        chosen, field_ = self.rng.choice(known), self.rng.choice(FIELDS)
        value = self.rng.choice(PHONES) if field_ == "phone" else f"改{self.rng.randrange(10**6)}"
        self.said.add((field_, value))
        tablet.change(chosen, field_, value)

    def heal(self) -> None:
        """Let everything arrive, without a restart."""
        for tablet in self.tablets:
            tablet.line.chance = 0.0
            tablet.line.deliver_held()
        for _ in range(2):  # what one sends the others hear in the next round
            for tablet in self.tablets:
                assert tablet.sync()

    def rows(self) -> dict[str, sa.Row]:
        rows = self.cloud.db.read(lambda connection: connection.execute(sa.select(member)).all())
        return {row.member_ref: row for row in rows}


def check(brand: Brand) -> None:
    rows = brand.rows()
    phones = [row.phone for row in rows.values() if row.phone]
    assert len(phones) == len(set(phones)), "one number, two members"
    for row in rows.values():
        if row.erased:
            assert (row.name, row.phone, row.note, row.search) == ("", "", "", "")
        else:
            said = {(name, getattr(row, name)) for name in FIELDS}
            assert said <= brand.said, "the cloud holds what nobody said"
    for tablet in brand.tablets:
        status = tablet.store.reader.sync_status()
        assert (status.member_changes, status.member_refused) == (0, 0)
        for row in rows.values():
            known = tablet.store.reader.member(row.member_ref)
            assert known is not None, "a member did not reach a tablet"
            there = (row.name, row.phone, row.note, row.revision)
            assert (known.name, known.phone, known.note, known.revision) == there
        for sale_id, member_ref in tablet.sales.items():
            now = tablet.store.reader.member(member_ref)
            assert now is not None, "a sale's member is nobody"
            assert now.member_ref in rows
            assert sale_id in tablet.sales_of(now.member_ref), "the history did not follow"
        assert tablet.store.verify_journal() is None
