"""The shop's line is down and the customer pays by phone all the same: a real window, a real browser, a
real server, and nothing between till and cloud until the line is mended."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from PySide6.QtGui import QGuiApplication

from app.domain.payment import Anomaly, State
from app.wire.tokens import is_portable
from guidepos.bootstrap import open_till
from guidepos.embedded_cloud import EmbeddedCloud
from guidepos.online import enrol_till, sync_engine
from guidepos.till import Till
from tests.e2e.books import Books
from tests.e2e.broken_line import BrokenLine, broken_line
from tests.e2e.counter import PAY, Counter
from tests.e2e.phones import Phone, live_until

pytestmark = [pytest.mark.browser, pytest.mark.qml]


@pytest.fixture
def line(demo_cloud: EmbeddedCloud) -> Iterator[BrokenLine]:
    with broken_line(int(demo_cloud.url.rsplit(":", 1)[1])) as line:
        yield line


@pytest.fixture
def till(tmp_path: Path, demo_cloud: EmbeddedCloud, line: BrokenLine) -> Iterator[Till]:
    """A till that reaches the cloud over that line; customers' phones do not need it."""
    till = open_till(tmp_path / "till")
    enrol_till(till, line.url, demo_cloud.enrol_code("S01"))
    assert sync_engine(till).run().trouble is None
    yield till
    till.close()


@pytest.fixture
def offline(till: Till, line: BrokenLine, qapp: QGuiApplication) -> Iterator[Counter]:
    """The window of that till, signed in, with the line cut."""
    counter = Counter(till)
    counter.open()
    counter.sign_in()
    line.cut()
    counter.see("离线")
    yield counter
    counter.close()


def show_qr_offline(counter: Counter) -> str:
    """Ring up and let the customer pay by phone though the shop is offline."""
    counter.scan(*counter.goods(2))
    counter.tap(PAY)
    counter.tap("顾客手机")
    counter.see("门店离线，顾客仍可扫码付款")
    address = counter.read_qr()
    assert is_portable(address.rsplit("/", 1)[1])
    return address


def proof_on(phone: Phone) -> str:
    """Return what a camera reads from the proof on a phone's glass."""
    picture = Image.open(io.BytesIO(phone.picture(".proof .qr")))
    (code,) = zxingcpp.read_barcodes(picture.convert("L"))
    return str(code.text)


def pays(phone: Phone, address: str) -> None:
    phone.take_over_and_go_to_wallet(address)
    phone.approve()
    phone.sees("付款成功")
    phone.reads("请出示给导购")


def everything_arrived_once(counter: Counter, demo_cloud: EmbeddedCloud, folder: Path) -> None:
    reader = counter.till.store.reader
    assert live_until(lambda: reader.sync_status().unsent == 0, 180)
    Books(demo_cloud, counter.till).hold_once(counter.last_sale(), folder)
    assert counter.uneasy() == {}


def test_the_proof_on_the_customers_phone_is_the_payment_while_the_line_is_cut(
    offline: Counter, line: BrokenLine, demo_cloud: EmbeddedCloud, phone: Phone, tmp_path: Path
) -> None:
    address = show_qr_offline(offline)
    pays(phone, address)
    text = proof_on(phone)
    offline.hand.scan(text)
    sale = offline.sees_paid()
    assert line.is_cut
    attempt = offline.attempt(address)
    assert attempt.last.after.state is State.CONFIRMED
    assert attempt.last.after.anomalies == {Anomaly.PROVED}
    assert attempt.last.evidence == text
    assert sale.tenders[0].attempt_id == attempt.attempt_id

    offline.hand.scan(text)
    offline.see("这张凭证已经用过，这一单已记为已付")
    assert offline.sale_ids == [sale.sale_id]

    line.mend()
    everything_arrived_once(offline, demo_cloud, tmp_path)
    phone.reload()
    phone.reads("谢谢惠顾！导购已经收到通知。")


def test_the_digits_a_customer_reads_out_are_the_payment_and_marked(
    offline: Counter, line: BrokenLine, demo_cloud: EmbeddedCloud, phone: Phone, tmp_path: Path
) -> None:
    address = show_qr_offline(offline)
    pays(phone, address)
    offline.tap("输入口令")
    offline.see("请顾客念出 8 位口令")
    offline.hand.type("00000000\r")
    offline.see("口令不对，还可以试 2 次")
    offline.hand.type(phone.text(".aloud strong").replace(" ", "") + "\r")
    offline.sees_paid()
    assert offline.attempt(address).last.after.anomalies == {Anomaly.SPOKEN}
    line.mend()
    everything_arrived_once(offline, demo_cloud, tmp_path)


def test_a_customer_who_never_shows_the_proof_has_paid_all_the_same_once_the_line_is_back(
    offline: Counter, line: BrokenLine, demo_cloud: EmbeddedCloud, phone: Phone, tmp_path: Path
) -> None:
    """Both orders of events: here the cloud knows first, and the till hears of it by itself."""
    address = show_qr_offline(offline)
    pays(phone, address)
    line.mend()
    offline.sees_paid()
    assert offline.attempt(address).last.after.anomalies == frozenset()
    everything_arrived_once(offline, demo_cloud, tmp_path)
