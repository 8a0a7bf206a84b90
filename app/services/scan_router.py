"""Says what a scanned code is: goods, a customer's payment code, a proof of payment, an order of ours, a
member, somebody's merchant code. The same for scanners and cameras; what follows is the screen's matter.
"""

from __future__ import annotations

import re
from binascii import crc_hqx
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from app.domain.catalog import is_gtin
from app.domain.gs1 import article_number
from app.domain.payment_code import PaymentCode, payment_code
from app.errors import RuleBroken
from app.ports import Reader
from app.wire.proofs import looks_like_proof
from app.wire.tokens import read_order_token

_ORDER_PATH, _MEMBER_PATH = "/o/", "/m/"
_LONGEST_ID = 64


class ScanKind(StrEnum):
    """What a code can be."""

    GOODS = "goods"
    PAYMENT_CODE = "payment_code"
    PROOF = "proof"
    ORDER = "order"
    MEMBER = "member"
    MERCHANT_CODE = "merchant_code"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Scanned:
    """A code and what it is. `text` is what counts of it: the number that names goods, an order's
    token, a member's reference, else all that was read. `wallet` is told of payment codes."""

    kind: ScanKind
    text: str
    wallet: PaymentCode = PaymentCode.UNKNOWN


class ScanRouter:
    """Asks the till's own goods first: a shop may number them as it likes."""

    def __init__(self, reader: Callable[[], Reader]) -> None:
        self._reader = reader

    def route(self, code: str) -> Scanned:
        """Return what a code is. Bounded look-ups only; never raises for a text, however strange."""
        if looks_like_proof(code):  # whole as it is: a space at its end belongs to it
            return Scanned(ScanKind.PROOF, code)
        text = code.strip()
        if self._reader().find_code(text) is not None:
            return Scanned(ScanKind.GOODS, text)
        wallet = payment_code(text)
        if wallet is not PaymentCode.UNKNOWN:
            return Scanned(ScanKind.PAYMENT_CODE, text, wallet)
        if token := _order_token(text):
            return Scanned(ScanKind.ORDER, token)
        if number := text if is_gtin(text) else article_number(text):
            return Scanned(ScanKind.GOODS, number)
        if is_merchant_code(text):
            return Scanned(ScanKind.MERCHANT_CODE, text)
        if member := self._member(text):
            return Scanned(ScanKind.MEMBER, member)
        return Scanned(ScanKind.UNKNOWN, text)

    def _member(self, text: str) -> str:
        """Return the reference of a known member: bare, or in an address of our cloud."""
        reader = self._reader()
        home = reader.identity().public_url
        own = f"{home}{_MEMBER_PATH}"
        ref = text.removeprefix(own) if home and text.startswith(own) else text
        if not ref or len(ref) > _LONGEST_ID or reader.member(ref) is None:
            return ""
        return ref


def is_merchant_code(text: str) -> bool:
    """Tell whether a text is a merchant's payment QR: an EMVCo payload with its right checksum.

    EMVCo merchant-presented mode 1.1: begins with payload format 01, ends with tag 63, a CRC-16 (polynomial
    0x1021, from 0xFFFF) over all before its four hexadecimal digits.
    """
    if not text.startswith("000201") or text[-8:-4] != "6304":
        return False
    return f"{crc_hqx(text[:-4].encode(), 0xFFFF):04X}" == text[-4:].upper()


def _order_token(text: str) -> str:
    """Return the token of an order's address, "" for any other text. Whose it is, the cloud says."""
    match = re.fullmatch(rf"https?://[^/?#]+{_ORDER_PATH}([A-Za-z0-9_-]+)", text)
    if match is None:
        return ""
    try:
        read_order_token(match[1])
    except RuleBroken:
        return ""
    return match[1]
