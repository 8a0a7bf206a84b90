"""A customer: a phone that opens our pages in one wallet's browser or another, and pays there."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

import sqlalchemy as sa

from app.wire.tokens import b64
from cloud.db import payment_tables
from cloud.fakes.alipay import Trade
from cloud.fakes.wechat_order import Order
from cloud.gateways.base import Standing
from cloud.gateways.numbers import attempt_id_of
from cloud.pages.phone import PHONE_COOKIE, Phone
from cloud.pages.words import words
from tests.torture.money.cloud import Got, MoneyCloud
from tests.torture.money.providers import CLOSED_CODES_PAYABLE_MS

BROWSERS = ("MicroMessenger/8", "AlipayClient/10", "UnionPay/1.0", "Mozilla/5.0 Chrome")


@dataclass(frozen=True, slots=True)
class Customer:
    """One phone, by its cookie."""

    cloud: MoneyCloud
    number: int

    @property
    def phone(self) -> Phone:
        """What our pages know of it."""
        secret = b64(hashlib.sha256(str(self.number).encode()).digest())
        return Phone(secret, fresh=False, words=words("zh"))

    def open(self, token: str, browser: str) -> Got:
        """Scan a QR."""
        return self._ask("GET", f"/o/{token}", browser)

    def take(self, token: str, browser: str) -> Got:
        """Put the order into this phone's cart."""
        return self._ask("POST", f"/o/{token}/take", browser)

    def choose(self, token: str, browser: str) -> Got:
        """Tap Pay; where the wallet wants to know the payer, come back with that."""
        got = self._ask("POST", f"/o/{token}/pay", browser)
        if got.status != 200 or b"/connect/oauth2/authorize" not in got.body:
            return got
        code = f"code-{self.cloud.now_ms}-{self.number}"
        self.cloud.providers.wechat.openids[code] = f"o-{self.number}"
        state = hashlib.sha256(f"payer {self.phone.csrf}".encode()).hexdigest()
        query = urlencode({"code": code, "state": state})
        return self._ask("GET", f"/o/{token}/payer?{query}", browser)

    def _ask(self, method: str, path: str, browser: str) -> Got:
        headers = {
            "Cookie": f"{PHONE_COOKIE}={self.phone.secret}",
            "User-Agent": browser,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body = urlencode({"csrf": self.phone.csrf}).encode() if method == "POST" else b""
        return self.cloud.serve(method, path, headers, body)


Deed = Callable[[], None]


def deeds(cloud: MoneyCloud, draw: random.Random) -> list[Deed]:
    """Return what customers could do at their wallets now: pay, decline, give up, pay late, pay twice."""
    found: list[Deed] = []
    ends = {
        row.attempt_id: row.expires_ms
        for row in cloud.rows(
            sa.select(payment_tables.attempt.c.attempt_id, payment_tables.attempt.c.expires_ms)
        )
    }
    for trade in cloud.providers.alipay.trades.values():
        found += _at_alipay(cloud, trade, ends[attempt_id_of(trade.out_trade_no)], draw)
    for order in cloud.providers.wechat.orders.values():
        found += _at_wechat(cloud, order, ends[attempt_id_of(order.out_trade_no)], draw)
    return found + _in_the_sandbox(cloud, draw)


def _at_alipay(cloud: MoneyCloud, trade: Trade, end_ms: int, draw: random.Random) -> list[Deed]:
    alipay, number = cloud.providers.alipay, trade.out_trade_no

    def pay() -> None:
        alipay.scan(number)
        alipay.pay(number)

    if trade.paid_ms or cloud.now_ms > end_ms + CLOSED_CODES_PAYABLE_MS:
        return []
    match trade.status:
        case "":
            return [pay, pay, lambda: alipay.scan(number)]
        case "WAIT_BUYER_PAY":
            return [pay, pay, pay, lambda: alipay.give_up(number)]
        case _:
            return [pay] if draw.random() < 0.3 else []


def _at_wechat(cloud: MoneyCloud, order: Order, end_ms: int, draw: random.Random) -> list[Deed]:
    wechat, number = cloud.providers.wechat, order.out_trade_no
    if order.paid_ms or cloud.now_ms > end_ms + CLOSED_CODES_PAYABLE_MS:
        return []
    match order.state:
        case "NOTPAY":
            return [lambda: wechat.pay(number)] * 3
        case "USERPAYING":
            return [lambda: wechat.pay(number), lambda: wechat.give_up(number)]
        case "CLOSED":
            return [lambda: wechat.pay(number)] if draw.random() < 0.3 else []
        case _:
            return []


def _in_the_sandbox(cloud: MoneyCloud, draw: random.Random) -> list[Deed]:
    sandbox, orders = cloud.desk.sandbox, payment_tables.sandbox_order
    found: list[Deed] = []
    for row in cloud.rows(sa.select(orders)):
        number = row.payment_id
        if row.silent:
            found += [partial(sandbox.resume, number)] * 2
        elif row.standing == Standing.OPEN:
            found += [partial(sandbox.approve, number)] * 3
            found += [
                partial(sandbox.decline, number),
                partial(sandbox.stall, number),
                partial(sandbox.pay_twice, number),
            ]
        elif row.standing in (Standing.CLOSED, Standing.DECLINED):
            in_time = cloud.now_ms < row.expires_ms + CLOSED_CODES_PAYABLE_MS
            if in_time and draw.random() < 0.3:
                found.append(partial(sandbox.pay_late, number))
    return found
