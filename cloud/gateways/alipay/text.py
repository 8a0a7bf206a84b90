"""Which text Alipay signs: of a request, of a notification, and inside an answer. Pure.

The rules are those of the official SDKs (AlipaySignature) and of the documentation of notifications.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass


class AnswerMalformed(Exception):  # noqa: N818 - says what happened, like the house's own
    """An answer cannot be cut: it is not the JSON object Alipay sends."""


def request_text(parameters: Mapping[str, str]) -> str:
    """Return what is signed of a request: all non-empty parameters but `sign`, sorted, not URL-encoded."""
    return _joined({name: value for name, value in parameters.items() if value and name != "sign"})


def notify_text(parameters: Mapping[str, str]) -> str:
    """Return what is signed of a notification: all parameters but `sign` and `sign_type`, sorted.

    The example in the documentation leaves `gmt_create` out of its string; the written rule does not.
    """
    unsigned = ("sign", "sign_type")
    return _joined({name: value for name, value in parameters.items() if name not in unsigned})


def _joined(parameters: Mapping[str, str]) -> str:
    return "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))


@dataclass(frozen=True, slots=True)
class Signed:
    """An answer cut open: the raw text the signature covers, the signature, whose certificate signed."""

    content: str
    sign: str
    certificate_sn: str
    is_error: bool


def cut(raw: str, node: str) -> Signed:
    """Cut the signed part out of an answer, by the first `node` of the outer object.

    Only the returned text may be parsed, never the whole answer again: an attacker could add a second
    `node` behind the signed one. Without `node` an `error_response` is returned. Raises AnswerMalformed.
    """
    members: dict[str, str] = {}
    for name, value in _members(raw):
        members.setdefault(name, value)
    is_error = node not in members
    content = members.get("error_response" if is_error else node)
    if content is None:
        raise AnswerMalformed(f"no {node}")
    return Signed(
        content,
        _text(members.get("sign", '""')),
        _text(members.get("alipay_cert_sn", '""')),
        is_error,
    )


def _text(value: str) -> str:
    try:
        text = json.loads(value)
    except ValueError as error:
        raise AnswerMalformed("not a string") from error
    if not isinstance(text, str):
        raise AnswerMalformed("not a string")
    return text


def _members(raw: str) -> list[tuple[str, str]]:
    """Return the names of the outer object with the raw text of their values, in order."""
    at = _expect(raw, _space(raw, 0), "{")
    found: list[tuple[str, str]] = []
    at = _space(raw, at)
    while raw[at : at + 1] != "}":
        if found:
            at = _space(raw, _expect(raw, at, ","))
        end = _string_end(raw, at)
        name = _text(raw[at:end])
        at = _space(raw, _expect(raw, _space(raw, end), ":"))
        end = _value_end(raw, at)
        found.append((name, raw[at:end]))
        at = _space(raw, end)
    if raw[at + 1 :].strip():
        raise AnswerMalformed("something follows the answer")
    return found


def _space(raw: str, at: int) -> int:
    while raw[at : at + 1] in {" ", "\t", "\r", "\n"}:
        at += 1
    return at


def _expect(raw: str, at: int, character: str) -> int:
    if raw[at : at + 1] != character:
        raise AnswerMalformed(f"no {character} at {at}")
    return at + 1


def _string_end(raw: str, at: int) -> int:
    """Return where the string that begins at `at` has ended, behind its closing quote."""
    at = _expect(raw, at, '"')
    while at < len(raw):
        if raw[at] == '"':
            return at + 1
        at += 2 if raw[at] == "\\" else 1
    raise AnswerMalformed("a string does not end")


def _value_end(raw: str, at: int) -> int:
    """Return where the value that begins at `at` has ended. Braces inside strings do not count."""
    if raw[at : at + 1] == '"':
        return _string_end(raw, at)
    depth, start = 0, at
    while at < len(raw):
        character = raw[at]
        if character == '"':
            at = _string_end(raw, at)
            continue
        if character in "{[":
            depth += 1
        elif character in "}]":
            if depth == 0:
                break
            depth -= 1
            if depth == 0:
                return at + 1
        elif depth == 0 and character in ", \t\r\n":
            break
        at += 1
    if depth or at == start or at >= len(raw):
        raise AnswerMalformed("a value does not end")
    return at
