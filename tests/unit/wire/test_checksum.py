"""Sums of rows: fixed for ever, in any order, and different for rows that differ."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from app.wire.checksum import PRIME, member_sum, row_sum, stock_mark, stock_sum
from app.wire.messages import MemberRow

whole = st.integers(-(2**63), 2**63 - 1)
MEMBER = MemberRow(member_ref="m1", revision=3, name="林晓雨", phone="13800000001", points=7)


def test_sums_are_what_they_were_when_they_were_first_shipped():
    assert row_sum("K1", b'{"a":1}') == 511_386_522
    assert stock_mark("S1", "K1") == 24_653_331
    assert stock_sum(stock_mark("S1", "K1"), -3, 1_700_000_000_000) == 1_033_993_710
    assert member_sum(MEMBER) == 3_782_842_608


@given(st.text(), st.binary(), st.text(), st.binary())
def test_a_row_is_its_key_and_its_body_and_not_both_run_together(key, body, other, rest):
    same = (key, body) == (other, rest)
    assert same or row_sum(key, body) != row_sum(other, rest)
    assert 0 <= row_sum(key, body) < 2**32


@given(st.text(), st.text(), whole, whole)
def test_a_figure_of_stock_stays_small_enough_to_be_added_up(store, sku, quantity, as_of_ms):
    mark = stock_mark(store, sku)
    assert 1 <= mark < PRIME
    assert 0 <= stock_sum(mark, quantity, as_of_ms) < PRIME


@given(st.integers(-10_000, 10_000), st.integers(-10_000, 10_000))
def test_another_quantity_is_another_sum(one, two):
    mark = stock_mark("S1", "K1")
    assert (stock_sum(mark, one, 5) == stock_sum(mark, two, 5)) == (one == two)


def test_every_field_of_a_member_counts():
    changes = {
        "member_ref": "m2",
        "revision": 4,
        "name": "林",
        "phone": "1",
        "tier": "gold",
        "points": 8,
        "note": "n",
        "search": "s",
        "pinyin": "p",
        "initials": "i",
        "erased": True,
    }
    assert set(changes) == set(MemberRow.__struct_fields__)
    sums = {member_sum(msgspec.structs.replace(MEMBER, **{n: v})) for n, v in changes.items()}
    assert len(sums | {member_sum(MEMBER)}) == len(changes) + 1
