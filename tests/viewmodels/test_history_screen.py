"""Receipts of the day: listed, found by number, explained to the fen, printed again as a copy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication

from app.domain.cart import Discount, DiscountKind
from app.domain.people import even_shares
from tests.qml.counterdesk import CounterDesk, open_counter


@pytest.fixture
def desk(furnished: Path, tmp_path: Path, qapp: QGuiApplication) -> Iterator[CounterDesk]:
    opened = open_counter(furnished, tmp_path / "till")
    yield opened
    opened.close()


@pytest.fixture
def history(desk: CounterDesk) -> Any:
    vm: Any = desk.counter.history
    desk.a_days_work(5)
    vm.load()
    return vm


def texts(vm: Any, kind: str) -> list[tuple[str, str, str]]:
    return [(r["text"], r["detail"], r["amount"]) for r in vm.parts.rows if r["kind"] == kind]


def test_an_empty_day_says_so(desk):
    vm: Any = desk.counter.history
    vm.load()
    assert vm.isEmpty
    assert vm.emptyTitle == "今天还没有单据"


def test_the_newest_receipt_comes_first_with_sum_and_mark(desk, history):
    rows = history.documents.rows
    assert [row["receiptNo"][-1] for row in rows] == ["5", "4", "3", "2", "1"]
    assert {row["sentText"] for row in rows} == {"待上传"}
    net = sum(found.net for found in desk.till.store.reader.documents())
    assert history.summary == f"5 单 · 净额 {desk.words.amount(net)}"


def test_a_search_by_number_finds_over_all_days(desk, history):
    desk.clock.advance(5 * 86_400)
    history.load()
    assert history.isEmpty
    history.search("000003")
    assert [row["receiptNo"][-6:] for row in history.documents.rows] == ["000003"]
    assert "月" in history.documents.rows[0]["at"]
    history.search("nothing like it")
    assert history.emptyTitle == "没有这个小票号"
    history.search("")
    assert history.emptyTitle == "今天还没有单据"


@pytest.mark.parametrize(
    "text", ["%", "_", "'", '"; DROP TABLE sales; --', "＊", "\x00", "🧥" * 60]
)
def test_nothing_typed_into_the_search_does_harm(history, text: str):
    history.search(text)
    history.search("")
    assert history.documents.rowCount() == 5


def test_a_document_explains_its_lines_reasons_tenders_and_commission(desk, history):
    service = desk.till.checkout
    priced = desk.cart(0)
    off = Discount(DiscountKind.PERCENT_OFF, 500, "seasonal")
    priced = service.discount_line(priced, 1, (off,), desk.manager)
    guides = [person.person_id for person in desk.till.session.people()[:3]]
    priced = service.set_guides(priced, 1, even_shares(guides))
    sale = desk.sell_cash(priced, priced.total + 1_000)
    history.load()
    history.choose(sale.sale_id)
    assert history.title == f"销售 {sale.receipt_no}"
    assert texts(history, "reason")[0][0] == "季末优惠 · 9.5 折"
    assert texts(history, "tender")[0][:2] == (
        "现金",
        f"收 {desk.words.amount(sale.total + 1_000)} 找 ¥10.00",
    )
    explained = texts(history, "commission")
    assert len(explained) == 3
    for entry, (_, detail, amount) in zip(sale.commissions, explained, strict=True):
        assert amount == desk.words.amount(entry.amount)
        assert f"= {amount}" in detail
        assert desk.words.amount(entry.base) in detail


def test_commissions_shown_sum_to_what_the_sale_earned(desk, history):
    for row in history.documents.rows:
        history.choose(row["key"])
        document = desk.till.store.reader.document(row["key"])
        shown = [amount for _, _, amount in texts(history, "commission")]
        assert shown == [desk.words.amount(entry.amount) for entry in document.commissions]


def test_a_reprint_is_a_copy_after_the_first_print(desk, history, qtbot):
    history.choose(history.documents.keys[0])
    for _ in range(2):
        with qtbot.waitSignal(history.notice):
            history.reprint()
    assert [receipt.copy for receipt in desk.printer.printed] == [False, True]


def test_choosing_nothing_or_nonsense_shows_nothing(history):
    history.choose(history.documents.keys[0])
    assert history.hasChosen
    history.choose("no such document")
    assert not history.hasChosen
    history.choose("")
    assert history.parts.rowCount() == 0


def test_a_switch_of_language_is_followed_by_list_and_document(desk, history):
    history.choose(history.documents.keys[0])
    desk.words.speak("en")
    assert history.title.startswith("Sale ")
    assert history.documents.rows[0]["sentText"] == "Not sent yet"
    assert texts(history, "tender")[0][0] == "Cash"
