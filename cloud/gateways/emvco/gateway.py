"""A gateway for any wallet that reads the EMVCo standard: the code carries amount and reference, and a
confirmation comes from elsewhere.

None of these codes confirms by itself. The source is a webhook of ours that a bank, an aggregator or a
relay calls, or a manager's eyes at the till (vouching). What was confirmed is in our own ledger, which
is handed in; nothing is asked over the network.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from app.domain.money import CURRENCIES, plain_amount
from cloud.gateways.base import (
    Answer,
    AttemptKey,
    Bill,
    Charge,
    Money,
    Notice,
    NoticeRefused,
    Offer,
    Refund,
    RefundAnswer,
    Reply,
    Standing,
    Started,
    Wallet,
    not_offered,
)
from cloud.gateways.emvco.codec import DYNAMIC, FORMAT, Object, Template, encode

NUMERIC = {"CNY": "156", "GBP": "826", "EUR": "978", "USD": "840", "JPY": "392"}
"""ISO 4217 numbers of the currencies we know."""
TIMESTAMP, SIGNATURE = "x-guidepos-timestamp", "x-guidepos-signature"
MOST_SKEW_S = 300
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_REFERENCE = re.compile(r"[0-9A-Z]{25}", re.ASCII)
_MOST_AMOUNT = 13
_TAKEN = Reply(204)


@dataclass(frozen=True, slots=True)
class EmvcoAccount:
    """Where the money of a code goes, and who may confirm it.

    `scheme` is the merchant account template (id 26 to 51, its sub-objects); `secret` signs webhooks,
    "" where only a person confirms.
    """

    tenant: str
    scheme: Template
    currency: str
    country: str
    name: str
    city: str
    category: str = "5651"
    """ISO 18245; 5651 is family clothing."""
    secret: str = field(default="", repr=False)


class EmvcoGateway:
    """One merchant account of an EMVCo scheme. `booked` returns the money our ledger has heard of."""

    wallet = Wallet.ANY

    def __init__(
        self,
        account: Callable[[], EmvcoAccount],
        booked: Callable[[AttemptKey], tuple[Money, ...]],
        now_ms: Callable[[], int],
        name: str = "emvco",
    ) -> None:
        self.name = name
        self._account = account
        self._booked = booked
        self._now_ms = now_ms

    @property
    def offers(self) -> frozenset[Offer]:
        """A code to show; notifications only with a webhook's secret."""
        told = {Offer.NOTIFY} if self._account().secret else set()
        return frozenset({Offer.QR, Offer.BY_HAND, *told})

    def create(self, charge: Charge) -> Started:
        """Write the code. The same attempt always has the same one."""
        account = self._account()
        amount = plain_amount(charge.amount, CURRENCIES[account.currency])
        if charge.currency != account.currency or len(amount) > _MOST_AMOUNT:
            raise not_offered(self.name)
        number = reference(charge.attempt)
        objects: list[Object] = [
            FORMAT,
            DYNAMIC,
            account.scheme,
            ("52", account.category),
            ("53", NUMERIC[account.currency]),
            ("54", amount),
            ("58", account.country),
            ("59", account.name[:25]),
            ("60", account.city[:15]),
            Template("62", (("03", charge.attempt.store[:25]), ("05", number))),
        ]
        return Started(number, encode(objects))

    def pay(self, charge: Charge, code: str) -> Answer:
        """Refuse: a code only shows."""
        raise not_offered(self.name)

    def query(self, attempt: AttemptKey) -> Answer:
        """Return what was confirmed so far; OPEN while nothing was, for nobody can be asked."""
        money = self._booked(attempt)
        return Answer(Standing.PAID if money else Standing.OPEN, money)

    def cancel(self, attempt: AttemptKey) -> Answer:
        """Do what `close` does."""
        return self.close(attempt)

    def close(self, attempt: AttemptKey) -> Answer:
        """Stop waiting. A photographed code can still be paid: that money arrives as late money."""
        money = self._booked(attempt)
        return Answer(Standing.PAID if money else Standing.ABSENT, money)

    def refund(self, refund: Refund) -> RefundAnswer:
        """Refuse: money goes back by the bank's own means."""
        raise not_offered(self.name)

    def refund_query(self, refund: Refund) -> RefundAnswer:
        """Refuse, as `refund` does."""
        raise not_offered(self.name)

    def bill(self, day: date) -> Bill:
        """Refuse: the bank's statement is the bill."""
        raise not_offered(self.name)

    def hear(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """Verify a confirmation: HMAC-SHA256 in hex over "timestamp.body", not older than five minutes.

        The body is JSON: `reference` and `store` as the code carries them (62-05 and 62-03), `transaction`
        (the bank's number), `amount` in minor units, `currency`, `paid_ms`.
        """
        account = self._account()
        held = {name.lower(): value for name, value in headers.items()}
        stamp, signature = held.get(TIMESTAMP, ""), held.get(SIGNATURE, "")
        if not account.secret or not stamp.isascii() or not stamp.isdigit():
            raise NoticeRefused("not signed", Reply(401))
        if abs(self._now_ms() // 1000 - int(stamp)) >= MOST_SKEW_S:
            raise NoticeRefused("stale", Reply(401))
        expected = sign(account.secret, stamp, body)
        if not hmac.compare_digest(expected.encode(), signature.lower().encode()):
            raise NoticeRefused("signature does not hold", Reply(401))
        try:
            return self._read(account, json.loads(body))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NoticeRefused("not a confirmation", Reply(400)) from error

    def _read(self, account: EmvcoAccount, told: Mapping[str, object]) -> Notice:
        amount, at_ms = told["amount"], told["paid_ms"]
        transaction = str(told["transaction"])
        if not (type(amount) is int and type(at_ms) is int and amount > 0 and transaction):
            raise ValueError("no payment")
        attempt_id = attempt_of_reference(str(told["reference"]))
        if not attempt_id or told["currency"] != account.currency:
            return Notice(None, None, _TAKEN)
        key = AttemptKey(account.tenant, str(told["store"]), attempt_id)
        return Notice(key, Answer(Standing.PAID, (Money(transaction, amount, at_ms),)), _TAKEN)


def sign(secret: str, stamp: str, body: bytes) -> str:
    """Return the signature of a confirmation, as its sender makes it."""
    return hmac.digest(secret.encode(), b"%b.%b" % (stamp.encode(), body), hashlib.sha256).hex()


def reference(attempt: AttemptKey) -> str:
    """Return an attempt's id in the 25 characters a reference label may have (base 36)."""
    rest, text = uuid.UUID(attempt.attempt_id).int, ""
    while rest:
        rest, digit = divmod(rest, 36)
        text = _DIGITS[digit] + text
    return text.rjust(25, "0")


def attempt_of_reference(text: str) -> str:
    """Return the attempt behind a reference, "" if it is none of ours."""
    value = int(text, 36) if _REFERENCE.fullmatch(text) else 1 << 128
    return str(uuid.UUID(int=value)) if value < 1 << 128 else ""
