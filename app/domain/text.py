"""Short texts that enter facts: codes and outside numbers. Never names or notes of people."""

from __future__ import annotations

import re

from app.errors import Code, RuleBroken

MAX_REFERENCE = 64
"""Longest number of a document in another system."""

_CODE = re.compile(r"[\w.-]{1,40}")


def is_code(text: str) -> bool:
    """Tell whether text is a code of the shop's lists: one word of up to 40 characters."""
    return _CODE.fullmatch(text) is not None


def check_reason(text: str) -> None:
    """Raise RuleBroken (TEXT_EMPTY, TEXT_FORBIDDEN_CHARACTER) unless a reason is a code."""
    if not text:
        raise RuleBroken(Code.TEXT_EMPTY)
    if not is_code(text):
        raise RuleBroken(Code.TEXT_FORBIDDEN_CHARACTER)


def check_reference(text: str) -> None:
    """Raise RuleBroken (TEXT_TOO_LONG, TEXT_FORBIDDEN_CHARACTER) unless a reference can be kept."""
    if len(text) > MAX_REFERENCE:
        raise RuleBroken(Code.TEXT_TOO_LONG, limit=MAX_REFERENCE, length=len(text))
    if not text.isprintable():
        raise RuleBroken(Code.TEXT_FORBIDDEN_CHARACTER)
