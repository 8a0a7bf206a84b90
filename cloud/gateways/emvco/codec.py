"""The EMVCo QR code shown by a merchant (QRCPS-MPM v1.1): two digits of id, two of length, the value.

Lengths count characters, the checksum runs over the UTF-8 bytes. Pure; knows no wallet and no order.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MOST_CHARACTERS = 512
CHECKSUM = "63"
FORMAT, DYNAMIC = ("00", "01"), ("01", "12")
TEMPLATES = frozenset(
    [f"{number:02d}" for number in range(26, 52)]
    + ["62", "64"]
    + [f"{number:02d}" for number in range(80, 100)]
)
"""Ids whose value is again a row of objects."""
_AMOUNT = re.compile(r"\d{1,10}(\.\d{0,9})?", re.ASCII)


class QrInvalid(Exception):  # noqa: N818 - says what happened, like the house's own
    """A text is no QR payload of this standard, or an object breaks its limits."""


@dataclass(frozen=True, slots=True)
class Template:
    """An object made of objects."""

    id: str
    parts: tuple[tuple[str, str], ...]


Object = tuple[str, str] | Template


def checksum(text: str) -> str:
    """Return CRC-16/CCITT-FALSE (poly 1021, init FFFF) over the UTF-8 bytes, four upper-case digits."""
    return f"{binascii.crc_hqx(text.encode(), 0xFFFF):04X}"


def encode(objects: Sequence[Object]) -> str:
    """Write objects, the format first, and close with the checksum. Raises QrInvalid on a broken limit."""
    text = "".join(_write(each) for each in objects) + f"{CHECKSUM}04"
    text += checksum(text)
    decode(text)  # what we show must be what anybody else can read
    return text


def decode(text: str) -> tuple[Object, ...]:
    """Read a payload, checksum last and left out. Raises QrInvalid; unknown ids are kept, not judged."""
    if len(text) > MOST_CHARACTERS:
        raise QrInvalid("too long")
    body, crc = text[:-4], text[-4:]
    if not body.endswith(f"{CHECKSUM}04"):
        raise QrInvalid("no checksum at the end")
    if checksum(body) != crc:
        raise QrInvalid("wrong checksum")
    flat = _read(text)
    if flat[:1] != [FORMAT]:
        raise QrInvalid("another format")
    objects = tuple(_open(id_, value) for id_, value in flat[:-1])
    for id_, value in flat:
        if id_ == "54" and not _AMOUNT.fullmatch(value):
            raise QrInvalid("not an amount")
    return objects


def _write(each: Object) -> str:
    if isinstance(each, Template):
        return _tlv(each.id, "".join(_tlv(id_, value) for id_, value in each.parts))
    return _tlv(*each)


def _tlv(id_: str, value: str) -> str:
    if not (len(id_) == 2 and id_.isascii() and id_.isdigit()):
        raise QrInvalid(f"{id_!r} is no id")
    if not 1 <= len(value) <= 99:
        raise QrInvalid(f"object {id_} has {len(value)} characters")
    return f"{id_}{len(value):02d}{value}"


def _open(id_: str, value: str) -> Object:
    if id_ not in TEMPLATES:
        return id_, value
    return Template(id_, tuple(_read(value)))


def _read(text: str) -> list[tuple[str, str]]:
    found = list(_objects(text))
    if len({id_ for id_, _ in found}) != len(found):
        raise QrInvalid("an object stands twice")
    return found


def _objects(text: str) -> Iterable[tuple[str, str]]:
    at = 0
    while at < len(text):
        head = text[at : at + 4]
        if not (len(head) == 4 and head.isascii() and head.isdigit()):
            raise QrInvalid(f"no object at {at}")
        value = text[at + 4 : at + 4 + int(head[2:])]
        if not value or len(value) != int(head[2:]):
            raise QrInvalid(f"object {head[:2]} is cut off")
        yield head[:2], value
        at += 4 + len(value)
