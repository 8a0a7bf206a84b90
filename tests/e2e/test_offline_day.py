"""A day on which the line fails: the till sells on, says honestly what works, and everything arrives
at the cloud exactly once, whatever is cut off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication

from app.domain.catalog import Sku
from app.domain.payment import State
from app.domain.sale import Sale, TenderKind
from guidepos.bootstrap import open_till
from guidepos.embedded_cloud import EmbeddedCloud
from guidepos.online import enrol_till, sync_engine
from guidepos.till import Till
from tests.e2e.books import Books
from tests.e2e.broken_line import BrokenLine, broken_line
from tests.e2e.counter import PAY, Counter, own_stock
from tests.e2e.phones import Phone, live_until

pytestmark = pytest.mark.qml

NAME, PHONE = "欧阳映雪", "15400098765"


@pytest.fixture
def line(demo_cloud: EmbeddedCloud) -> Iterator[BrokenLine]:
    """A line to the cloud that can lose answers."""
    with broken_line(int(demo_cloud.url.rsplit(":", 1)[1])) as line:
        yield line


@pytest.fixture
def new_till(tmp_path: Path, demo_cloud: EmbeddedCloud, line: BrokenLine) -> Iterator[Till]:
    """A till that reaches the cloud over that line and has sold nothing yet."""
    till = open_till(tmp_path / "till")
    enrol_till(till, line.url, demo_cloud.enrol_code("S01"))
    report = sync_engine(till).run()
    assert report.trouble is None
    yield till
    till.close()


@pytest.fixture
def remote(new_till: Till, qapp: QGuiApplication) -> Iterator[Counter]:
    """The window of that till, signed in."""
    counter = Counter(new_till)
    counter.open()
    counter.sign_in()
    yield counter
    counter.close()


def sell_for_cash(counter: Counter, sku: Sku) -> Sale:
    """Sell one piece for cash, coming from the sell screen."""
    counter.scan(sku)
    counter.tap(PAY)
    counter.see("顾客手机")
    counter.tap("现金")
    return counter.take_cash()


def everything_arrived_once(counter: Counter, books: Books, folder: Path, *sales: Sale) -> None:
    """Wait until nothing is unsent, then hold the cloud against the sales; a second sync adds nothing."""
    reader = counter.till.store.reader
    assert live_until(lambda: reader.sync_status().unsent == 0, 180)
    held = books.exported(folder)
    for sale in sales:
        assert held.count((sale.receipt_no, sale.total)) == 1
        books.hold_once(sale, folder)
    before = books.sales_today()
    counter.till.go_offline()  # two engines must not run at a time
    again = sync_engine(counter.till).run()
    assert (again.trouble, again.pushed, again.duplicates) == (None, 0, 0)
    assert books.sales_today() == before
    assert books.exported(folder) == held


@pytest.mark.fault(16, "the chip counts what waits; it is sent by itself when the cloud is well")
def test_a_till_without_its_cloud_sells_tells_and_catches_up_by_itself(
    remote: Counter, new_till: Till, demo_cloud: EmbeddedCloud, shop_till: Till, tmp_path: Path
) -> None:
    books = Books(demo_cloud, new_till)
    sold_before = books.sales_today()[0]
    sync_engine(shop_till).run()
    (sku,) = remote.goods(1)
    stock_before = own_stock(shop_till, sku)
    assert own_stock(new_till, sku) == stock_before
    demo_cloud.stop()
    try:
        remote.see("离线")
        remote.tap("离线")
        remote.says(
            "现金收款: 现在可用",
            "顾客扫码付款: 用旧数据",
            "会员入会和修改: 先存后传",
            "查会员: 用旧数据",
            "上传销售和提成: 先存后传",
            "关闭程序: 现在可用",
        )
        remote.tap("关闭")

        sales = [sell_for_cash(remote, sku)]
        remote.scan(sku)
        join_and_attach(remote)
        remote.tap(PAY)
        remote.see("收下现金")
        hint = remote.shell.screens.counter.pay.property("phoneHint")
        assert hint == "离线也能付，凭证给您看"
        sales.append(remote.take_cash())
        assert sales[1].member_ref
        assert [tender.kind for sale in sales for tender in sale.tenders] == [TenderKind.CASH] * 2
        assert new_till.store.reader.sync_status().unsent == 2
        assert new_till.store.reader.sync_status().member_changes == 1
        remote.tap("离线")
        remote.says("2 条记录还没上传", "1 项会员资料待传")
        remote.tap("关闭")
    finally:
        demo_cloud.start()

    remote.see("已同步")
    reader = new_till.store.reader
    assert live_until(lambda: reader.sync_status().member_changes == 0)
    everything_arrived_once(remote, books, tmp_path, *sales)
    assert books.sales_today()[0] == sold_before + 2
    sync_engine(shop_till).run()
    assert own_stock(shop_till, sku) == own_stock(new_till, sku) == stock_before - 2
    (member,) = shop_till.store.reader.find_members(PHONE)
    assert (member.member_ref, member.name) == (sales[1].member_ref, NAME)


@pytest.mark.parametrize("times", [1, 2], ids=["sent-again-at-once", "sent-again-later"])
@pytest.mark.fault(12, "nothing; the next round finds that all is there")
def test_a_sale_whose_answer_was_lost_is_at_the_cloud_once(
    remote: Counter,
    new_till: Till,
    demo_cloud: EmbeddedCloud,
    line: BrokenLine,
    tmp_path: Path,
    times: int,
) -> None:
    line.lose("POST /v1/sync/push", times)
    sale = sell_for_cash(remote, *remote.goods(1))
    assert live_until(lambda: len(line.lost) == times)
    everything_arrived_once(remote, Books(demo_cloud, new_till), tmp_path, sale)


def test_a_member_whose_answer_was_lost_is_at_the_cloud_once(
    remote: Counter, new_till: Till, shop_till: Till, line: BrokenLine
) -> None:
    line.lose("POST /v1/members/push")
    remote.scan(*remote.goods(1))
    join_and_attach(remote, "慕容听雨", "15400012345")
    remote.tap("已同步")
    remote.tap("立即同步")
    assert live_until(lambda: len(line.lost) == 1)
    assert live_until(lambda: new_till.store.reader.sync_status().member_changes == 0)
    sync_engine(shop_till).run()
    assert len(shop_till.store.reader.find_members("15400012345")) == 1


@pytest.mark.browser
def test_an_order_whose_registering_was_not_answered_can_be_shown_anew_and_is_paid_once(
    remote: Counter,
    new_till: Till,
    demo_cloud: EmbeddedCloud,
    line: BrokenLine,
    phone: Phone,
    tmp_path: Path,
) -> None:
    line.lose("POST /v1/payments ", 2)  # one alone would be sent again at once and not be noticed
    remote.scan(*remote.goods(1))
    remote.tap(PAY)
    remote.see("没能出码")
    assert len(line.lost) == 2
    phone.take_over_and_go_to_wallet(remote.new_qr())
    phone.approve()
    sale = remote.sees_paid()
    everything_arrived_once(remote, Books(demo_cloud, new_till), tmp_path, sale)


@pytest.mark.browser
def test_a_stop_that_was_not_answered_is_asked_again_until_the_cloud_says_closed(
    remote: Counter, line: BrokenLine, phone: Phone
) -> None:
    address = remote.quick_sale(*remote.goods(1))
    phone.scan(address)
    phone.take_over()
    line.lose(f"POST /v1/payments/{remote.attempt(address).attempt_id}/cancel")
    remote.tap("停止收款")
    remote.see("已关闭，没有付款")
    assert len(line.lost) == 1
    remote.becomes(address, State.CANCELLED)
    phone.sees("门店已取消订单")
    assert remote.sale_ids == []


@pytest.mark.browser
def test_the_line_may_fail_while_the_customer_pays(
    remote: Counter,
    new_till: Till,
    demo_cloud: EmbeddedCloud,
    line: BrokenLine,
    phone: Phone,
    tmp_path: Path,
) -> None:
    address = remote.quick_sale(*remote.goods(1))
    phone.take_over_and_go_to_wallet(address)
    line.lose(f"GET /v1/payments/{remote.attempt(address).attempt_id}")
    phone.approve()
    phone.sees("付款成功")
    sale = remote.sees_paid()
    assert len(line.lost) == 1
    everything_arrived_once(remote, Books(demo_cloud, new_till), tmp_path, sale)


def join_and_attach(counter: Counter, name: str = NAME, phone: str = PHONE) -> None:
    """Let a new customer join on the spot."""
    counter.tap("添加会员")
    counter.see("手机")
    counter.hand.type(phone)
    counter.tap("新会员入会")
    counter.see("入会并使用")
    counter.hand.type(name)
    counter.tap("入会并使用")
    assert live_until(lambda: bool(counter.cart.cart.member_ref))
