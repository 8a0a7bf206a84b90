"""Members: personal data that travels by its own queue and never enters a fact.

Facts carry only the random `member_ref`, so erasing a person breaks no chain.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from app.errors import Code, RuleBroken

MAX_NAME = 60
MAX_NOTE = 500
_ROOM = 16


@dataclass(frozen=True, slots=True)
class Member:
    """A member as the till knows them. `phone` is digits with optional leading +, or ""."""

    member_ref: str
    name: str
    phone: str
    tier: str
    points: int = 0
    note: str = ""
    revision: int = 0

    def masked_phone(self) -> str:
        """Return the phone with its middle hidden, enough to tell two people apart."""
        if len(self.phone) < 8:
            return self.phone
        return f"{self.phone[:3]}****{self.phone[-4:]}"


@dataclass(frozen=True, slots=True)
class Tier:
    """A level of membership; `pays_bp` is what its members pay of the price (9500 = 95 %)."""

    code: str
    name: str
    name_en: str
    pays_bp: int


def clean_text(text: str, *, limit: int, required: bool = False) -> str:
    """Return `text` as it will be stored and shown: NFC, trimmed, nothing else altered.

    Raises RuleBroken: TEXT_EMPTY if required and blank, TEXT_TOO_LONG over `limit` characters,
    TEXT_FORBIDDEN_CHARACTER for NUL, lone surrogates and control characters other than tab and
    line breaks, which no receipt, file or database could carry unchanged.
    """
    if len(text) > _ROOM * limit + _ROOM:  # nothing that composes to so few characters is so long
        raise RuleBroken(Code.TEXT_TOO_LONG, limit=limit, length=len(text))
    cleaned = unicodedata.normalize("NFC", text).strip()
    if required and not cleaned:
        raise RuleBroken(Code.TEXT_EMPTY)
    if len(cleaned) > limit:
        raise RuleBroken(Code.TEXT_TOO_LONG, limit=limit, length=len(cleaned))
    for character in cleaned:
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\n\r":
            raise RuleBroken(Code.TEXT_FORBIDDEN_CHARACTER, codepoint=ord(character))
    return cleaned


def normal_phone(text: str) -> str:
    """Return a phone number as digits, keeping a leading + unless it is China's own +86.

    Raises RuleBroken(PHONE_INVALID) for anything but 5 to 15 digits (ITU-T E.164's maximum).
    """
    digits = re.sub(r"[\s\-()（）.]", "", text)
    match = re.fullmatch(r"(\+?)(\d{5,15})", digits, re.ASCII)
    if match is None:
        raise RuleBroken(Code.PHONE_INVALID)
    plus, number = match.groups()
    if plus and number.startswith("86") and len(number) == 13:
        return number[2:]
    return plus + number
