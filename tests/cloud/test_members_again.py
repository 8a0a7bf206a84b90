"""A cloud that came back from an older backup is told again what it had settled about members: in any
order, by any till, once, and an erasure wins."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest
import sqlalchemy as sa

from app.wire.messages import MemberChange, MemberRow, MembersPage
from cloud.bootstrap import Cloud
from cloud.db.member_tables import member_change
from tests.cloud.conftest import Enrol
from tests.cloud.device import Device
from tests.cloud.test_members import a_change, joining, pulled, push

PHONE = "13800138000"


def again(change: MemberChange, revision: int, ref: str = "") -> MemberChange:
    """The same change as a till sends it to a cloud that had settled it before."""
    return msgspec.structs.replace(change, settled_revision=revision, settled_ref=ref)


def a_history() -> list[MemberChange]:
    """What tills settled about one person, who joined at a second till as "m2" too."""
    return [
        again(joining("m1", name="王", phone=PHONE), 1),
        again(joining("m2", name="王小美", phone=PHONE, note="?"), 1, "m1"),
        again(a_change("m1", "name", "李", 1), 2),
        again(a_change("m1", "note", "b", 2), 3),
        again(a_change("m2", "name", "李大", 3), 4),
        again(a_change("m1", "note", "c", 3), 5),
    ]


@pytest.mark.fault(22, "nothing; tills tell again what the backup lacks of members, too")
@pytest.mark.parametrize("first", range(6))
def test_whatever_till_comes_first_the_member_is_as_before(device: Device, first: int) -> None:
    history = a_history()
    orders = [order for order in permutations(range(6)) if order[0] == first]
    order = orders[37 * first % len(orders)]
    # A till's own come in the order they were made; "m2" is known only after it joined.
    if order.index(4) < order.index(1):
        order = tuple({4: 1, 1: 4}.get(each, each) for each in order)
    for place in order:
        push(device, history[place])
    row = pulled(device)["m1"]
    assert (row.name, row.note, row.phone) == ("李大", "c", PHONE)
    assert "m2" not in pulled(device)
    again_all = push(device, *history)
    assert {verdict.verdict for verdict in again_all} <= {"duplicate", "alias", "kept"}
    assert pulled(device)["m1"] == row


def test_what_the_backup_still_had_is_known_by_its_id(device: Device) -> None:
    join, rename = joining("m1", name="王"), a_change("m1", "name", "李", 1)
    push(device, join, rename)
    verdicts = push(device, again(join, 1), again(rename, 2))
    assert [v.verdict for v in verdicts] == ["duplicate", "duplicate"]
    assert pulled(device)["m1"].revision == 2


def test_a_change_of_somebody_who_is_lost_waits_for_the_rest_of_them(device: Device) -> None:
    (verdict,) = push(device, again(a_change("m1", "note", "b", 4), 5))
    assert (verdict.verdict, verdict.revision) == ("applied", 5)
    push(device, again(joining("m1", name="王", phone=PHONE, note="a"), 1))
    row = pulled(device)["m1"]
    assert (row.name, row.phone, row.note) == ("王", PHONE, "b")
    (other,) = push(device, joining("m9", phone=PHONE))
    assert (other.verdict, other.member_ref) == ("alias", "m1")


def test_revisions_of_the_new_history_begin_above_those_a_till_has_seen(
    device: Device, enrol: Enrol
) -> None:
    push(device, joining("m1", name="王"))
    late = again(a_change("m1", "name", "李", 5), 6)
    (newer,) = push(enrol("S002"), a_change("m1", "name", "张", 6))  # by who had seen 李
    assert newer.revision == 7
    (verdict,) = push(device, late)
    assert (verdict.verdict, pulled(device)["m1"].name) == ("kept", "张")


def test_a_revision_no_cloud_of_ours_can_have_told_counts_as_none(device: Device) -> None:
    push(device, joining("m1", name="王"))
    for change in (
        again(a_change("m1", "name", "李", 2**31 - 1), 2**31 - 1),
        a_change("m1", "note", "x", 2**31 - 1),
    ):
        push(device, change)
    assert pulled(device)["m1"].revision <= 3


@pytest.mark.fault(40, "an erasure that tills know is not undone by a restored cloud")
def test_an_erasure_wins_over_a_backup_that_lacks_it(cloud: Cloud, device: Device) -> None:
    push(device, joining("m1", name="王", phone=PHONE))  # as the backup has it
    erased = again(a_change("m1", "erase", "", 3), 3)
    (verdict,) = push(device, erased)
    assert verdict.verdict == "applied"
    row = pulled(device)["m1"]
    assert (row.erased, row.name, row.phone) == (True, "", "")
    (older,) = push(device, again(a_change("m1", "name", "李", 1), 2))
    assert older.verdict == "kept"
    history = member_change.c
    left = cloud.db.read(lambda c: c.execute(sa.select(history.before, history.value)).all())
    assert set(left) == {("", "")}


@pytest.mark.fault(40, "an erasure that tills know is not undone by a restored cloud")
def test_somebody_whom_the_backup_never_knew_stays_erased(cloud: Cloud, device: Device) -> None:
    push(device, again(a_change("m1", "erase", "", 3), 3))
    assert pulled(device)["m1"].erased
    (late,) = push(device, again(joining("m1", name="王", phone=PHONE), 1))
    assert late.verdict == "kept"
    assert pulled(device)["m1"] == MemberRow(
        member_ref="m1", revision=pulled(device)["m1"].revision, erased=True
    )
    (free,) = push(device, joining("m2", phone=PHONE))
    assert free.verdict == "applied"


@pytest.mark.fault(40, "who was erased before the cloud heard of them never comes to be")
def test_a_joining_that_arrives_after_the_erasure_brings_nobody(device: Device) -> None:
    (verdict,) = push(device, a_change("m1", "erase"))
    assert verdict.verdict == "applied"
    (late,) = push(device, joining("m1", name="王", phone=PHONE))
    assert (late.verdict, pulled(device)["m1"].erased, pulled(device)["m1"].name) == (
        *("kept", True),
        "",
    )


def test_who_came_back_under_another_reference_is_not_erased_again(device: Device) -> None:
    push(device, joining("m3", name="王", phone=PHONE))
    push(device, again(joining("m1", name="王", phone=PHONE), 1))  # by a till that heard nothing
    push(device, again(a_change("m1", "erase", "", 3), 3))
    assert (pulled(device)["m3"].name, pulled(device)["m3"].erased) == ("王", False)


def test_an_erasure_that_is_no_news_is_told_to_nobody_again(device: Device, enrol: Enrol) -> None:
    push(device, joining("m1", name="王"), a_change("m1", "erase"))
    cursor = device.get("/v1/members/pull", MembersPage).cursor
    for till in (device, enrol("S002")):
        (verdict,) = push(till, again(a_change("m1", "erase", "", 2), 2))
        assert (verdict.verdict, verdict.revision) == ("duplicate", 2)
    assert pulled(device, cursor) == {}
