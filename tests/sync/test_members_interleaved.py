"""Three tablets, one cloud, members joined and changed and erased in any order over a line that loses
requests and answers: in the end everybody knows the same people, and nobody who was erased.

`GUIDEPOS_INTERLEAVINGS=500` plays that many seeds instead of the quick profile's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest

from app.domain.member import Member
from app.errors import Code, Trouble
from cloud.bootstrap import Cloud
from cloud.db.state import ensure_tenant
from cloud.errors import Refused
from cloud.services import members
from cloud.services.tokens import DevicePrincipal
from cloud.settings import Settings
from offline_store import open_store
from tests.cloud.template import fresh_cloud
from tests.fakes.clock import FakeClock
from tests.store.shop import KEY
from tests.sync.brand import PHONES, BadLine, Brand, Tablet, check

SEEDS = int(os.environ.get("GUIDEPOS_INTERLEAVINGS", "10"))
STEPS = 60


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    opened = fresh_cloud(Settings(data=tmp_path / "cloud"))
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
