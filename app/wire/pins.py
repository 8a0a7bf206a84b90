"""PINs: hashed where a person is written (cloud), checked at the till. argon2id, PHC string form.

19 MiB, two passes and one lane are OWASP's minimum for argon2id; more would weigh on small tablets,
and the lockout after a few wrong tries is what protects a PIN of few digits.
"""

from __future__ import annotations

import re

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from app.errors import Code, RuleBroken

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
_PIN = re.compile(r"[0-9]{4,8}", re.ASCII)


def check_pin_form(pin: str) -> None:
    """Raise RuleBroken(PIN_INVALID) unless the PIN is 4 to 8 ASCII digits."""
    if _PIN.fullmatch(pin) is None:
        raise RuleBroken(Code.PIN_INVALID)


def hash_pin(pin: str) -> str:
    """Return the argon2id hash of a PIN."""
    check_pin_form(pin)
    return _HASHER.hash(pin)


def pin_matches(pin: str, hashed: str) -> bool:
    """Tell whether a PIN is the one that was hashed; a hash that cannot be read matches nothing."""
    try:
        return _HASHER.verify(hashed, pin)
    except (VerificationError, InvalidHashError):
        return False
