"""What a proven refusal of the cloud means for the till. The one table of HTTP statuses."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from app.errors import Code, RuleBroken, Trouble
from app.wire.messages import UNREADABLE, Problem

DEFAULT_RETRY_AFTER_S = 5
_LONGEST_WAIT_DIGITS = 9

_BUSY = frozenset({429, 502, 503, 504})
_SERVER_FAILED = 500
_GARBLED = "garbled"
"""The cloud's word for a body that did not arrive as it was sent."""

_WORLD = frozenset(
    {
        Code.CLOUD_UNREACHABLE,
        Code.CLOUD_BUSY,
        Code.CLOUD_REFUSED,
        Code.CLOUD_MESSAGE_INVALID,
        Code.DEVICE_NOT_ENROLLED,
        Code.DEVICE_REVOKED,
        Code.ENROL_CODE_INVALID,
        Code.JOURNAL_BROKEN,
    }
)
"""Codes that are no rule of the shop when the cloud sends them."""


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> Trouble | RuleBroken:
    """Return the error to raise for a proven answer with a status of 400 or more.

    A rule of the shop comes back as RuleBroken with its own code. Everything else is Trouble whose
    facts carry `status`, the protocol's word as `problem` (gap, fork, start_over …) and the cloud's
    mark as `hwm` and `hwm_hash`, its time as `server_ms` where ours was the reason. CLOUD_BUSY
    carries `retry_after_s`.
    """
    problem = _problem(body)
    if status in _BUSY:
        wait_s = _retry_after_s(headers.get("Retry-After", ""))
        return Trouble(Code.CLOUD_BUSY, retryable=True, status=status, retry_after_s=wait_s)
    if status >= _SERVER_FAILED:
        return Trouble(Code.CLOUD_BUSY, retryable=True, status=status)
    if problem.code == _GARBLED:
        return Trouble(Code.CLOUD_UNREACHABLE, retryable=True, status=status, problem=_GARBLED)
    code = _code(problem.code)
    if code is not None and code not in _WORLD and status != 401:
        return RuleBroken(code, status=status)
    return Trouble(
        _trouble_code(status, code),
        retryable=status == 401,
        status=status,
        problem=problem.code,
        detail=problem.detail,
        hwm=problem.hwm,
        hwm_hash=problem.hwm_hash,
        server_ms=problem.server_ms,
    )


def _trouble_code(status: int, code: Code | None) -> Code:
    if code in _WORLD and code is not None:
        return code
    return Code.CLOUD_MESSAGE_INVALID if status == 422 else Code.CLOUD_REFUSED


def _problem(body: bytes) -> Problem:
    try:
        return msgspec.json.decode(body, type=Problem)
    except UNREADABLE:
        return Problem(code="")


def _code(text: str) -> Code | None:
    try:
        return Code(text)
    except ValueError:
        return None


def _retry_after_s(text: str) -> int:
    """Read the header's form in seconds; the form with a date would need a clock we trust."""
    sound = text.isascii() and text.isdigit() and len(text) <= _LONGEST_WAIT_DIGITS
    return int(text) if sound else DEFAULT_RETRY_AFTER_S
