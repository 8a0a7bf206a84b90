"""Signing in: the right PIN, a lock that grows, survives a restart and always ends."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import Code, RuleBroken
from app.services.session import FREE_TRIES, LONGEST_LOCK_MS, lock_after
from app.wire.messages import PersonRow
from tests.unit.services.till import GUIDE, MANAGER, PIN, PIN_HASH, Till, code_of, refusal


def try_pin(till: Till, pin: str = "0000") -> RuleBroken:
    with pytest.raises(RuleBroken) as error:
        till.session.sign_in(GUIDE.person_id, pin)
    return error.value


def test_the_right_pin_opens(till: Till) -> None:
    assert till.session.sign_in(GUIDE.person_id, PIN) == GUIDE
    assert till.session.people() == (MANAGER, GUIDE)


def test_who_left_does_not_come_in(till: Till) -> None:
    row = PersonRow(
        person_id="p-gone", name="走", name_en="Gone", role="guide", pin=PIN_HASH, active=False
    )
    till.do(lambda uow: uow.put_people([row]))
    for person in ("p-gone", "p-never"):
        with pytest.raises(RuleBroken) as error:
            till.session.sign_in(person, PIN)
        assert code_of(error) is Code.PERSON_UNKNOWN
    assert "p-gone" not in [person.person_id for person in till.session.people()]
    assert till.session.locked_seconds("p-never") == 0


def test_what_is_no_pin_is_not_counted(till: Till) -> None:
    for _ in range(2 * FREE_TRIES):
        assert try_pin(till, "12").code is Code.PIN_INVALID
    assert till.session.sign_in(GUIDE.person_id, PIN) == GUIDE


def test_five_wrong_pins_lock_for_a_minute(till: Till) -> None:
    left = [try_pin(till).facts["tries_left"] for _ in range(FREE_TRIES - 1)]
    assert left == [4, 3, 2, 1]
    fifth = try_pin(till)
    assert (fifth.code, fifth.facts) == (Code.PIN_LOCKED, {"seconds": 60})
    assert try_pin(till, PIN).code is Code.PIN_LOCKED, "the right one does not help now"
    assert till.session.locked_seconds(GUIDE.person_id) == 60
    assert till.session.sign_in(MANAGER.person_id, PIN) == MANAGER, "others are not locked"
    till.clock.advance(59.5)
    assert try_pin(till, PIN).facts == {"seconds": 1}
    till.clock.advance(0.5)
    assert till.session.sign_in(GUIDE.person_id, PIN) == GUIDE


def test_the_count_survives_a_restart(till: Till) -> None:
    for _ in range(FREE_TRIES):
        try_pin(till)
    till.restart()
    assert try_pin(till, PIN).code is Code.PIN_LOCKED
    till.clock.advance(61)
    assert try_pin(till).facts == {"seconds": 120}


def test_success_forgives_everything(till: Till) -> None:
    for _ in range(FREE_TRIES - 1):
        try_pin(till)
    till.session.sign_in(GUIDE.person_id, PIN)
    assert try_pin(till).facts == {"tries_left": FREE_TRIES - 1}


def test_a_clock_turned_back_does_not_lock_for_ever(till: Till) -> None:
    for _ in range(FREE_TRIES):
        try_pin(till)
    till.clock.set_wall(till.clock.wall_ms - 2 * 365 * 86_400_000)
    assert try_pin(till, PIN).facts == {"seconds": LONGEST_LOCK_MS // 1000}
    till.clock.advance(LONGEST_LOCK_MS / 1000)
    assert till.session.sign_in(GUIDE.person_id, PIN) == GUIDE


def test_tries_at_once_are_all_counted(till: Till) -> None:
    with ThreadPoolExecutor(4) as pool:
        errors = [pool.submit(till.session.sign_in, GUIDE.person_id, "0000") for _ in range(4)]
        codes = [future.exception() for future in errors]
    assert all(isinstance(error, RuleBroken) for error in codes)
    known = till.store.reader.sign_in_record(GUIDE.person_id)
    assert known is not None
    assert known.failures == 4


@given(st.integers(0, 10_000))
def test_the_lock_doubles_up_to_an_hour(failures: int) -> None:
    lock = lock_after(failures)
    assert (lock == 0) == (failures < FREE_TRIES)
    assert lock <= LONGEST_LOCK_MS
    assert lock_after(failures + 1) in (lock, 2 * lock, 60_000, LONGEST_LOCK_MS)


@given(st.lists(st.tuples(st.integers(0, 5_000), st.booleans()), min_size=1, max_size=9))
@settings(max_examples=20)
def test_however_long_somebody_tries_the_lock_holds_and_ends(
    tries: list[tuple[int, bool]],
) -> None:
    """Each try waits a while and is right or wrong; kept beside a model of two numbers."""
    with tempfile.TemporaryDirectory() as folder:
        till = Till(Path(folder) / "till.db")
        failures, locked_until = 0, 0
        for wait, right in tries:
            till.clock.advance(wait)
            now = till.clock.now().server_ms
            locked = now < locked_until
            pin = PIN if right else "0000"
            said = refusal(lambda pin=pin: till.session.sign_in(GUIDE.person_id, pin))  # type: ignore[misc]
            if locked:
                assert said is Code.PIN_LOCKED
            elif right:
                assert said is None
                failures = 0
            else:
                failures += 1
                locked_until = now + lock_after(failures)
                assert said is (Code.PIN_LOCKED if failures >= FREE_TRIES else Code.PIN_WRONG)
            left = max(0, -(-(locked_until - now) // 1000))
            assert till.session.locked_seconds(GUIDE.person_id) == left
        till.close()
