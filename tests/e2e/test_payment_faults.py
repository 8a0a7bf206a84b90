"""All that goes wrong between a till's QR and a customer's wallet: nobody pays twice, no money is
lost, and the screen says only what is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from app.domain.catalog import Sku
from app.domain.money import CNY, show_amount
from app.domain.payment import Anomaly, State
from app.domain.sale import Sale, TenderKind
from guidepos.till import Till
from tests.e2e.books import Books
from tests.e2e.counter import Counter
from tests.e2e.phones import Phone, live_until

pytestmark = [pytest.mark.browser, pytest.mark.qml]

LATE = frozenset({Anomaly.LATE})


@dataclass
class Afternoon:
    """A counter whose sales are counted, here and at the cloud, from when the test began."""

    counter: Counter
    books: Books
    before: list[str] = field(init=False)
    at_cloud: int = field(init=False)

    def __post_init__(self) -> None:
        self.before = self.counter.sale_ids
        self.at_cloud = self.books.sales_today()[0]

    @property
    def sold(self) -> list[str]:
        return [sale_id for sale_id in self.counter.sale_ids if sale_id not in self.before]

    def sold_only(self, *sales: Sale) -> None:
        """Hold both books against the sales that were made."""
        assert sorted(self.sold) == sorted(sale.sale_id for sale in sales)
        reader = self.counter.till.store.reader
        assert self.counter.till.online is not None
        self.counter.till.online.sync.wake()  # what is no sale waits for the next round
        assert live_until(lambda: reader.sync_status().unsent == 0)
        assert self.books.sales_today()[0] == self.at_cloud + len(sales)
        for sale in sales:
            held = sum(row.amount for row in self.books.commission_of(sale))
            assert held == sum(one.amount for one in sale.commissions)


@pytest.fixture
def afternoon(counter: Counter, books: Books) -> Afternoon:
    return Afternoon(counter, books)


@pytest.fixture
def sku(counter: Counter) -> Sku:
    return counter.goods(1)[0]


@pytest.fixture
def slow_clock(shop_till: Till) -> Iterator[Callable[[int], None]]:
    """Sets the till's idea of the cloud's time back by some seconds; true again at the end."""

    def set_back(seconds: int) -> None:
        now = shop_till.clock.now()
        shop_till.clock.anchor(now.wall_ms - seconds * 1_000)

    yield set_back
    set_back(0)


def test_a_declined_order_is_shown_again_and_paid(
    counter: Counter, phone: Phone, sku: Sku, afternoon: Afternoon
) -> None:
    phone.take_over_and_go_to_wallet(counter.quick_sale(sku))
    phone.tap("拒绝付款")
    phone.sees("付款未成功")
    phone.sees_no_way_to_pay()
    counter.see("付款没有成功")
    assert afternoon.sold == []
    phone.take_over_and_go_to_wallet(counter.new_qr())
    phone.approve()
    phone.sees("付款成功")
    afternoon.sold_only(counter.sees_paid())


def test_a_wallet_that_falls_silent_is_unknown_until_it_speaks(
    counter: Counter, phone: Phone, sku: Sku, afternoon: Afternoon
) -> None:
    address = counter.quick_sale(sku)
    phone.take_over_and_go_to_wallet(address)
    phone.tap("卡住")
    phone.sees("正在向钱包核实")
    counter.see("还不知道")
    counter.becomes(address, State.UNKNOWN)
    counter.cannot_use("现金")
    counter.sees_nothing_of("换一个新码")
    assert afternoon.sold == []
    phone.tap("打开钱包")
    phone.tap("恢复")
    phone.sees("付款成功")
    sale = counter.sees_paid()
    assert counter.uneasy().get(counter.attempt(address).attempt_id) is None
    afternoon.sold_only(sale)


def test_stopping_while_the_wallet_is_silent_waits_for_the_truth(
    counter: Counter, phone: Phone, sku: Sku, afternoon: Afternoon
) -> None:
    phone.take_over_and_go_to_wallet(counter.quick_sale(sku))
    phone.tap("卡住")
    phone.sees("正在向钱包核实")
    counter.see("还不知道")
    counter.tap("停止收款")
    counter.see("还没关上")
    counter.cannot_use("现金")
    phone.tap("打开钱包")
    phone.tap("恢复")
    phone.sees("付款成功")
    afternoon.sold_only(counter.sees_paid())


def test_an_order_that_ran_out_says_so_on_both_screens_and_can_be_paid_anew(
    counter: Counter,
    phone: Phone,
    sku: Sku,
    afternoon: Afternoon,
    slow_clock: Callable[[int], None],
) -> None:
    counter.scan(sku)
    slow_clock(5 * 60 - 20)  # the code is shown with a third of a minute left
    address = counter.show_qr()
    slow_clock(0)  # as the next hello would
    phone.scan(address)
    phone.sees("二维码已过期")
    phone.sees_no_way_to_pay()
    counter.see("二维码已过期")
    counter.becomes(address, State.EXPIRED)
    assert afternoon.sold == []
    phone.take_over_and_go_to_wallet(counter.new_qr())
    phone.approve()
    afternoon.sold_only(counter.sees_paid())


def test_a_second_phone_finds_the_order_taken_and_no_way_to_pay(
    counter: Counter,
    phone: Phone,
    open_phone: Callable[[], Phone],
    sku: Sku,
    afternoon: Afternoon,
) -> None:
    address, other = counter.quick_sale(sku), open_phone()
    phone.scan(address)
    phone.take_over()
    other.scan(address)
    other.sees("已被另一部手机领取")
    other.sees_no_way_to_pay()
    assert other.lines() == []
    phone.to_wallet()
    phone.approve()
    phone.sees("付款成功")
    sale = counter.sees_paid()
    other.reload()
    other.sees("订单已付款")
    other.sees_no_way_to_pay()
    afternoon.sold_only(sale)


@pytest.mark.fault(36, "late money lies on the desk and waits for a decision")
def test_money_that_comes_after_the_till_cancelled_is_late_and_waits_for_a_decision(
    counter: Counter, phone: Phone, sku: Sku, afternoon: Afternoon
) -> None:
    address = counter.quick_sale(sku)
    phone.take_over_and_go_to_wallet(address)
    counter.tap("停止收款")
    counter.see("已关闭，没有付款")
    phone.tap("支付")
    phone.reads("商家已关闭订单")
    assert afternoon.sold == []
    phone.tap("订单结束后才付款")
    phone.sees("款项在订单关闭后到账")
    counter.see("迟到款")
    attempt = counter.becomes(address, State.CONFIRMED)
    assert attempt.last.received == attempt.last.amount
    assert counter.uneasy()[attempt.attempt_id] == LATE
    assert afternoon.sold == []
    counter.tap("补成交，现在交货")
    afternoon.sold_only(counter.sees_paid())


def test_late_money_for_a_cart_that_was_sold_for_cash_makes_no_second_sale(
    counter: Counter, phone: Phone, sku: Sku, afternoon: Afternoon
) -> None:
    address = counter.quick_sale(sku)
    phone.take_over_and_go_to_wallet(address)
    counter.tap("停止收款")
    counter.see("已关闭，没有付款")
    counter.tap("现金")
    sale = counter.take_cash()
    phone.tap("支付")
    phone.tap("订单结束后才付款")
    phone.sees("款项在订单关闭后到账")
    counter.see("迟到款")
    attempt = counter.becomes(address, State.CONFIRMED)
    assert counter.uneasy()[attempt.attempt_id] == LATE
    assert [tender.kind for tender in sale.tenders] == [TenderKind.CASH]
    afternoon.sold_only(sale)


def test_cash_instead_closes_the_code_first(
    counter: Counter, phone: Phone, sku: Sku, afternoon: Afternoon
) -> None:
    address = counter.quick_sale(sku)
    counter.tap("现金")
    sale = counter.take_cash()
    counter.becomes(address, State.CANCELLED)
    phone.scan(address)
    phone.sees("门店已取消订单")
    phone.sees_no_way_to_pay()
    afternoon.sold_only(sale)


@pytest.mark.fault(35, "one sale; the surplus waits for a decision")
def test_an_order_paid_twice_is_one_sale_and_the_surplus_is_on_record(
    counter: Counter, phone: Phone, sku: Sku, afternoon: Afternoon
) -> None:
    address = counter.quick_sale(sku)
    phone.take_over_and_go_to_wallet(address)
    phone.tap("重复付款两次")
    phone.sees("支付金额多于应付")
    sale = counter.sees_paid()
    attempt = counter.attempt(address)
    assert live_until(lambda: counter.attempt(address).last.received == 2 * sale.total)
    assert counter.uneasy()[attempt.attempt_id] == {Anomaly.OVER}
    afternoon.sold_only(sale)


def test_a_second_payment_after_the_customer_left_is_told_by_its_receipt(
    counter: Counter, phone: Phone, sku: Sku, afternoon: Afternoon
) -> None:
    address = counter.quick_sale(sku)
    phone.take_over_and_go_to_wallet(address)
    phone.approve()
    phone.sees("付款成功")
    sale = counter.sees_paid()
    phone.back()
    phone.tap("重复付款两次")
    phone.sees("支付金额多于应付")
    counter.see(f"小票 {sale.receipt_no} 多收 {show_amount(sale.total, CNY)}")
    assert counter.attempt(address).last.received == 2 * sale.total
    assert counter.uneasy()[counter.attempt(address).attempt_id] == {Anomaly.OVER}
    afternoon.sold_only(sale)


def test_a_double_tap_pays_once(
    counter: Counter, phone: Phone, sku: Sku, afternoon: Afternoon
) -> None:
    address = counter.quick_sale(sku)
    phone.scan(address)
    phone.take_over()
    sent = phone.tap_twice("付款")
    phone.reads("演练环境，不会动用真实资金。")
    phone.tap_twice("支付")
    phone.sees("付款成功")
    assert [one.rsplit("/", 1)[1] for one in sent] == ["pay", "approve"]
    sale = counter.sees_paid()
    assert counter.attempt(address).last.received == sale.total
    assert counter.attempt(address).last.after.anomalies == frozenset()
    afternoon.sold_only(sale)


def test_going_back_after_paying_shows_the_receipt_and_pays_nothing(
    counter: Counter, phone: Phone, sku: Sku, afternoon: Afternoon
) -> None:
    address = counter.quick_sale(sku)
    phone.take_over_and_go_to_wallet(address)
    phone.approve()
    phone.sees("付款成功")
    phone.back()
    phone.reads("钱包已通知商家。")
    phone.back()
    phone.sees("付款成功")
    sale = counter.sees_paid()
    assert counter.attempt(address).last.received == sale.total
    afternoon.sold_only(sale)
