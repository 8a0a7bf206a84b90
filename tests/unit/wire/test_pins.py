"""PINs: digits only, never kept, and a hash nobody can read matches nothing."""

from __future__ import annotations

import pytest

from app.errors import Code, RuleBroken
from app.wire.pins import check_pin_form, hash_pin, pin_matches


@pytest.mark.parametrize("pin", ["0000", "1234", "12345678"])
def test_four_to_eight_digits_are_a_pin(pin: str) -> None:
    check_pin_form(pin)


@pytest.mark.parametrize(
    "pin", ["", "123", "123456789", "12a4", " 1234", "1234\n", "１２３４", "٤٤٤٤", "-123", "12.4"]
)
def test_anything_else_is_not(pin: str) -> None:
    with pytest.raises(RuleBroken) as error:
        hash_pin(pin)
    assert error.value.code is Code.PIN_INVALID
    assert error.value.facts == {}, "a PIN is never repeated, not even a wrong one"


def test_a_pin_matches_its_own_hash_only() -> None:
    hashed = hash_pin("2468")
    assert pin_matches("2468", hashed)
    assert not pin_matches("2469", hashed)
    assert "2468" not in hashed
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hash_pin("2468") != hashed


@pytest.mark.parametrize("hashed", ["", "2468", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv"])
def test_a_hash_nobody_can_read_matches_nothing(hashed: str) -> None:
    assert not pin_matches("2468", hashed)
