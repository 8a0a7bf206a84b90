"""Both make-believe providers and the sandbox as one run has them: the line to them, their letters, and what
a customer does in the wallet.

Keys are short and signing is quick here: other tests hold the signatures to the standards.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from unittest.mock import patch
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from cloud.fakes import alipay as alipay_module
from cloud.fakes import wechat as wechat_module
from cloud.fakes.alipay import FakeAlipay, Trade
from cloud.fakes.arithmetic import PrivateNumbers, PublicNumbers
from cloud.fakes.faults import Fault, Letter, Lost
from cloud.fakes.serve import Providers
from cloud.fakes.wechat import FakeWechat
from cloud.fakes.wechat_order import Order
from cloud.gateways.alipay.account import AlipayAccount
from cloud.gateways.line import Ask, Got, LineBroken
from cloud.gateways.wechat.account import WechatAccount
from cloud.gateways.wechat.signing import Merchant

ALIPAY, WECHAT, SANDBOX = "alipay", "wechat", "sandbox"
SHOP_URL, PROVIDERS_URL = "http://shop.example", "https://providers.invalid"
_BITS = 1_024
_APP, _SELLER, _MCHID, _WX = "2021000000000001", "2088000000000001", "1900000001", "wx88888888"
_SERIAL, _PUBLIC_KEY_ID = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1", "PUB_KEY_ID_01160000000120"
_API_KEY = b"0123456789abcdef0123456789abcdef"

LINE_FAULTS = (
    Fault.LOSE_REQUEST,
    Fault.LOSE_ANSWER,
    Fault.LOSE_ANSWER,
    Fault.WRONG_SIGNATURE,
    Fault.UNSIGNED,
    Fault.PROBE,
    Fault.STALE,
    Fault.SYSTEM_ERROR,
    Fault.DONE_SYSTEM_ERROR,
    Fault.HTML,
    Fault.OTHER_ORDER,
)
"""All but a provider that lies about an amount with its own signature: nobody could know better."""

CLOSED_CODES_PAYABLE_MS = 2 * 3_600_000
"""So long after an order's end a photographed code, or a payment on its way, may still bring money."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of both sides."""

    shop: rsa.RSAPrivateKey
    alipay: rsa.RSAPrivateKey
    wechat: rsa.RSAPrivateKey


@cache
def keys() -> Keys:
    """Return the keys of this process."""
    return Keys(*(rsa.generate_private_key(public_exponent=65_537, key_size=_BITS) for _ in "123"))


@cache
def _owner(n: int) -> rsa.RSAPrivateKey:
    """Return the whole key that a make-believe provider knows by its numbers."""
    own = (keys().alipay, keys().wechat)
    return next(key for key in own if key.public_key().public_numbers().n == n)


def _signed(key: PrivateNumbers, message: bytes) -> str:
    made = _owner(key.n).sign(message, padding.PKCS1v15(), hashes.SHA256())
    return base64.b64encode(made).decode()


@contextmanager
def signing_quickly() -> Iterator[None]:
    """Let the providers sign with a library, whose signatures are the same bytes, a hundred times sooner."""
    with (
        patch.object(alipay_module, "signed", _signed),
        patch.object(wechat_module, "signed", _signed),
    ):
        yield


def open_providers(now_ms: Callable[[], int]) -> Providers:
    """Return both providers with empty books."""
    made = keys()
    merchant = _public(made.shop)
    alipay = FakeAlipay(_APP, merchant, _private(made.alipay), now_ms, PROVIDERS_URL, _SELLER)
    wechat = FakeWechat(
        mchid=_MCHID,
        appid=_WX,
        merchant=merchant,
        merchant_serial=_SERIAL,
        api_key=_API_KEY,
        key=_private(made.wechat),
        serial=_PUBLIC_KEY_ID,
        now_ms=now_ms,
        base=PROVIDERS_URL,
    )
    return Providers(alipay, wechat, deliver=False)


def alipay_account() -> AlipayAccount:
    """Return the shop's account at Alipay."""
    return AlipayAccount(
        app_id=_APP,
        key=keys().shop,
        keys={"": keys().alipay.public_key()},
        gateway_url=f"{PROVIDERS_URL}/gateway.do",
        notify_url=f"{SHOP_URL}/notify/{ALIPAY}",
        seller_id=_SELLER,
    )


def wechat_account() -> WechatAccount:
    """Return the shop's account at WeChat Pay."""
    return WechatAccount(
        merchant=Merchant(_MCHID, _SERIAL, keys().shop),
        appid=_WX,
        api_key=_API_KEY,
        keys={_PUBLIC_KEY_ID: keys().wechat.public_key()},
        base_url=PROVIDERS_URL,
        notify_url=f"{SHOP_URL}/notify/{WECHAT}",
        app_secret="make-believe",
        oauth_url=PROVIDERS_URL,
        oauth_page=PROVIDERS_URL,
    )


class CloudDied(BaseException):
    """The cloud's process ended here. No handler of the product may catch it."""


@dataclass
class ProviderLine:
    """The port `Line` to both providers. The cloud's process may end while it waits for an answer."""

    providers: Providers
    dies_in: int = -1
    """After so many calls the process ends, -1: never."""
    dies_before: bool = False
    calls: int = 0

    def __call__(self, ask: Ask) -> Got:
        """Send a request. Raises LineBroken and CloudDied."""
        self.calls += 1
        dies, self.dies_in = self.dies_in == 0, self.dies_in - 1
        if dies and self.dies_before:
            raise CloudDied
        parts = urlsplit(ask.url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            reply = self.providers.answer(ask.method, path, dict(ask.headers), ask.body)
        except Lost as error:
            raise LineBroken("lost") from error
        if dies:
            raise CloudDied
        headers = {name.lower(): value for name, value in reply.headers.items()}
        return Got(reply.status, headers, reply.body)


@dataclass(frozen=True, slots=True)
class Piece:
    """Money a provider holds: which order of which provider, and how much of it was given back."""

    provider: str
    number: str
    ref: str
    amount: int
    refunded: int = 0
    reversed: int = 0
    """What went back because the whole order was reversed, at our wish, before anybody believed in it."""


@dataclass
class Mailbag:
    """Letters of providers on their way to the cloud."""

    providers: Providers
    letters: list[Letter] = field(default_factory=list)

    def collect(self) -> None:
        """Take what the providers wrote."""
        for outbox in (self.providers.alipay.outbox, self.providers.wechat.outbox):
            self.letters += outbox
            outbox.clear()


def pieces_of(providers: Providers) -> list[Piece]:
    """Return what both providers were paid and gave back."""
    trades = [
        _piece(ALIPAY, trade, trade.trade_no)
        for trade in providers.alipay.trades.values()
        if trade.paid_ms
    ]
    orders = [
        _piece(WECHAT, order, order.transaction_id)
        for order in providers.wechat.orders.values()
        if order.paid_ms
    ]
    return trades + orders


def _piece(provider: str, order: Trade | Order, ref: str) -> Piece:
    reversed_ = sum(order.refunds.get(word, 0) for word in ("cancel", "reverse"))
    refunded = order.refunded - reversed_
    return Piece(provider, order.out_trade_no, ref, order.total, refunded, reversed_)


def _public(key: rsa.RSAPrivateKey) -> PublicNumbers:
    numbers = key.public_key().public_numbers()
    return PublicNumbers(numbers.n, numbers.e)


def _private(key: rsa.RSAPrivateKey) -> PrivateNumbers:
    numbers = key.private_numbers()
    return PrivateNumbers(numbers.public_numbers.n, numbers.d)
