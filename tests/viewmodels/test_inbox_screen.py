"""The inbox: what waits for a person of the store is seen on this tablet, claimed, and settled once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication

from app.domain.ids import new_id
from app.wire.messages import StockRow
from app.wire.tasks import CLAIM_MINUTES, CLAIMED, MONEY, PAYMENT, TaskClaim, TaskSettlement
from tests.fakes.tasks import FakeTaskDesk
from tests.qml.counterdesk import CounterDesk, open_counter
from tests.qml.stage import DEVICE, ELSEWHERE


@pytest.fixture
def desk(furnished: Path, tmp_path: Path, qapp: QGuiApplication) -> Iterator[CounterDesk]:
    opened = open_counter(furnished, tmp_path / "till")
    opened.root.welcome(opened.guide)
    opened.checkout.begin(opened.guide)
    yield opened
    opened.close()


@pytest.fixture
def money(desk: CounterDesk) -> Any:
    return desk.counter.inbox


def late(desk: CounterDesk) -> None:
    """Show a QR, close it, and let the money come after that."""
    desk.payments.start(desk.cart(0, 3), desk.guide).result()
    desk.payments.cancel(desk.attempt_id).result()
    desk.gateway.pay(desk.attempt_id)
    desk.hear()


def only(money: Any) -> Any:
    (row,) = money.rows.rows
    return row


def test_nothing_waits_and_nothing_is_shown(desk, money):
    money.open()
    assert not money.any
    assert money.badge == ""
    assert desk.root.sheet == "inbox"
    money.close()
    assert desk.root.sheet == ""


def test_late_money_shows_a_badge_by_itself_and_says_what_to_do(desk, money, qtbot):
    late(desk)
    qtbot.waitUntil(lambda: money.badge == "1")
    assert money.headline == "有 1 件事待处理"
    row = only(money)
    assert row["title"] == "迟到款"
    assert row["amount"] == desk.words.amount(desk.gateway.query(desk.attempt_id).received)
    assert "2 件" in row["detail"]
    assert row["canDeliver"]


def test_delivered_it_is_a_sale_on_the_receipt_screen_and_waits_no_more(desk, money, qtbot):
    late(desk)
    money.open()
    money.deliver(only(money)["key"])
    qtbot.waitUntil(lambda: desk.root.sheet == "done")
    assert not money.any
    (document,) = desk.till.store.reader.documents()
    assert document.net == desk.gateway.query(desk.attempt_id).amount
    assert document.receipt_no in desk.counter.done.receiptNo
    assert desk.counter.history.chosen == document.document_id


def test_goods_that_are_gone_are_named_and_handed_over_only_knowingly(desk, money, qtbot):
    (sku, *_) = (line.sku for line in desk.cart(0, 3).cart.lines)
    own = desk.till.store.reader.identity().store

    def left(pieces: int) -> None:
        row = StockRow(store=own, sku_id=sku.sku_id, quantity=pieces, as_of_ms=1)
        desk.till.store.run(lambda uow: uow.put_stock([row])).result()

    left(5)
    late(desk)
    money.open()
    assert (only(money)["shortage"], only(money)["deliverText"]) == ("", "交货，补成交")
    left(0)
    with qtbot.waitSignal(money.notice) as told:
        money.deliver(desk.attempt_id)  # the list is older than the stock
    assert told.args == ["problem", "货不够了，请看这一条写的库存"]
    assert f"{sku.name} 要 1 件，只有 0 件" in only(money)["shortage"]
    assert only(money)["deliverText"] == "货在手里，照样交货"
    money.deliver(desk.attempt_id)
    qtbot.waitUntil(lambda: desk.root.sheet == "done")


def test_a_payment_set_aside_without_an_answer_is_listed_until_it_has_one(desk, money, qtbot):
    for line in desk.cart(0).cart.lines:
        desk.checkout.addSku(line.sku.sku_id)
    desk.root.startPay()
    pay: Any = desk.counter.pay
    qtbot.waitUntil(lambda: pay.phone.phase == "waiting")
    money.look()
    assert not money.any, "what is on the payment screen is not listed beside it"
    desk.gateway.lose_requests = 1
    desk.hear()
    qtbot.waitUntil(lambda: pay.canSetAside)
    pay.setAside()
    qtbot.waitUntil(lambda: money.any)
    assert only(money)["title"] == "还没有结果"
    assert not only(money)["canDeliver"]
    desk.gateway.pay(desk.attempt_id)
    money.ask(only(money)["key"])
    qtbot.waitUntil(lambda: not money.any)
    assert desk.till.store.reader.documents()


def test_too_much_and_too_little_say_how_much(desk, money):
    desk.payments.start(desk.cart(0), desk.guide).result()
    due = desk.gateway.query(desk.attempt_id).amount
    desk.gateway.pay(desk.attempt_id, due + 700)
    desk.payments.refresh(desk.attempt_id).result()
    desk.payments.start(desk.cart(3), desk.guide).result()
    desk.gateway.pay(desk.attempt_id, 100)
    desk.payments.refresh(desk.attempt_id).result()
    money.look()
    assert money.badge == "2"
    by_title = {row["title"]: row for row in money.rows.rows}
    assert "多收 ¥7.00" in by_title["多收了钱"]["hint"]
    assert "小票号" in by_title["多收了钱"]["detail"]
    assert "还差" in by_title["只收到一部分"]["hint"]


def test_a_refusal_is_told_and_a_switch_of_language_followed(desk, money, qtbot):
    late(desk)
    money.look()
    with qtbot.waitSignal(money.notice) as told:
        money.deliver("no such attempt")
    assert told.args[0] == "problem"
    desk.words.speak("en")
    assert only(money)["title"] == "Late money"


def test_nobody_signed_in_can_settle_nothing(desk, money):
    late(desk)
    money.look()
    desk.root.signOut()
    calls = len(desk.gateway.calls)
    money.deliver(only(money)["key"])
    money.ask(only(money)["key"])
    assert len(desk.gateway.calls) == calls
    assert desk.till.store.reader.documents() == ()


# --- what other tablets brought -------------------------------------------------------------------


def manage(desk: CounterDesk) -> None:
    desk.root.welcome(desk.manager)


def told(desk: CounterDesk, *rows: Any) -> None:
    desk.till.tell(*rows)
    desk.counter.inbox.look()


def other_tablet(desk: CounterDesk) -> FakeTaskDesk:
    return FakeTaskDesk(desk.till.desk.book, ELSEWHERE)


def test_an_oversell_names_both_receipts_and_says_what_to_do(desk, money):
    told(desk, desk.till.task("oversell", detail="COAT", receipt_no="B-7", other="A-3"))
    row = only(money)
    assert row["title"] == "卖超了"
    assert "B-7 和 A-3 都成立" in row["hint"]
    assert "B2 号机" in row["detail"]
    told(desk, desk.till.task("oversell", detail="COAT", receipt_no="B-7"))
    assert "没有货" in only(money)["hint"]
    assert money.badge == "1"


@pytest.mark.parametrize(
    "code",
    [
        "oversell",
        "device_revoked",
        "refund_exceeds_sale",
        "return_lost",
        "sale_unbalanced",
        "stock_mismatch",
        "commission_mismatch",
        "conflicting_duplicate",
        "bad_body",
        "unprojectable",
        "sealed_damaged",
        "device_cloned",
        "epoch_restored",
        "epoch_forked",
        "epoch_unknown",
        "cloud_lost_records",
        "of_tomorrow",
    ],
)
@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_every_exception_has_a_plain_sentence(desk, money, code: str, language: str):
    desk.words.speak(language)
    told(desk, desk.till.task(code, detail="3", receipt_no="B-7", other="A-3"))
    row = only(money)
    for text in (row["title"], row["hint"]):
        assert text
        assert not text.startswith("task."), "a key is no sentence"
        assert "…" not in text, "a fact is missing"


@pytest.mark.parametrize(
    "code", ["late", "over", "partial", "no_sale", "refund_pending", "unproven"]
)
def test_money_of_another_tablet_says_where_its_cart_is(desk, money, code: str):
    told(desk, desk.till.task(code, MONEY, amount=700, detail="1000", other="s9"))
    row = only(money)
    assert row["amount"] == "¥7.00"
    assert "B2 号机" in row["detail"]
    assert row["hint"]
    assert "…" not in row["hint"]
    assert not row["canDeliver"]
    assert not row["canAsk"]
    if code in ("late", "no_sale"):
        assert "B2 号机" in row["hint"]


def test_guides_see_and_claim_and_managers_settle(desk, money, qtbot):
    told(desk, desk.till.task("bad_body"))
    row = only(money)
    assert (row["word"], row["other"], row["canClaim"]) == ("", "", True)
    manage(desk)
    row = only(money)
    assert (row["word"], row["wordText"], row["otherText"]) == ("seen", "知道了", "已更正")
    with qtbot.waitSignal(money.notice) as said:
        money.settle(row["key"], "seen")
    assert said.args == ["info", "已处理"]
    assert (money.any, money.isEmpty, money.badge) == (False, True, "")
    assert desk.till.desk.book.rows["record bad_body"].resolution == "seen"


def test_a_quarantine_is_released_or_left_out(desk, money, qtbot):
    manage(desk)
    told(desk, desk.till.task("device_revoked", detail="14", amount=123_400))
    row = only(money)
    assert "14 条" in row["hint"]
    assert (row["word"], row["other"]) == ("released", "dropped")
    with qtbot.waitSignal(money.notice):
        money.settle(row["key"], "dropped")
    assert desk.till.desk.book.rows[row["key"]].resolution == "dropped"


def test_what_i_claimed_says_so_here_and_who_holds_it_says_so_there(desk, money, qtbot):
    told(desk, desk.till.task("bad_body"))
    with qtbot.waitSignal(money.notice) as said:
        money.claim("record bad_body")
    assert said.args[0] == "info"
    row = only(money)
    assert (row["holder"], row["isTaken"], row["canClaim"]) == ("本机正在处理", False, False)
    held = desk.till.desk.book.rows["record bad_body"]
    assert held.claimed_device == DEVICE
    told(
        desk,
        desk.till.task(
            "bad_body",
            state=CLAIMED,
            claimed_device=ELSEWHERE,
            claimed_by=desk.manager.person_id,
            claim_until_ms=desk.clock.now().server_ms + CLAIM_MINUTES * 60_000,
        ),
    )
    row = only(money)
    assert row["holder"] == f"{desk.manager.name}正在 B2 号机处理"
    assert (row["isTaken"], row["canClaim"], row["word"]) == (True, False, "")


def test_whoever_was_quicker_at_another_tablet_is_named(desk, money, qtbot):
    manage(desk)
    told(desk, desk.till.task("bad_body"))
    claim = TaskClaim(task_id="record bad_body", claim_id=new_id(), person=desk.guide.person_id)
    other_tablet(desk).claim(claim)
    with qtbot.waitSignal(money.notice) as said:
        money.settle("record bad_body", "seen")
    assert said.args == ["problem", f"{desk.guide.name}正在 B2 号机处理"]


def test_what_was_settled_meanwhile_says_so(desk, money, qtbot):
    manage(desk)
    told(desk, desk.till.task("bad_body"))
    claim = TaskClaim(task_id="record bad_body", claim_id=new_id(), person=desk.guide.person_id)
    other_tablet(desk).claim(claim)
    other_tablet(desk).settle(
        TaskSettlement(task_id=claim.task_id, claim_id=claim.claim_id, resolution="seen")
    )
    with qtbot.waitSignal(money.notice) as said:
        money.settle("record bad_body", "seen")
    assert said.args == ["problem", "这件事已经处理好了"]
    desk.till.desk.book.rows.clear()
    with qtbot.waitSignal(money.notice) as said:
        money.claim("record bad_body")
    assert "不在了" in said.args[1]


def test_offline_one_can_look_and_not_act(desk, money, qtbot):
    manage(desk)
    late(desk)
    told(desk, desk.till.task("bad_body"))
    desk.weather.reachable, desk.till.desk.down = False, True
    money.look()
    assert not money.isOnline
    assert money.badge == "2"
    for act in (
        lambda: money.settle("record bad_body", "seen"),
        lambda: money.claim("record bad_body"),
        lambda: money.deliver(desk.attempt_id),
    ):
        with qtbot.waitSignal(money.notice) as said:
            act()
        assert said.args[0] == "problem"
        assert "离线" in said.args[1]
    assert desk.till.store.reader.documents() == ()


def test_late_money_given_back_at_another_tablet_waits_here_no_more(desk, money, qtbot):
    late(desk)
    row = desk.till.task("late", MONEY, task_id=desk.attempt_id, device=DEVICE, amount=100)
    told(desk, row)
    assert only(money)["canDeliver"]
    other = other_tablet(desk)
    claim = TaskClaim(task_id=row.task_id, claim_id=new_id(), person=desk.manager.person_id)
    other.claim(claim)
    settled = other.settle(
        TaskSettlement(task_id=row.task_id, claim_id=claim.claim_id, resolution="refunded")
    )
    with qtbot.waitSignal(money.notice) as said:
        money.deliver(desk.attempt_id)
    assert said.args == ["problem", "这件事已经处理好了"]
    told(desk, settled)
    assert not money.any


def test_alarms_of_this_till_are_listed_and_put_away_by_managers(desk, money, qtbot):
    desk.till.store.run(
        lambda uow: uow.raise_alarm("second_copy_missing", "", "/sd", desk.clock.now().wall_ms)
    ).result()
    money.look()
    row = only(money)
    assert (row["title"], row["group"], row["word"]) == ("第二份副本不在了", "本机警报", "")
    manage(desk)
    with qtbot.waitSignal(money.notice):
        money.settle(only(money)["key"], "seen")
    assert money.isEmpty


@pytest.mark.parametrize(
    "code",
    [
        "sealed_damaged",
        "epoch_restored",
        "epoch_forked",
        "epoch_unknown",
        "books_differ",
        "second_copy_missing",
        "of_tomorrow",
    ],
)
@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_every_alarm_has_a_plain_sentence(desk, money, code: str, language: str):
    desk.words.speak(language)
    desk.till.store.run(lambda uow: uow.raise_alarm(code, "2026-03-01", "x", 1)).result()
    money.look()
    row = only(money)
    assert not row["title"].startswith("alarm.")
    assert "…" not in row["title"] + row["hint"]


def test_payments_of_other_tablets_are_seen_and_wait_for_nobody(desk, money):
    states = ["created", "waiting", "unknown", "confirmed", "failed", "expired", "cancelled"]
    told(desk, *(desk.till.task(s, PAYMENT, amount=59_900, other=s) for s in states))
    assert (money.badge, money.any, money.isEmpty) == ("", False, False)
    titles = {row["title"] for row in money.rows.rows}
    assert {"等顾客付款", "已付", "还没有结果，在问"} <= titles
    assert not any(title.startswith("inbox.") for title in titles)
    assert all(row["group"] == "其他平板的付款" for row in money.rows.rows)


def test_money_comes_first(desk, money):
    told(desk, desk.till.task("bad_body"), desk.till.task("late", MONEY, amount=1, detail="1"))
    assert [row["group"] for row in money.rows.rows] == ["钱", "单据和库存"]
