"""A till that is closed, or dies, while its customer pays: the sale is there when it is back, once."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from app.domain.payment import Anomaly, State
from guidepos.bootstrap import open_till
from guidepos.embedded_cloud import EmbeddedCloud
from tests.e2e.books import Books
from tests.e2e.counter import Counter
from tests.e2e.phones import Phone, live_until

pytestmark = [pytest.mark.browser, pytest.mark.qml]

PROJECT = Path(__file__).parents[2]


@contextmanager
def till_window(home: Path) -> Iterator[Counter]:
    """Open the till in a folder with its window, signed in, for the length of a block."""
    with closing(open_till(home)) as till:
        counter = Counter(till)
        counter.open()
        try:
            counter.sign_in()
            yield counter
        finally:
            counter.close()


@contextmanager
def till_process(home: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a till of its own that shows a QR; killed at the latest when the block ends."""
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.till_program", str(home)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    assert running.stdout is not None
    try:
        yield running, running.stdout.readline().strip()
    finally:
        running.kill()
        running.communicate()


def paid_once(counter: Counter, cloud: EmbeddedCloud, address: str, folder: Path) -> None:
    """Wait until the till knows that it was paid; hold it and the cloud against exactly one sale."""
    assert live_until(lambda: len(counter.sale_ids) == 1)
    sale = counter.last_sale()
    attempt = counter.becomes(address, State.CONFIRMED)
    assert (attempt.last.sale_id, attempt.last.received) == (sale.sale_id, sale.total)
    assert counter.uneasy() == {}
    assert counter.cart.units == 0
    reader = counter.till.store.reader
    assert reader.drafts() == ()
    assert live_until(lambda: reader.sync_status().unsent == 0)
    assert counter.till.store.verify_journal() is None
    Books(cloud, counter.till).hold_once(sale, folder)


def test_a_till_closed_while_its_customer_pays_has_the_sale_when_it_opens_again(
    fresh_home: Path, demo_cloud: EmbeddedCloud, phone: Phone, tmp_path: Path
) -> None:
    with till_window(fresh_home) as counter:
        address = counter.quick_sale(*counter.goods(1))
        phone.take_over_and_go_to_wallet(address)
    phone.approve()
    phone.sees("付款成功")
    with till_window(fresh_home) as counter:
        paid_once(counter, demo_cloud, address, tmp_path)


def test_a_till_reopened_before_its_customer_pays_shows_the_same_code_again(
    fresh_home: Path, demo_cloud: EmbeddedCloud, phone: Phone, tmp_path: Path
) -> None:
    with till_window(fresh_home) as counter:
        address = counter.quick_sale(*counter.goods(1))
        phone.take_over_and_go_to_wallet(address)
    with till_window(fresh_home) as counter:
        assert counter.cart.units == 1
        assert counter.read_qr() == address  # nobody has to ask for it
        phone.approve()
        counter.sees_paid()
        paid_once(counter, demo_cloud, address, tmp_path)


@pytest.mark.fault(36, "late money lies on the desk and waits for a decision")
def test_money_that_came_late_while_the_till_was_closed_is_on_its_desk_when_it_opens(
    fresh_home: Path, phone: Phone
) -> None:
    with till_window(fresh_home) as counter:
        address = counter.quick_sale(*counter.goods(1))
        phone.take_over_and_go_to_wallet(address)
        counter.tap("停止收款")
        counter.see("已关闭，没有付款")
    phone.tap("支付")
    phone.tap("订单结束后才付款")
    phone.sees("款项在订单关闭后到账")
    with till_window(fresh_home) as counter:
        attempt = counter.becomes(address, State.CONFIRMED)
        assert counter.uneasy() == {attempt.attempt_id: {Anomaly.LATE}}
        assert counter.sale_ids == []
        assert attempt.last.received == attempt.last.amount


@pytest.mark.fault(2, "the sale is there when the till opens again")
def test_a_till_killed_between_paid_and_recorded_has_exactly_one_sale(
    fresh_home: Path, demo_cloud: EmbeddedCloud, phone: Phone, tmp_path: Path
) -> None:
    with till_process(fresh_home) as (running, address):
        phone.take_over_and_go_to_wallet(address)
        running.send_signal(signal.SIGSTOP)  # it hears nothing any more, like a till losing power
        phone.approve()
        phone.sees("付款成功")
        running.kill()
        running.wait()
    with till_window(fresh_home) as counter:
        paid_once(counter, demo_cloud, address, tmp_path)


@pytest.mark.fault(2, "the sale is there when the till opens again")
def test_a_till_killed_the_moment_the_wallet_answers_has_exactly_one_sale(
    fresh_home: Path, demo_cloud: EmbeddedCloud, phone: Phone, tmp_path: Path
) -> None:
    with till_process(fresh_home) as (running, address):
        phone.take_over_and_go_to_wallet(address)
        phone.approve()
        running.kill()
        running.wait()
    with till_window(fresh_home) as counter:
        paid_once(counter, demo_cloud, address, tmp_path)
