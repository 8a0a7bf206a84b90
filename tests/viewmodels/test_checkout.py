"""The cart panel's view-model."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.domain.catalog import Sku
from tests.qml.stage import StageTill, open_stage
from ui.text import Words
from ui.viewmodels.checkout import CheckoutVm


@pytest.fixture
def cart(till: StageTill, words: Words, owner: QObject) -> Any:
    vm = CheckoutVm(till.checkout, till.store, words, owner)
    vm.begin(till.session.people()[0])
    return vm


@pytest.fixture
def skus(till: StageTill) -> list[Sku]:
    """Five SKUs of different styles."""
    found = []
    for card in till.store.reader.style_cards(limit=5):
        matrix = till.store.reader.matrix(card.style_no)
        assert matrix is not None
        found.append(next(cell.sku for row in matrix.cells for cell in row if cell))
    return found


@pytest.fixture
def refusals(cart: Any) -> list[tuple[str, str]]:
    heard: list[tuple[str, str]] = []
    cart.notice.connect(lambda kind, text: heard.append((kind, text)))
    return heard


def test_a_scan_adds_a_line_and_selects_it(cart: Any, skus: list[Sku]):
    landed: list[str] = []
    cart.landed.connect(landed.append)
    cart.scan(skus[0].gtin)
    assert [row["name"] for row in cart.lines.rows] == [skus[0].name]
    assert landed == ["1"] == [cart.selected]
    assert cart.canPay


def test_a_second_scan_of_the_same_piece_changes_only_its_line(cart: Any, skus: list[Sku]):
    for sku in skus[:3]:
        cart.addSku(sku.sku_id)
    changed: list[int] = []
    inserted: list[int] = []
    cart.lines.dataChanged.connect(lambda first, *_: changed.append(first.row()))
    cart.lines.rowsInserted.connect(lambda *_: inserted.append(1))
    cart.scan(skus[1].gtin)
    assert (changed, inserted) == ([1], [])
    assert cart.lines.rows[1]["quantity"] == "2"
    assert cart.selected == "2"


def test_an_unknown_code_is_told_and_changes_nothing(cart: Any, refusals: list[tuple[str, str]]):
    cart.scan("6901234567892")
    assert cart.isEmpty
    assert refusals == [("problem", "没有找到 6901234567892")]
    assert not cart.canUndo


def test_every_step_can_be_taken_back(cart: Any, skus: list[Sku], till: StageTill):
    member = till.store.reader.find_members("154", 1)[0]
    cart.addSku(skus[0].sku_id)
    cart.more("1")
    cart.attach(member.member_ref)
    cart.clear()
    assert cart.isEmpty
    assert not cart.customer.known
    cart.undo()
    assert cart.customer.known
    cart.undo()
    assert not cart.customer.known
    cart.undo()
    assert cart.lines.rows[0]["quantity"] == "1"
    cart.undo()
    assert cart.isEmpty
    assert not cart.canUndo


def test_fewer_than_one_removes_the_line(cart: Any, skus: list[Sku]):
    cart.addSku(skus[0].sku_id)
    cart.addSku(skus[1].sku_id)
    cart.fewer("2")
    assert len(cart.lines.rows) == 1
    assert cart.selected == "1"


def test_a_members_tier_is_a_reason_with_its_name(cart: Any, skus: list[Sku], till: StageTill):
    gold = next(m for m in till.store.reader.find_members("154", 50) if m.tier == "gold")
    cart.addSku(skus[0].sku_id)
    cart.attach(gold.member_ref)
    assert [row["name"] for row in cart.reasons.rows] == ["金卡会员 9.5 折"]
    assert gold.name == cart.customer.name
    cart.detach()
    assert cart.reasons.rows == ()


def test_a_discount_shows_its_reason_and_the_old_price_on_the_line(cart: Any, skus: list[Sku]):
    cart.addSku(skus[0].sku_id)
    cart.openDiscount("1")
    cart.discount.useRate("1000")
    cart.discount.because("manual")
    assert cart.discount.canGive
    done: list[int] = []
    cart.discount.done.connect(lambda: done.append(1))
    cart.discount.give()
    assert done == [1]
    line = cart.lines.rows[0]
    assert line["gross"] == cart.subtotal
    assert "店内议价 9 折" in str(line["reasons"])


def test_more_than_a_guide_may_give_is_refused_in_the_sheet(cart: Any, skus: list[Sku]):
    cart.addSku(skus[0].sku_id)
    cart.openDiscount("")
    cart.discount.useRate("5000")
    cart.discount.because("manual")
    cart.discount.give()
    assert "店长" in cart.discount.problem
    assert not cart.hasReasons


def test_a_given_discount_can_be_taken_off(cart: Any, skus: list[Sku]):
    cart.addSku(skus[0].sku_id)
    cart.openDiscount("1")
    cart.discount.useRate("500")
    cart.discount.give()
    assert cart.hasReasons
    cart.openDiscount("1")
    assert cart.discount.hasDiscount
    cart.discount.takeOff()
    assert not cart.hasReasons


def test_a_lines_credit_can_be_shared(cart: Any, skus: list[Sku]):
    cart.addSku(skus[0].sku_id)
    assert cart.lines.rows[0]["guides"] == "林晚晴"
    cart.openCredit("1")
    cart.credit.toggle("G02")
    cart.credit.more("G02")
    cart.credit.keep()
    assert cart.lines.rows[0]["guides"] == "2 人分"
    assert [s.weight_bp for s in cart.priced.lines[0].line.guides] == [4_000, 6_000]


def test_a_cart_is_put_aside_and_brought_back(qtbot: QtBot, cart: Any, skus: list[Sku]):
    cart.addSku(skus[0].sku_id)
    total = cart.total
    cart.park()
    assert cart.isEmpty
    qtbot.waitUntil(lambda: cart.drafts.any)
    cart.recall(str(cart.drafts.parked.rows[0]["slot"]))
    assert cart.total == total
    qtbot.waitUntil(lambda: not cart.drafts.any)


def test_a_crash_gives_the_cart_back(
    qtbot: QtBot, cart: Any, skus: list[Sku], till: StageTill, words: Words
):
    for sku in skus:
        cart.addSku(sku.sku_id)
    qtbot.waitUntil(lambda: kept_lines(till) == len(skus))
    total, cart_id = cart.total, cart.priced.cart.cart_id
    till.close()
    again = open_stage(till.settings.home)
    parent = QObject()
    back = CheckoutVm(again.checkout, again.store, words, parent)
    back.begin(again.session.people()[0])
    assert (back.total, back.priced.cart.cart_id) == (total, cart_id)
    again.close()


def kept_lines(till: StageTill) -> int:
    return sum(len(d.cart.lines) for d in till.store.reader.drafts() if d.slot == "open")


def test_while_a_payment_runs_nothing_changes(
    cart: Any, skus: list[Sku], refusals: list[tuple[str, str]]
):
    cart.addSku(skus[0].sku_id)
    cart.freeze(True)
    cart.scan(skus[1].gtin)
    cart.undo()
    cart.clear()
    cart.park()
    assert len(cart.lines.rows) == 1
    assert not cart.canPay
    assert {kind for kind, _ in refusals} == {"problem"}
    cart.freeze(False)
    assert cart.canPay


def test_a_finished_sale_leaves_an_empty_cart_with_another_id(cart: Any, skus: list[Sku]):
    cart.addSku(skus[0].sku_id)
    before = cart.priced.cart.cart_id
    cart.finish()
    assert cart.isEmpty
    assert cart.priced.cart.cart_id != before
    assert not cart.canUndo


def test_the_whole_panel_follows_the_language(cart: Any, skus: list[Sku], words: Words):
    cart.addSku(skus[0].sku_id)
    words.speak("en")
    assert cart.lines.rows[0]["name"] == skus[0].name_en
    assert cart.lines.rows[0]["guides"] == "Lin"
    assert cart.units == "1 piece"
