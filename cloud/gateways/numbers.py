"""How an attempt is named at providers, and what travels with its order to find its books again.

A number is an attempt's id in 22 letters and digits and ten more that stand for its tenant and store, for an
id is unique in a store only: what one store is paid can never be asked about by another. 32 letters and
digits are the most WeChat Pay takes as an order number, and as Alipay and UnionPay ask. Pure.
"""

from __future__ import annotations

import hashlib
import re
import string
import uuid

from cloud.gateways.base import AttemptKey

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID, _OWN = 22, 10
"""Digits of base 62 for the 128 bits of an id, and for whose it is (59 bits)."""

_BOOKS = re.compile(r"([A-Za-z0-9_-]{1,40})\.([A-Za-z0-9_-]{1,40})", re.ASCII)
_NUMBER = re.compile(r"[0-9A-Za-z]{32}", re.ASCII)
_FIRST_NUMBER = re.compile(r"[0-9a-f]{32}", re.ASCII)


def order_number(attempt: AttemptKey) -> str:
    """Return the merchant's order number of an attempt."""
    own = hashlib.sha256(books(attempt).encode()).digest()
    tag = int.from_bytes(own) % len(_DIGITS) ** _OWN
    return _written(uuid.UUID(attempt.attempt_id).int, _ID) + _written(tag, _OWN)


def first_number(attempt_id: str) -> str:
    """Return the number of an attempt as it was made before numbers named the store."""
    return attempt_id.replace("-", "")


def attempt_id_of(number: str) -> str:
    """Return the attempt behind an order number of either form, "" if it is none of ours."""
    if _FIRST_NUMBER.fullmatch(number):
        return str(uuid.UUID(number))
    if not _NUMBER.fullmatch(number):
        return ""
    value = 0
    for digit in number[:_ID]:
        value = value * len(_DIGITS) + _DIGITS.index(digit)
    if value >> 128:
        return ""
    found = uuid.UUID(int=value)
    return str(found) if found.variant == uuid.RFC_4122 else ""


def is_number_of(number: str, attempt: AttemptKey) -> bool:
    """Tell whether a number may stand for this attempt of this store."""
    return number in (order_number(attempt), first_number(attempt.attempt_id))


def books(attempt: AttemptKey) -> str:
    """Return what travels with an order: whose books it is in."""
    return f"{attempt.tenant}.{attempt.store}"


def store_of(travelled: str) -> str:
    """Return the store in whose books an order is, "" for what did not travel with one of ours."""
    found = _BOOKS.fullmatch(travelled)
    return found.group(2) if found else ""


def attempt_of(number: str, travelled: str) -> AttemptKey | None:
    """Return the attempt an order of ours is about, or None for an order somebody else made."""
    attempt_id, found = attempt_id_of(number), _BOOKS.fullmatch(travelled)
    if found is None or not attempt_id:
        return None
    attempt = AttemptKey(found.group(1), found.group(2), attempt_id)
    return attempt if is_number_of(number, attempt) else None


def _written(value: int, digits: int) -> str:
    text = ""
    for _ in range(digits):
        value, digit = divmod(value, len(_DIGITS))
        text = _DIGITS[digit] + text
    return text
