"""Members: by field, both ways, one person per phone number, and gone when erased."""

from __future__ import annotations

import msgspec
import pytest
import sqlalchemy as sa

from app.domain.ids import new_id
from app.wire.messages import (
    MemberChange,
    MemberRow,
    MembersPage,
    MembersPush,
    MembersPushAnswer,
    MemberVerdict,
)
from cloud.bootstrap import Cloud
from cloud.db.member_tables import member_change
from cloud.services.members import put_members
from tests.cloud.conftest import Enrol
from tests.cloud.device import Device


def a_change(ref: str, field: str, value: str = "", base: int = 0) -> MemberChange:
    return MemberChange(
        change_id=new_id(), member_ref=ref, field=field, value=value, base_revision=base, t_ms=1
    )


def joining(ref: str, **fields: str) -> MemberChange:
    return a_change(ref, "join", msgspec.json.encode(fields).decode())


def push(device: Device, *changes: MemberChange) -> list[MemberVerdict]:
    asked = MembersPush(changes=list(changes))
    return device.post("/v1/members/push", asked, MembersPushAnswer).verdicts


def pulled(device: Device, cursor: str = "") -> dict[str, MemberRow]:
    page = device.get("/v1/members/pull", MembersPage, cursor=cursor)
    return {row.member_ref: row for row in page.rows}


def test_who_joins_is_known_to_every_till_with_search_keys(device: Device, enrol: Enrol) -> None:
    (verdict,) = push(
        device,
        joining("m1", name=" 王小美 ", phone="+86 138-0013-8000", tier="gold", note="爱喝茶"),
    )
    assert (verdict.verdict, verdict.member_ref, verdict.revision) == ("applied", "m1", 1)
    row = pulled(enrol("S002"))["m1"]
    assert (row.name, row.phone, row.tier, row.note) == ("王小美", "13800138000", "gold", "爱喝茶")
    assert (row.pinyin, row.initials, row.erased) == ("wangxiaomei", "wxm", False)
    assert "小美" in row.search.split()


def test_a_field_is_changed_by_who_knew_its_newest_state(device: Device, enrol: Enrol) -> None:
    push(device, joining("m1", name="王", note="a"))
    renamed = a_change("m1", "name", "李", base=1)
    stale = a_change("m1", "name", "张", base=1)
    other_field = a_change("m1", "note", "b", base=1)
    verdicts = push(device, renamed) + push(enrol("S002"), stale, other_field)
    assert [v.verdict for v in verdicts] == ["applied", "kept", "applied"]
    assert [v.revision for v in verdicts] == [2, 2, 3]
    row = pulled(device)["m1"]
    assert (row.name, row.pinyin, row.note, row.revision) == ("李", "li", "b", 3)


def test_what_one_till_changes_twice_while_offline_ends_with_its_last_word(
    device: Device, enrol: Enrol
) -> None:
    offline = [joining("m1", name="王"), a_change("m1", "name", "李"), a_change("m1", "name", "张")]
    assert [v.verdict for v in push(device, *offline)] == ["applied"] * 3
    assert pulled(device)["m1"].name == "张"
    push(enrol("S002"), a_change("m1", "name", "陈", base=3))
    (verdict,) = push(device, a_change("m1", "name", "赵", base=3))
    assert verdict.verdict == "kept"
    assert pulled(device)["m1"].name == "陈"


def test_the_value_that_lost_is_in_the_history(cloud: Cloud, device: Device, enrol: Enrol) -> None:
    push(device, joining("m1", name="王"), a_change("m1", "name", "李", 1))
    push(enrol("S002"), a_change("m1", "name", "张", 1))
    history = member_change.c
    query = sa.select(history.before, history.value).where(history.verdict == "kept")
    assert cloud.db.read(lambda c: c.execute(query).all()) == [("李", "张")]


def test_a_till_past_the_row_gets_it_again_when_its_change_lost(
    device: Device, enrol: Enrol
) -> None:
    push(enrol("S002"), joining("m1", name="王"), a_change("m1", "name", "李", 1))
    cursor = device.get("/v1/members/pull", MembersPage).cursor
    late = a_change("m1", "name", "张", 1)
    for _ in range(2):  # the answer may be lost
        (verdict,) = push(device, late)
        assert verdict.verdict == "kept"
    assert pulled(device, cursor)["m1"].name == "李"


def test_a_change_that_comes_again_is_applied_once(device: Device) -> None:
    join, rename = joining("m1", name="王"), a_change("m1", "name", "李", 1)
    push(device, join, rename)
    assert [v.verdict for v in push(device, join, rename)] == ["duplicate", "duplicate"]
    assert pulled(device)["m1"].revision == 2


def test_who_joins_twice_gets_an_alias_and_both_references_lead_there(
    device: Device, enrol: Enrol
) -> None:
    push(device, joining("m1", name="王", phone="13800138000"))
    other = enrol("S002")
    again = joining("m2", name="王小美", phone="138 0013 8000")
    for _ in range(2):  # a lost answer must not lose the alias
        (verdict,) = push(other, again)
        assert (verdict.verdict, verdict.member_ref) == ("alias", "m1")
    (verdict,) = push(other, a_change("m2", "note", "x", base=1))
    assert (verdict.verdict, verdict.member_ref) == ("applied", "m1")
    members = pulled(other)
    assert (list(members), members["m1"].name, members["m1"].note) == (["m1"], "王", "x")


def test_a_change_is_known_again_under_the_reference_the_till_learned_since(
    device: Device, enrol: Enrol
) -> None:
    push(device, joining("m1", phone="13800138000"))
    other = enrol("S002")
    noted = a_change("m2", "note", "x", base=1)
    push(other, joining("m2", phone="13800138000"), noted)  # and the answer is lost
    (verdict,) = push(other, msgspec.structs.replace(noted, member_ref="m1"))
    assert (verdict.verdict, verdict.member_ref, verdict.revision) == ("duplicate", "m1", 2)
    (verdict,) = push(other, noted)
    assert verdict.verdict == "duplicate"


def test_a_number_belongs_to_one_member_and_is_free_when_left(device: Device) -> None:
    push(device, joining("m1", phone="13800138000"), joining("m2", phone="13900139000"))
    (taken,) = push(device, a_change("m2", "phone", "13800138000", 1))
    (moved,) = push(device, a_change("m1", "phone", "13700137000", 1))
    (freed,) = push(device, a_change("m2", "phone", "13800138000", 1))
    assert [v.verdict for v in (taken, moved, freed)] == ["kept", "applied", "applied"]
    assert pulled(device)["m2"].phone == "13800138000"


@pytest.mark.fault(40, "the member is empty and found no more; the sales stand")
def test_erasing_empties_the_person_everywhere(cloud: Cloud, device: Device) -> None:
    push(device, joining("m1", name="王", phone="13800138000", note="x"))
    push(device, joining("m2", phone="13800138000"), a_change("m1", "name", "李", 1))
    (verdict,) = push(device, a_change("m2", "erase"))
    assert (verdict.verdict, verdict.member_ref) == ("applied", "m1")
    row = pulled(device)["m1"]
    assert row == MemberRow(member_ref="m1", revision=3, erased=True)
    history = member_change.c
    left = cloud.db.read(lambda c: c.execute(sa.select(history.before, history.value)).all())
    assert set(left) == {("", "")}
    late = push(
        device, a_change("m1", "name", "王", 3), joining("m2", name="王", phone="13800138000")
    )
    assert [verdict.verdict for verdict in late] == ["kept", "kept"]
    assert pulled(device)["m1"].name == ""
    left = cloud.db.read(lambda c: c.execute(sa.select(history.before, history.value)).all())
    assert set(left) == {("", "")}
    (back,) = push(device, joining("m3", phone="13800138000"))
    assert back.verdict == "applied"


@pytest.mark.parametrize("value", ["", "null", "[]", "not json", '{"name": 5}'])
def test_a_join_that_cannot_be_read_still_makes_a_member(device: Device, value: str) -> None:
    (verdict,) = push(device, a_change("m1", "join", value))
    assert (verdict.verdict, pulled(device)["m1"].name) == ("applied", "")


def test_values_no_till_may_show_are_kept_out(device: Device) -> None:
    push(device, joining("m1", name="王\0", phone="12", note="x" * 501, tier="gold"))
    row = pulled(device)["m1"]
    assert (row.name, row.phone, row.note, row.tier) == ("", "", "", "gold")
    for field, value in (("name", "a\0b"), ("phone", "abc"), ("note", "x" * 501)):
        (verdict,) = push(device, a_change("m1", field, value, 1))
        assert verdict.verdict == "kept"


def test_changes_of_nobody_are_kept_back(device: Device) -> None:
    (verdict,) = push(device, a_change("nobody", "name", "王"))
    assert (verdict.verdict, pulled(device)) == ("kept", {})


@pytest.mark.parametrize(
    "bad",
    [
        {"field": "points"},
        {"change_id": ""},
        {"member_ref": "a\0"},
        {"change_id": "x" * 65},
        {"base_revision": -1},
        {"value": "x" * 10_001},
        {"t_ms": 2**63},
    ],
)
def test_a_malformed_change_is_refused_with_the_whole_push(
    device: Device, bad: dict[str, object]
) -> None:
    changes = [joining("m1"), msgspec.structs.replace(a_change("m1", "name"), **bad)]
    answer = device.client.post(
        "/v1/members/push",
        content=msgspec.json.encode(MembersPush(changes=changes)),
        headers=device.headers(),
    )
    assert answer.status_code == 422
    assert pulled(device) == {}


def test_too_many_changes_at_once_are_too_big(device: Device) -> None:
    changes = [joining(f"m{n}") for n in range(501)]
    answer = device.client.post(
        "/v1/members/push",
        content=msgspec.json.encode(MembersPush(changes=changes)),
        headers=device.headers(),
    )
    assert answer.status_code == 413


def test_members_come_page_by_page_and_only_what_changed(cloud: Cloud, device: Device) -> None:
    rows = [MemberRow(member_ref=f"m{n}", revision=1, phone=f"1380000000{n}") for n in range(5)]
    cloud.db.write(lambda connection: put_members(connection, device.me.tenant, rows))
    first = device.get("/v1/members/pull", MembersPage, limit=3)
    rest = device.get("/v1/members/pull", MembersPage, limit=3, cursor=first.cursor)
    assert [first.more, rest.more] == [True, False]
    assert [row.member_ref for row in first.rows + rest.rows] == [f"m{n}" for n in range(5)]
    push(device, a_change("m3", "name", "王", 1))
    assert list(pulled(device, rest.cursor)) == ["m3"]
    (verdict,) = push(device, joining("m9", phone="13800000002"))
    assert verdict.member_ref == "m2"
