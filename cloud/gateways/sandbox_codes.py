"""Codes for the screen of the sandbox's wallet, and which payment each was used for a moment ago."""

from __future__ import annotations

import hashlib
import secrets

_KEPT = 200
_DIGITS = "0123456789"


class ShownCodes:
    """Knows codes by their digest alone, for somebody may scan a real one in a rehearsal; in this process."""

    def __init__(self) -> None:
        self._used: dict[bytes, str] = {}

    def use(self, code: str, payment_id: str) -> str:
        """Note what a code was used for, and return that."""
        self._used[_digest(code)] = payment_id
        while len(self._used) > _KEPT:
            del self._used[next(iter(self._used))]
        return payment_id

    def used_for(self, code: str) -> str:
        """Return the payment a code was used for, "" for none."""
        return self._used.get(_digest(code), "")


def new_code(ending: str) -> str:
    """Return a code in the form of a wallet's; its last digit says what the sandbox does with it."""
    return "28" + "".join(secrets.choice(_DIGITS) for _ in range(15)) + ending


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
