"""Members: changed at once and queued, settled by the cloud's verdicts, erased without a trace."""

from __future__ import annotations

import msgspec
import pytest

from app.wire.messages import (
    MemberChange,
    MemberRow,
    MembersPage,
    MembersPushAnswer,
    MemberVerdict,
)
from app.wire.searchkeys import search_keys
from tests.store.shop import COAT, cart_of, sale_of


def row(member_ref: str = "m1", name: str = "王小明", **more) -> MemberRow:
    keys = search_keys(name)
    values = {
        "revision": 1,
        "phone": "13812345678",
        "tier": "gold",
        "points": 10,
        "search": keys.tokens,
        "pinyin": keys.pinyin,
        "initials": keys.initials,
        **more,
    }
    return MemberRow(member_ref=member_ref, name=name, **values)


def test_who_was_erased_here_stays_erased_until_the_cloud_says_so(store):
    pull(store, row("m1", "王大明"), row("m2", "李雷"))
    aside(store, change(store, "note", "私人", "m1"))
    change(store, "name", "王二", "m1")
    gone = change(store, "erase", "", "m1")
    pull(store, row("m1", "王大明"))
    assert store.reader.find_members("王") == ()
    member = store.reader.member("m1")
    assert (member.name, member.phone, member.points) == ("", "", 0)
    kept = store.run(lambda uow: uow.kept_changes()).result()
    assert [each.change_id for each in kept] == [gone]
    assert [m.member_ref for m in store.reader.find_members("李")] == ["m2"]


def pull(store, *rows: MemberRow, cursor: str = "c1") -> None:
    page = MembersPage(rows=list(rows), cursor=cursor, more=False, server_ms=77)
    store.run(lambda uow: uow.apply_members(page)).result()


def change(store, field: str, value: str, member_ref: str = "m1", change_id: str = "") -> str:
    change_id = change_id or f"c-{member_ref}-{field}-{value}"
    made = MemberChange(
        change_id=change_id,
        member_ref=member_ref,
        field=field,
        value=value,
        base_revision=1,
        t_ms=5,
    )
    store.run(lambda uow: uow.change_member(made)).result()
    return change_id


def join(store, member_ref: str, **fields: str) -> str:
    return change(store, "join", msgspec.json.encode(fields).decode(), member_ref)


def settle(store, *verdicts: MemberVerdict) -> None:
    answer = MembersPushAnswer(verdicts=list(verdicts))
    store.run(lambda uow: uow.settle_members(answer)).result()


def queue(store) -> list[MemberChange]:
    return list(store.run(lambda uow: uow.member_queue(100)).result())


def refs(store, text: str) -> list[str]:
    return [member.member_ref for member in store.reader.find_members(text)]


@pytest.mark.parametrize(
    "text", "王 小明 王小明 wang wxm xiaoming 138 345 5678 13812345678".split()
)
@pytest.mark.parametrize("more", ["", " wxm", " 王"])
def test_a_member_is_found_by(store, text, more):
    pull(store, row(), row("m2", "李芳", phone="15900000000"))
    assert refs(store, text + more) == ["m1"]


@pytest.mark.parametrize(
    "text", ["138 1234 5678", "138-1234", "１３８１", "+138", "王小明 345 678"]
)
def test_a_number_is_read_however_it_is_written(store, text):
    pull(store, row(), row("m2", "李芳", phone="15900000000"))
    assert refs(store, text) == ["m1"]


@pytest.mark.parametrize("text", ["", "13", "1", "zhang", "张", "99999", "王 99999", "!!!", "🌟"])
def test_nobody_is_found_by(store, text):
    pull(store, row())
    assert refs(store, text) == []


def test_a_number_counts_only_in_one_piece(store):
    pull(store, row("apart", "甲", phone="13812303812"), row("whole", "乙", phone="19913812300"))
    assert refs(store, "1381230381") == ["apart"]
    assert refs(store, "913812") == ["whole"]
    assert refs(store, "3812381") == []


def test_no_more_are_listed_than_asked_for(store):
    pull(store, *(row(f"m{i}") for i in range(30)))
    assert len(store.reader.find_members("王")) == 20
    assert len(store.reader.find_members("王", 5)) == 5


def test_a_page_is_applied_with_its_cursor(store):
    pull(store, row(), cursor="abc")
    assert store.run(lambda uow: uow.cursor("members")).result() == "abc"
    assert store.reader.sync_status().last_pull_ms == 77
    member = store.reader.member("m1")
    assert (member.name, member.points, member.revision) == ("王小明", 10, 1)
    pull(store, row(name="王大明", revision=2))
    assert (refs(store, "小明"), refs(store, "大明")) == ([], ["m1"])
    assert store.reader.member("nobody") is None


def test_a_change_shows_at_once_and_waits_in_the_queue(store):
    pull(store, row())
    change(store, "phone", "13900001111")
    change(store, "note", "喜欢红色")
    member = store.reader.member("m1")
    assert (member.phone, member.note) == ("13900001111", "喜欢红色")
    assert (refs(store, "1111"), refs(store, "5678")) == (["m1"], [])
    assert [c.field for c in queue(store)] == ["phone", "note"]
    assert store.reader.sync_status().member_changes == 2


def test_the_same_change_twice_is_one(store):
    pull(store, row())
    change(store, "note", "a", change_id="c")
    change(store, "note", "b", change_id="c")
    assert store.reader.member("m1").note == "a"
    assert len(queue(store)) == 1


def test_a_field_the_till_may_not_change_is_only_sent_on(store):
    pull(store, row())
    change(store, "points", "99")
    assert store.reader.member("m1").points == 10
    assert len(queue(store)) == 1


def test_who_joins_offline_is_a_member_at_once(store):
    join(store, "new", name="赵丽", phone="13700000000", tier="silver", note="")
    assert refs(store, "赵丽") == refs(store, "zl") == refs(store, "137") == ["new"]
    assert store.reader.member("new").revision == 0


def test_a_change_of_somebody_unknown_here_is_only_queued(store):
    change(store, "name", "谁", member_ref="far")
    assert store.reader.member("far") is None
    assert len(queue(store)) == 1


def test_decided_changes_leave_the_queue(store):
    pull(store, row())
    ids = [change(store, "note", str(i)) for i in range(3)]
    settle(
        store,
        MemberVerdict(change_id=ids[0], verdict="applied", revision=4),
        MemberVerdict(change_id=ids[1], verdict="duplicate"),
        MemberVerdict(change_id="unknown", verdict="applied"),
    )
    assert [c.change_id for c in queue(store)] == [ids[2]]
    assert store.reader.member("m1").revision == 4


def test_a_waiting_change_stays_on_top_of_a_page_until_it_is_decided(store):
    pull(store, row())
    change_id = change(store, "name", "王晓明")
    pull(store, row(revision=2, points=50))
    member = store.reader.member("m1")
    assert (member.name, member.points, member.revision) == ("王晓明", 50, 2)
    assert refs(store, "晓明") == ["m1"]
    settle(store, MemberVerdict(change_id=change_id, verdict="kept"))
    pull(store, row(revision=3))
    assert store.reader.member("m1").name == "王小明"
    assert refs(store, "晓明") == []


def test_a_change_that_lost_does_not_make_its_till_know_what_it_has_not_seen(store):
    pull(store, row())
    change_id = change(store, "name", "王晓明")
    settle(store, MemberVerdict(change_id=change_id, verdict="kept", member_ref="m1", revision=7))
    assert store.reader.member("m1").revision == 1


def test_an_alias_of_oneself_loses_nobody(store):
    change_id = join(store, "tmp", name="王小明", phone="13812345678")
    settle(store, MemberVerdict(change_id=change_id, verdict="alias", member_ref="tmp"))
    assert refs(store, "5678") == ["tmp"]


def test_who_had_joined_before_keeps_their_old_reference_and_their_sales(store):
    change_id = join(store, "tmp", name="王小明", phone="13812345678")
    later = change(store, "note", "x", member_ref="tmp")
    sale = sale_of(cart_of((COAT, 1)), member_ref="tmp")
    store.run(lambda uow: uow.record(sale)).result()
    settle(store, MemberVerdict(change_id=change_id, verdict="alias", member_ref="m1", revision=3))
    assert store.reader.member("tmp") == store.reader.member("m1")
    assert refs(store, "5678") == ["m1"]
    assert [(c.change_id, c.member_ref) for c in queue(store)] == [(later, "m1")]
    lines = store.run(lambda uow: uow.sold_of_sku(COAT.sku_id, "m1")).result()
    assert [line.sale_id for line in lines] == [sale.sale_id]
    assert [d.document_id for d in store.reader.documents(text="王小明")] == [sale.sale_id]
    change(store, "note", "y", member_ref="tmp")
    assert store.reader.member("m1").note == "y"


def test_an_alias_of_somebody_known_here_leaves_one_member(store):
    pull(store, row("m1"))
    change_id = join(store, "tmp", name="王小明", phone="13812345678")
    settle(store, MemberVerdict(change_id=change_id, verdict="alias", member_ref="m1"))
    assert refs(store, "5678") == ["m1"]


@pytest.mark.fault(40, "the member is empty and found no more; the sales stand")
def test_an_erased_member_is_empty_everywhere(store, file):
    pull(store, row(note="私人"))
    change(store, "note", "更私人")
    pull(store, row(revision=9, erased=True))
    member = store.reader.member("m1")
    assert (member.name, member.phone, member.note, member.points) == ("", "", "", 0)
    assert refs(store, "王") == refs(store, "138") == refs(store, "wxm") == []
    assert queue(store) == []


def test_names_may_hold_anything_a_person_types(store):
    for i, name in enumerate(['"', "'; DROP TABLE member; --", "%", "A\u0301", "Ω≈ç", "张\t三"]):
        pull(store, row(f"odd{i}", name))
        assert store.reader.member(f"odd{i}").name == name
        store.reader.find_members(name)
    assert refs(store, "张三") == []
    assert refs(store, "drop") == ["odd1"]
    for name in ("ひらがな", "Ольга", "𠮷野", "علي"):
        pull(store, row(name, name))
        assert refs(store, name) == refs(store, name[:2]) == [name]


def aside(store, change_id: str) -> None:
    store.run(lambda uow: uow.set_member_change_aside(change_id, "malformed", 9)).result()


def test_a_change_that_was_set_aside_is_counted_and_in_nobodys_way(store):
    pull(store, row())
    poison, fine = change(store, "note", "poison"), change(store, "note", "fine")
    aside(store, poison)
    assert [each.change_id for each in queue(store)] == [fine]
    status = store.reader.sync_status()
    assert (status.member_changes, status.member_refused) == (1, 1)
    aside(store, poison)
    aside(store, "nobody knows it")
    pull(store, row(note="the cloud's"))
    settle(store, MemberVerdict(change_id=fine, verdict="applied", member_ref="m1", revision=2))
    pull(store, row(note="fine", revision=2))
    assert store.reader.member("m1").note == "fine"
    store.run(lambda uow: uow.retry_refused_members()).result()
    assert [each.change_id for each in queue(store)] == [poison]
    assert store.reader.sync_status().member_refused == 0


def test_what_was_set_aside_goes_with_the_erased_member_and_follows_an_alias(store):
    first, second = join(store, "tmp", name="王"), change(store, "note", "x", member_ref="tmp")
    aside(store, second)
    settle(store, MemberVerdict(change_id=first, verdict="alias", member_ref="m1", revision=3))
    store.run(lambda uow: uow.retry_refused_members()).result()
    assert [each.member_ref for each in queue(store)] == ["m1"]
    aside(store, second)
    pull(store, row("m1", "", phone="", revision=9, erased=True))
    assert store.reader.sync_status().member_refused == 0
