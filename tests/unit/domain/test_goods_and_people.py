"""Check digits, broken sizes, text and phones, time and ids."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.catalog import (
    GTIN_LENGTHS,
    Matrix,
    MatrixCell,
    StoreQuantity,
    gtin_check_digit,
    is_gtin,
    is_in_store_code,
    normal_gtin,
)
from app.domain.ids import new_epoch, new_id, uuid7
from app.domain.member import Member, clean_text, normal_phone
from app.domain.times import Moment, TimeQuality, business_date
from app.errors import Code, RuleBroken
from tests.recorded import shared
from tests.unit.domain.goods import sku


@pytest.mark.parametrize("number", ["4006381333931", "96385074", "036000291452", "00012345600012"])
def test_known_numbers_have_a_right_check_digit(number: str) -> None:
    assert is_gtin(number)
    assert normal_gtin(f" {number} ") == number.zfill(14)


@given(st.sampled_from([7, 11, 12, 13]), st.data())
def test_a_wrong_digit_is_always_noticed(length: int, data: st.DataObject) -> None:
    body = data.draw(st.text("0123456789", min_size=length, max_size=length))
    number = body + str(gtin_check_digit(body))
    assert is_gtin(number)
    place = data.draw(st.integers(0, length))
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != number[place]]))
    assert not is_gtin(number[:place] + other + number[place + 1 :])


@pytest.mark.parametrize("text", ["", "12345", "٤٠٠٦٣٨١٣٣٣٩٣١", "400638133393X", "4006381333930"])
def test_what_is_no_gtin_is_refused(text: str) -> None:
    with pytest.raises(RuleBroken) as error:
        normal_gtin(text)
    assert error.value.code is Code.GTIN_INVALID


def _published(name: str) -> Any:
    return json.loads(shared("codes", name).read_text("utf-8"))


def test_the_published_check_digit_table_agrees() -> None:
    cases = _published("gs1_vectors.json")["lint"]["csum"]
    assert len(cases) > 10
    for case in cases:
        value, sound = case["value"], case["ok"]
        if value.isdigit() and value:
            assert (str(gtin_check_digit(value[:-1])) == value[-1]) is sound, value
        assert is_gtin(value) is (sound and len(value) in GTIN_LENGTHS), value


def test_published_article_numbers_are_one_number_whatever_their_carrier() -> None:
    """Cases of a peer's parser; those about six-digit UPC-E are not ours: no garment carries one."""
    forms = {"test_as_gtin_12", "test_as_gtin_13", "test_as_gtin_14", "test_as_upc_a"}
    checked = 0
    for case in _published("biip_gtin_rcn_cases.json"):
        value, expected = case["params"].get("value", ""), case["params"].get("expected")
        if case["test"] not in forms or "upc" in case["source"]:
            continue
        assert normal_gtin(value) == normal_gtin(expected), value
        checked += 1
    assert checked >= 7


def test_published_check_digits_are_computed() -> None:
    for case in _published("biip_gtin_rcn_cases.json"):
        if case["test"] == "test_gs1_standard_check_digit":
            assert gtin_check_digit(case["params"]["value"]) == case["params"]["expected"]


def test_published_in_store_numbers_are_recognised() -> None:
    cases = [c for c in _published("biip_gtin_rcn_cases.json") if "region_" in c["test"]]
    numbers = [c["params"]["value"] for c in cases if len(c["params"].get("value", "")) > 12]
    assert len(numbers) > 10
    assert all(is_in_store_code(number) for number in numbers)


def test_in_store_numbers_are_told_apart() -> None:
    assert is_in_store_code("2000000000008")
    assert is_in_store_code("0212345678905")
    assert not is_in_store_code("4006381333931")


def test_a_size_run_with_holes_is_broken() -> None:
    there, gone = MatrixCell(sku(), 2), MatrixCell(sku(), 0, (StoreQuantity("s2", "二店", 3, 1),))
    colours = (("BK", "黑", "Black", "#000000"),) * 3
    rows = ((there, gone, None), (there, there, None), (gone, gone, None))
    matrix = Matrix("ST", "大衣", "Coat", "coat", colours, ("S", "M", "L"), rows, 1)
    assert matrix.broken_colours() == (True, False, False)
    assert gone.others_total == 3


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("13800138000", "13800138000"),
        ("+86 138-0013-8000", "13800138000"),
        ("+44 20 7946 0958", "+442079460958"),
    ],
)
def test_phones_are_kept_as_digits(typed: str, kept: str) -> None:
    assert normal_phone(typed) == kept


@pytest.mark.parametrize("typed", ["", "12ab", "1234", "１３８００１３８０００", "1" * 16])
def test_what_is_no_phone_is_refused(typed: str) -> None:
    with pytest.raises(RuleBroken) as error:
        normal_phone(typed)
    assert error.value.code is Code.PHONE_INVALID


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("  ", Code.TEXT_EMPTY),
        ("a\x00b", Code.TEXT_FORBIDDEN_CHARACTER),
        ("\ud800", Code.TEXT_FORBIDDEN_CHARACTER),
        ("x" * 11, Code.TEXT_TOO_LONG),
    ],
)
def test_text_that_cannot_be_kept_is_refused(text: str, code: Code) -> None:
    with pytest.raises(RuleBroken) as error:
        clean_text(text, limit=10, required=True)
    assert error.value.code is code


def test_text_is_kept_as_it_is() -> None:
    assert clean_text(" 连衣裙\t'; DROP ", limit=40) == "连衣裙\t'; DROP"


def test_a_phone_is_shown_masked() -> None:
    assert Member("r", "陈", "13800138000", "gold").masked_phone() == "138****8000"
    assert Member("r", "陈", "110", "gold").masked_phone() == "110"


def test_a_trading_day_ends_in_the_small_hours() -> None:
    half_past_one = Moment(0, 0, "b", 1_763_832_600_000, TimeQuality.WALL)  # 2025-11-23 01:30 +08
    assert business_date(half_past_one).isoformat() == "2025-11-22"
    assert half_past_one.utc().year == 2025


def test_ids_are_version_seven_and_distinct() -> None:
    made = {new_id() for _ in range(1_000)}
    assert len(made) == 1_000
    parsed = uuid.UUID(uuid7(1_700_000_000_000, b"\xff" * 10))
    assert (parsed.version, parsed.variant, parsed.int >> 80) == (
        7,
        uuid.RFC_4122,
        1_700_000_000_000,
    )
    assert len(new_epoch()) == 16
    with pytest.raises(ValueError, match="10 random"):
        uuid7(0, b"")
