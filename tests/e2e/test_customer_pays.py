"""Cart, QR, the customer's phone, sale, commission, cloud: the main job in one piece, nothing played
by hand but the guide and the customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median

import pytest

from app.domain.money import CNY, show_amount
from app.domain.pricing import PricedLine, Reason
from tests.e2e.books import Books
from tests.e2e.counter import Counter
from tests.e2e.phones import Approval, Phone, SeenLine, live_until

pytestmark = [pytest.mark.browser, pytest.mark.qml]

SLOWEST_MS = 5_000
"""Far above the second we promise, so that a machine busy with other things fails no test."""


def test_the_phone_shows_the_cart_takes_it_over_and_pays_and_all_books_hold_it_once(
    counter: Counter, phone: Phone, books: Books, tmp_path: Path
) -> None:
    coat, scarf, shirt = goods = counter.goods(3)
    stock = [counter.own_stock(sku) for sku in goods]
    sold_before, net_before = books.sales_today()
    known = counter.sale_ids

    counter.scan(coat, scarf, scarf, shirt)
    gold = next(m for m in counter.till.store.reader.find_members("154", 50) if m.tier == "gold")
    counter.attach_member(gold.phone, gold.name)
    give_discount(counter, "这一行打折", "季末优惠", "9 折")
    give_discount(counter, "整单优惠", "店内议价", "9.5 折")
    cart = counter.cart
    address = counter.show_qr()

    phone.scan(address)
    phone.sees("您的订单已备好")
    words = {row.code: row.name for row in counter.till.store.reader.discount_reasons()}
    assert phone.lines() == [expected_line(line, words) for line in cart.lines]
    assert phone.total() == show_amount(cart.total, CNY)
    assert phone.savings() == ["商品优惠", *reason_words(cart.order_reasons, words)]
    counter.see("顾客正在看订单")
    phone.take_over()
    assert phone.lines() == [expected_line(line, words) for line in cart.lines]
    phone.to_wallet()
    approval = phone.approve()
    phone.sees("付款成功")
    sale = counter.sees_paid()
    report("wallet → paid on screen", [(approval, counter.paid_frame_ms)])

    assert [one for one in counter.sale_ids if one not in known] == [sale.sale_id]
    assert (sale.total, sale.member_ref) == (cart.total, gold.member_ref)
    assert [line.quantity for line in sale.lines] == [1, 2, 1]
    assert sum(tender.amount for tender in sale.tenders) == cart.total
    assert [counter.own_stock(sku) for sku in goods] == [stock[0] - 1, stock[1] - 2, stock[2] - 1]

    everything_is_sent(counter)
    books.hold_once(sale, tmp_path)
    assert books.sales_today() == (sold_before + 1, net_before + sale.total)
    phone.reload()
    phone.sees("付款成功")
    assert phone.total() == show_amount(sale.total, CNY)


def test_ten_customers_in_a_row_are_each_seen_paying_at_once(
    counter: Counter, phone: Phone, books: Books
) -> None:
    known, before = counter.sale_ids, books.sales_today()[0]
    (sku,) = counter.goods(1)
    measured = []
    for _ in range(10):
        phone.take_over_and_go_to_wallet(counter.quick_sale(sku))
        approval = phone.approve()
        counter.sees_paid()
        measured.append((approval, counter.paid_frame_ms))
    report("wallet → paid on screen", measured)
    assert len(counter.sale_ids) == len(known) + 10
    everything_is_sent(counter)
    assert books.sales_today()[0] == before + 10


# --- telling and expecting ------------------------------------------------------------------------


def report(name: str, measured: list[tuple[Approval, float]]) -> None:
    """Print how long after the wallet's tap and after its answer the till showed paid."""
    after_tap = [frame - approval.sent_ms for approval, frame in measured]
    after_answer = [frame - approval.confirmed_ms for approval, frame in measured]
    print(  # noqa: T201 - the measured figure is for people
        f"{name}: median {median(after_tap):.0f} ms after the tap"
        f" (worst {max(after_tap):.0f}), {median(after_answer):+.0f} ms after the wallet's answer"
        f" (worst {max(after_answer):+.0f}), n={len(measured)}"
    )
    assert max(after_tap) <= SLOWEST_MS


def everything_is_sent(counter: Counter) -> None:
    """Wait until the till has nothing unsent, by itself."""
    assert live_until(lambda: counter.till.store.reader.sync_status().unsent == 0)


def give_discount(counter: Counter, where: str, why: str, rate: str) -> None:
    """Take something off the selected line or the whole order."""
    before = counter.cart.savings
    for name in (where, why, rate, "使用优惠"):
        counter.tap(name)
    assert live_until(lambda: counter.cart.savings > before)


def expected_line(priced: PricedLine, words: Mapping[str, str]) -> SeenLine:
    """Return what a customer must read of a line; `words` names the shop's reasons."""
    sku = priced.line.sku
    return SeenLine(
        name=sku.name,
        colour=sku.colour,
        size=f"尺码 {sku.size}",
        quantity=f"×{priced.line.quantity}",
        amount=show_amount(priced.net, CNY),
        was=show_amount(priced.gross, CNY) if priced.gross != priced.net else "",
        reasons=reason_words(priced.reasons, words),
    )


def reason_words(reasons: Iterable[Reason], words: Mapping[str, str]) -> tuple[str, ...]:
    """Return reasons as the Chinese page words them: 10 % off is 9 折."""
    return tuple(f"{words[one.code]} {(10_000 - one.rate_bp) / 1_000:g} 折" for one in reasons)
