"""Three tablets, one cloud, members joined and changed and erased in any order over a line that loses
requests and answers: in the end everybody knows the same people, and nobody who was erased.

`GUIDEPOS_INTERLEAVINGS=500` plays that many seeds instead of the quick profile's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

import msgspec
import pytest
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
from cloud.bootstrap import Cloud, open_cloud
from cloud.db.member_tables import member
from cloud.db.state import ensure_tenant
from cloud.errors import Refused
from cloud.services import members
from cloud.services.tokens import DevicePrincipal
from cloud.settings import Settings
from offline_store import OfflineStore, open_store
from tests.fakes.clock import FakeClock
from tests.store.shop import COAT, KEY, cart_of, sale_of

SEEDS = int(os.environ.get("GUIDEPOS_INTERLEAVINGS", "10"))
STEPS = 60
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


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    opened = open_cloud(Settings(data=tmp_path / "cloud"))
    yield opened
    opened.close()


@pytest.fixture
def brand_of(cloud: Cloud, tmp_path: Path) -> Iterator[Callable[[int], Brand]]:
    opened: list[Tablet] = []

    def of(seed: int) -> Brand:
        rng = Random(seed)
        tenant = cloud.db.write(lambda connection: ensure_tenant(connection, cloud.clock()))
        for number in range(3):
            who = DevicePrincipal(tenant, f"S{number}", f"d{number}", "A1", b"k" * 32, False)
            file, clock = tmp_path / f"{seed}-{number}.db", FakeClock()
            line = BadLine(cloud, who, rng)
            opened.append(Tablet(file, line, clock, open_store(file, KEY, clock)))
        return Brand(cloud, opened[-3:], rng)

    yield of
    for tablet in opened:
        tablet.store.close()


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


@pytest.mark.fault(
    40, "an erased member is erased on every tablet, whoever was offline and edited them"
)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_the_order_everybody_knows_the_same_people(
    brand_of: Callable[[int], Brand], seed: int
) -> None:
    brand = brand_of(seed)
    for _ in range(STEPS):
        brand.step()
    brand.heal()
    check(brand)


# --- told one by one ------------------------------------------------------------------------------


@pytest.fixture
def brand(brand_of: Callable[[int], Brand]) -> Brand:
    made = brand_of(0)
    for tablet in made.tablets:
        tablet.line.chance = 0.0
    return made


def said(brand: Brand, **fields: str) -> None:
    brand.said |= set(fields.items())


def test_one_phone_joined_offline_at_two_tills_is_one_member_with_both_histories(
    brand: Brand,
) -> None:
    first, second, third = brand.tablets
    one = first.members.join("王一", PHONES[0]).result()
    two = second.members.join("王二", PHONES[0]).result()
    first.sell_to(one.member_ref)
    second.sell_to(two.member_ref)
    first.sync()
    second.line.chance = 1.0
    second.sync()  # the request is lost
    second.line.chance = 0.0
    second.sync()
    second.sell_to(two.member_ref)  # the cart on screen still bears the old reference
    for name in ("王一", "王二"):
        said(brand, name=name, phone=PHONES[0])
    brand.heal()
    check(brand)
    assert list(brand.rows()) == [one.member_ref]
    now = second.store.reader.member(two.member_ref)
    assert now is not None
    assert (now.member_ref, now.name) == (one.member_ref, "王一")
    assert third.find(PHONES[0])[0].member_ref == one.member_ref


def test_edits_in_both_directions_meet_by_field(brand: Brand) -> None:
    first, second, _ = brand.tablets
    made = first.members.join("王", PHONES[0], note="a").result()
    brand.heal()
    here = first.store.reader.member(made.member_ref)
    there = second.store.reader.member(made.member_ref)
    assert here is not None
    assert there is not None
    first.change(here, "name", "李")
    second.change(there, "note", "b")
    first.change(here, "name", "李大")  # twice while offline: the last word counts
    brand.heal()
    (row,) = brand.rows().values()
    assert (row.name, row.note, row.phone) == ("李大", "b", PHONES[0])
    for name, value in (("name", "李大"), ("note", "b"), ("phone", PHONES[0])):
        said(brand, **{name: value})
    check(brand)


def test_a_number_taken_meanwhile_stays_with_whoever_had_it_first(brand: Brand) -> None:
    first, second, _ = brand.tablets
    one = first.members.join("王", PHONES[0]).result()
    brand.heal()
    known = second.store.reader.member(one.member_ref)
    assert known is not None
    second.change(known, "phone", PHONES[1])  # offline, while the number is given to another
    two = first.members.join("赵", PHONES[1]).result()
    first.sync()
    brand.heal()
    rows = brand.rows()
    assert (rows[one.member_ref].phone, rows[two.member_ref].phone) == (PHONES[0], PHONES[1])
    assert [each.member_ref for each in second.find(PHONES[1])] == [two.member_ref]


@pytest.mark.fault(
    40, "an erased member is erased on every tablet, whoever was offline and edited them"
)
def test_an_erasure_wins_over_edits_made_offline(brand: Brand) -> None:
    first, second, third = brand.tablets
    made = first.members.join("王", PHONES[0]).result()
    brand.heal()
    second.sell_to(made.member_ref)
    for tablet in (second, third):
        known = tablet.store.reader.member(made.member_ref)
        assert known is not None
        tablet.change(known, "note", "offline")
    known = first.store.reader.member(made.member_ref)
    assert known is not None
    first.change(known, "erase", "")
    first.sync()
    second.line.chance = 1.0
    second.sync()
    brand.heal()
    check(brand)
    (row,) = brand.rows().values()
    assert row.erased
    for tablet in brand.tablets:
        assert tablet.find("王") == tablet.find(PHONES[0]) == ()


def test_a_poison_change_among_five_hundred_blocks_nobody(brand: Brand) -> None:
    """A till that is broken or newer sends what the cloud refuses: the rest leaves all the same."""
    first, second, _ = brand.tablets
    made = first.members.join("王", PHONES[0]).result()
    known = first.store.reader.member(made.member_ref)
    assert known is not None
    for number in range(500):
        first.change(known, "mood" if number == 250 else "note", f"n{number}")

    refuse = members.push

    def as_over_http(*args, **more):  # what HTTP makes of a refusal
        try:
            return refuse(*args, **more)
        except Refused as refused:
            raise Trouble(
                Code.CLOUD_MESSAGE_INVALID, status=refused.status, problem=refused.problem.code
            ) from refused

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(members, "push", as_over_http)
        assert first.sync()
    status = first.store.reader.sync_status()
    assert (status.member_changes, status.member_refused) == (0, 1)
    second.sync()
    (row,) = brand.rows().values()
    assert (row.name, row.note) == ("王", "n499")


def test_a_till_killed_between_answer_and_settling_sends_again_and_nothing_is_doubled(
    brand: Brand,
) -> None:
    first, *_ = brand.tablets
    first.members.join("王", PHONES[0]).result()
    changes = first.store.run(lambda uow: uow.member_queue(10)).result()
    first.line.push_members(changes)  # answered, and the till dies
    first.kill()
    first.sync()
    said(brand, name="王", phone=PHONES[0])
    brand.heal()
    check(brand)
    assert len(brand.rows()) == 1


def test_values_survive_as_they_were_typed(brand: Brand) -> None:
    first, second, _ = brand.tablets
    odd = "A\u0301 𠮷野 'x' \\ \" ※"
    made = first.members.join("王", PHONES[0], note=odd).result()
    brand.heal()
    known = second.store.reader.member(made.member_ref)
    assert known is not None
    assert known.note == msgspec.json.decode(msgspec.json.encode(first_note(first, made)))


def first_note(tablet: Tablet, made: Member) -> str:
    known = tablet.store.reader.member(made.member_ref)
    assert known is not None
    return known.note
