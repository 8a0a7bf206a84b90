"""How an attempt is named at providers, and what travels with its order to find its books again.

An attempt's id without its dashes is 32 hexadecimal digits: the most WeChat Pay takes as an order number,
and letters and digits alone, as Alipay and UnionPay ask. Pure.
"""

from __future__ import annotations

import re
import uuid

from cloud.gateways.base import AttemptKey

_BOOKS = re.compile(r"([A-Za-z0-9_-]{1,40})\.([A-Za-z0-9_-]{1,40})", re.ASCII)
_NUMBER = re.compile(r"[0-9a-f]{32}", re.ASCII)


def order_number(attempt: AttemptKey) -> str:
    """Return the merchant's order number of an attempt."""
    return attempt.attempt_id.replace("-", "")


def attempt_id_of(number: str) -> str:
    """Return the attempt behind an order number, "" if it is none of ours."""
    return str(uuid.UUID(number)) if _NUMBER.fullmatch(number) else ""


def books(attempt: AttemptKey) -> str:
    """Return what travels with an order: whose books it is in."""
    return f"{attempt.tenant}.{attempt.store}"


def attempt_of(number: str, travelled: str) -> AttemptKey | None:
    """Return the attempt an order of ours is about, or None for an order somebody else made."""
    attempt_id, found = attempt_id_of(number), _BOOKS.fullmatch(travelled)
    if found is None or not attempt_id:
        return None
    return AttemptKey(found.group(1), found.group(2), attempt_id)
