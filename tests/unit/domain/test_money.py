"""Money: exact, symmetric, and nothing lost in splitting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.money import (
    CNY,
    JPY,
    Currency,
    allocate,
    decimal_to_mills,
    extend,
    half_away,
    parse_amount,
    plain_amount,
    reverse,
    share_of,
    show_amount,
)
from app.errors import Code, RuleBroken

CNY_OF_FIVE = Currency("XTS", 5, "X")
"""A currency of tests, fine enough that thirteen digits pass the limit."""

amounts = st.integers(-(10**12), 10**12)
weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=12)


@given(amounts, st.integers(1, 10**6))
def test_rounding_is_nearest_and_symmetric(numerator: int, denominator: int) -> None:
    rounded = half_away(numerator, denominator)
    assert abs(rounded * denominator - numerator) * 2 <= denominator
    assert half_away(-numerator, denominator) == -rounded


@given(amounts, weights)
def test_allocated_parts_sum_to_the_whole_and_stay_within_one(total: int, parts: list[int]) -> None:
    shares = allocate(total, parts)
    assert sum(shares) == total
    if whole := sum(parts):
        for share, weight in zip(shares, parts, strict=True):
            assert abs(share * whole - total * weight) < whole


@given(st.integers(0, 10**9), weights)
def test_allocation_ties_go_to_the_earlier_weight(total: int, parts: list[int]) -> None:
    shares = allocate(total, [1] * len(parts))
    assert shares == sorted(shares, reverse=True)


def test_allocating_over_nothing_or_over_negative_weights_is_a_bug() -> None:
    with pytest.raises(ValueError, match="nothing"):
        allocate(1, [])
    with pytest.raises(ValueError, match="negative"):
        allocate(1, [1, -1])
    assert allocate(7, [0, 0]) == [7, 0]


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=6),
    st.lists(st.integers(1, 10**6), max_size=40),
)
def test_reversing_in_any_steps_ends_everyone_at_zero(shares: list[int], steps: list[int]) -> None:
    left = list(shares)
    for wanted in (*steps, sum(shares)):  # the last one takes back whatever the others left
        step = min(wanted, sum(left))
        parts = reverse(step, left)
        assert sum(parts) == step
        assert all(0 <= part <= have for part, have in zip(parts, left, strict=True))
        left = [have - part for have, part in zip(left, parts, strict=True)]
    assert left == [0] * len(shares)


def test_the_step_that_trips_cumulative_splitting_stays_positive() -> None:
    """Shares 6/6/2 taken back 10 then 1: the naive rule makes the second step negative for one."""
    first = reverse(10, [6, 6, 2])
    second = reverse(1, [a - b for a, b in zip([6, 6, 2], first, strict=True)])
    assert min(first + second) >= 0


def test_taking_back_more_than_is_left_is_a_bug() -> None:
    with pytest.raises(ValueError, match="cannot take"):
        reverse(3, [1, 1])
    assert reverse(0, []) == []


@pytest.mark.parametrize(
    ("typed", "minor"),
    [
        ("12", 1200),
        ("12.5", 1250),
        (" ¥1,280.00 ", 128000),
        ("￥0.01", 1),
        ("-3.10", -310),
        ("+1", 100),
    ],
)
def test_amounts_people_type_are_read(typed: str, minor: int) -> None:
    assert parse_amount(typed, CNY) == minor


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "abc",
        "1.234",
        "1,28.00",
        "12,",
        "１２",
        "1e3",
        "NaN",
        "0x10",
        "--1",
        "1 2",
        "∞",
        "1.",
        ".5",
        "9" * 14,
    ],
)
def test_anything_else_is_a_clear_error(typed: str) -> None:
    with pytest.raises(RuleBroken) as error:
        parse_amount(typed, CNY)
    assert error.value.code in (Code.AMOUNT_INVALID, Code.AMOUNT_TOO_LARGE)


def test_an_amount_beyond_reason_is_refused() -> None:
    with pytest.raises(RuleBroken) as error:
        parse_amount("9" * 13, CNY_OF_FIVE)
    assert error.value.code is Code.AMOUNT_TOO_LARGE


@given(st.integers(-(10**10), 10**10))
def test_a_written_amount_reads_back(minor: int) -> None:
    assert parse_amount(plain_amount(minor, CNY), CNY) == minor
    assert parse_amount(plain_amount(minor, JPY), JPY) == minor


def test_amounts_are_shown_as_people_write_them() -> None:
    assert show_amount(128000, CNY) == "¥1,280.00"
    assert show_amount(-5, CNY) == "−¥0.05"
    assert show_amount(1280, JPY) == "¥1,280"


def test_unit_prices_keep_three_more_decimals() -> None:
    assert decimal_to_mills("0.001", CNY) == 100
    assert decimal_to_mills("2.55", CNY) == 255_000
    with pytest.raises(RuleBroken):
        decimal_to_mills("0.000001", CNY)
    assert extend(1, 100) == (0, True)
    assert extend(-80_995, 208_000) == (-16_846_960, False)
    assert share_of(12_900, 500) == 645
