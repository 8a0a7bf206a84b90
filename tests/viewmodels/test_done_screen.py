"""After a sale: how it was paid, a receipt that can be printed, and a copy that says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication

from app.domain.receipt import Receipt
from tests.qml.counterdesk import CounterDesk, open_counter

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c63f80f00010101001bb6ee560000000049454e44ae426082"
)


@pytest.fixture
def rasters() -> list[tuple[Receipt, str]]:
    """What was drawn."""
    return []


@pytest.fixture
def desk(
    furnished: Path, tmp_path: Path, qapp: QGuiApplication, rasters: list[tuple[Receipt, str]]
) -> Iterator[CounterDesk]:
    def raster(receipt: Receipt, language: str) -> bytes:
        rasters.append((receipt, language))
        return PNG

    opened = open_counter(furnished, tmp_path / "till", raster=raster)
    yield opened
    opened.close()


@pytest.fixture
def done(desk: CounterDesk, qtbot) -> Any:
    vm: Any = desk.counter.done
    priced = desk.cart(1, 2, member=0)
    vm.show(desk.sell_cash(priced, priced.total + 5_000))
    qtbot.waitUntil(lambda: vm.previewUrl != "")
    return vm


def test_it_tells_amount_way_number_and_change(desk, done):
    assert done.amount == desk.words.amount(desk.till.store.reader.documents()[0].net)
    assert done.changeLine == "找零 ¥50.00"
    assert done.how.startswith("现金 ¥")
    assert "000001" in done.receiptNo


def test_the_customers_copy_says_nothing_of_commission(done):
    kinds = {row["kind"] for row in done.parts.rows}
    assert kinds == {"head", "line", "reason", "total", "tender"}


def test_the_preview_is_the_printers_own_raster_in_the_language_chosen(desk, done, rasters, qtbot):
    assert done.previewUrl.startswith("image://receipt/")
    desk.words.speak("en")
    qtbot.waitUntil(lambda: len(rasters) == 2)
    assert [language for _, language in rasters] == ["zh_CN", "en"]
    assert done.how.startswith("Cash ¥")


def test_every_print_after_the_first_is_a_copy(desk, done, qtbot):
    assert done.printLabel == "打印小票"
    done.print()
    qtbot.waitUntil(lambda: not done.busy)
    assert done.printLabel == "再打一张（副本）"
    done.print()
    qtbot.waitUntil(lambda: not done.busy)
    assert [receipt.copy for receipt in desk.printer.printed] == [False, True]


@pytest.mark.fault(42, "the sale stands; the printer is named")
def test_a_broken_printer_is_told_and_undoes_nothing(desk, done, qtbot):
    desk.printer.broken = True
    with qtbot.waitSignal(done.notice) as told:
        done.print()
    assert told.args[0] == "problem"
    assert len(desk.till.store.reader.documents()) == 1
    assert done.printLabel == "打印小票"


def test_the_next_customer_closes_the_sheet(desk, done, qtbot):
    desk.root.welcome(desk.guide)
    desk.root.open("done")
    with qtbot.waitSignal(done.nextAsked):
        done.next()
    assert desk.root.property("sheet") == ""
    assert done.amount == ""
