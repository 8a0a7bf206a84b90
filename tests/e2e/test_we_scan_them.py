"""The guide scans the customer's code: a real window, a real cloud, and both make-believe providers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from PySide6.QtGui import QGuiApplication

from app.domain.payment import State
from cloud.fakes.faults import Fault
from cloud.fakes.furnish import furnish
from cloud.fakes.serve import Providers, serving
from guidepos.bootstrap import open_till
from guidepos.demo_home import enrol_with
from guidepos.embedded_cloud import EmbeddedCloud, embedded_cloud
from guidepos.till import Till
from tests.e2e.counter import Counter
from tests.e2e.phones import live_until

pytestmark = pytest.mark.qml

CODES = {"alipay": "28982105115796236", "wechat": "13006109882800940"}
"""Codes but for their last digit: 0 pays, 1 is refused, 2 asks for a password."""
UNIONPAY = "6212345678901234567"
WALLETS = pytest.mark.parametrize("wallet", CODES)


@dataclass
class Street:
    """A shop with accounts at both wallets."""

    cloud: EmbeddedCloud
    till: Till
    providers: Providers

    def asked(self, wallet: str) -> int:
        """How often the wallet was asked for money."""
        if wallet == "alipay":
            return self.providers.alipay.calls.count("alipay.trade.pay")
        return self.providers.wechat.calls.count("POST /v3/pay/transactions/codepay")

    def newest(self, wallet: str) -> str:
        """The number of the newest order at a wallet."""
        orders = (
            self.providers.alipay.trades if wallet == "alipay" else self.providers.wechat.orders
        )
        return next(reversed(orders))

    def types_password(self, wallet: str) -> None:
        """The customer does as the phone asks."""
        provider = self.providers.alipay if wallet == "alipay" else self.providers.wechat
        with self.providers.lock:
            provider.pay(self.newest(wallet))

    def standing(self, wallet: str) -> str:
        """How the newest order stands there."""
        number = self.newest(wallet)
        if wallet == "alipay":
            return self.providers.alipay.trades[number].status
        return self.providers.wechat.orders[number].state


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    home, made = tmp_path_factory.mktemp("street"), furnish()

    def now_ms() -> int:
        return time.time_ns() // 1_000_000

    with serving(lambda base: made.providers(base, now_ms)) as (base, providers):
        made.write(home / "cloud" / "gateways", base)
        with embedded_cloud(home / "cloud") as cloud:
            cloud.load_demo()
            till = open_till(home / "till")
            enrol_with(till, cloud)
            yield Street(cloud, till, providers)
            till.close()


@pytest.fixture
def counter(street: Street, qapp: QGuiApplication) -> Iterator[Counter]:
    counter = Counter(street.till)
    counter.clear()
    counter.open()
    counter.sign_in()
    yield counter
    counter.close()


@pytest.fixture
def due(counter: Counter) -> Callable[[], str]:
    """Rings a piece up and returns the address of its QR, which stays unused."""
    return lambda: counter.quick_sale(*counter.goods(1))


@WALLETS
def test_one_scan_pays(street: Street, counter: Counter, due, wallet: str) -> None:
    before = street.asked(wallet)
    address = due()
    counter.hand.scan(CODES[wallet] + "0")
    sale = counter.sees_paid()
    (tender,) = sale.tenders
    attempt = counter.attempt(address)
    assert (tender.attempt_id, tender.provider) == (attempt.attempt_id, wallet)
    assert attempt.last.received == sale.total
    assert attempt.last.after.anomalies == frozenset()
    assert street.asked(wallet) == before + 1


@WALLETS
def test_a_password_is_waited_for_and_a_second_scan_takes_nothing(
    street: Street, counter: Counter, due, wallet: str
) -> None:
    before = street.asked(wallet)
    due()
    counter.hand.scan(CODES[wallet] + "2")
    counter.see("等顾客在手机上输入密码")
    counter.hand.scan(CODES[wallet] + "2")
    counter.see("不会重复扣款")
    street.types_password(wallet)
    sale = counter.sees_paid()
    assert sale.tenders[0].provider == wallet
    assert street.asked(wallet) == before + 1


@WALLETS
def test_who_gives_up_at_the_password_is_reversed_and_pays_in_cash(
    street: Street, counter: Counter, due, wallet: str
) -> None:
    address = due()
    counter.hand.scan(CODES[wallet] + "2")
    counter.see("等顾客在手机上输入密码")
    counter.tap("停止收款")
    counter.see("已关闭，没有付款")
    assert street.standing(wallet) in ("TRADE_CLOSED", "REVOKED")
    counter.becomes(address, State.CANCELLED)
    counter.tap("现金")
    counter.take_cash()


@WALLETS
@pytest.mark.fault(12, "not known yet; a moment later paid, and taken once")
def test_a_lost_answer_is_found_out_and_taken_once(
    street: Street, counter: Counter, due, wallet: str
) -> None:
    before = street.asked(wallet)
    provider = street.providers.alipay if wallet == "alipay" else street.providers.wechat
    due()
    with street.providers.lock:
        provider.faults.then(Fault.LOSE_ANSWER)
    counter.hand.scan(CODES[wallet] + "0")
    sale = counter.sees_paid()
    assert sale.tenders[0].provider == wallet
    assert street.asked(wallet) == before + 1


@WALLETS
def test_a_refused_code_says_so_and_another_one_pays(
    street: Street, counter: Counter, due, wallet: str
) -> None:
    before = street.asked(wallet)
    due()
    counter.hand.scan(CODES[wallet] + "1")
    counter.see("付款没有成功")
    counter.hand.scan(CODES[wallet] + "0")
    counter.sees_paid()
    assert street.asked(wallet) == before + 2


def test_a_wallet_without_an_account_is_named(street: Street, counter: Counter, due) -> None:
    before = {wallet: street.asked(wallet) for wallet in CODES}
    due()
    counter.hand.scan(UNIONPAY)
    counter.see("本店没有开通云闪付收款")
    assert {wallet: street.asked(wallet) for wallet in CODES} == before
    counter.tap("现金")
    counter.take_cash()


def test_a_wallets_own_code_is_shown_in_the_place_of_ours(
    street: Street, counter: Counter, due
) -> None:
    ours = due()
    counter.tap("支付宝")
    assert live_until(lambda: counter.read_qr() != ours)
    own = counter.read_qr()
    number = street.providers.alipay.codes[own.rsplit("/", 1)[1]]
    with street.providers.lock:
        street.providers.alipay.scan(number)
        street.providers.alipay.pay(number)
    assert live_until(
        lambda: (
            street.till.payments.refresh(counter.attempt(ours).attempt_id).result().state.state
            is State.CONFIRMED
        )
    )
    assert counter.sees_paid().tenders[0].provider == "alipay"
