"""What ways of paying cost: marked on the payment screen, listed for managers, and deciding nothing."""

from __future__ import annotations

from typing import Any

from app.wire.messages import WayRate
from tests.viewmodels.test_wallet_payment import desk, scan, showing

__all__ = ["desk"]


def rates(*found: tuple[str, str, int, bool]) -> list[WayRate]:
    return [
        WayRate(provider=name, wallet=name, way=way, rate_bp=rate, cheapest=cheapest)
        for name, way, rate, cheapest in found
    ]


def marked(vm: Any) -> dict[str, bool]:
    return {str(row["key"]): bool(row["cheapest"]) for row in vm.wallet.codes.rows}


def test_the_cheapest_way_is_marked_and_nothing_else_changes(desk, qtbot):
    desk.gateway.rates = rates(("wechat", "qr", 38, True), ("wechat", "code", 60, False))
    pay = showing(desk, qtbot)
    assert pay.wallet.saving == "费率最低：微信扫码 0.38%（用哪种随顾客）"
    assert marked(pay) == {"": False, "wechat": True, "bank": False}
    assert pay.wallet.codes.rows[0]["chosen"]  # the customer's own choice stays what is shown
    desk.words.speak("en")
    assert pay.wallet.saving == "Lowest fee: WeChat 0.38% (the customer chooses)"


def test_a_code_that_costs_least_is_named_and_marks_no_qr(desk, qtbot):
    desk.gateway.rates = rates(("wechat", "code", 38, True), ("wechat", "qr", 60, False))
    pay = showing(desk, qtbot)
    assert pay.wallet.saving == "费率最低：微信付款码 0.38%（用哪种随顾客）"
    assert not any(marked(pay).values())


def test_where_no_way_stands_out_nothing_is_said(desk, qtbot):
    desk.gateway.rates = rates(("wechat", "qr", 60, False))
    pay = showing(desk, qtbot)
    assert pay.wallet.saving == ""
    assert not any(marked(pay).values())


def test_fees_are_said_no_more_once_money_is_under_way(desk, qtbot):
    desk.gateway.rates = rates(("wechat", "qr", 38, True))
    pay = showing(desk, qtbot)
    scan(desk, "2")
    qtbot.waitUntil(lambda: pay.phone.phase == "password")
    assert pay.wallet.saving == ""


def test_a_manager_sees_what_every_way_costs_and_a_guide_does_not(desk, qtbot):
    desk.gateway.rates = rates(("wechat", "qr", 38, True), ("bank", "code", 60, False))
    settings: Any = desk.counter.settings
    settings.load()
    assert not settings.fees.isShown
    assert settings.fees.rows.keys == ()
    desk.root.welcome(desk.manager)
    settings.load()
    qtbot.waitUntil(lambda: settings.fees.rows.keys == ("wechat qr", "bank code"))
    shown = [(row["name"], row["rate"], row["cheapest"]) for row in settings.fees.rows.rows]
    assert shown == [("微信扫码", "0.38%", True), ("bank付款码", "0.6%", False)]


def test_without_bills_or_a_line_the_manager_reads_why_there_are_no_fees(desk, qtbot):
    desk.root.welcome(desk.manager)
    settings: Any = desk.counter.settings
    settings.load()
    said = desk.words.say
    qtbot.waitUntil(lambda: settings.fees.note == said("fee.none"))
    desk.clock.advance(301)
    desk.gateway.lose_requests = 1
    settings.load()
    qtbot.waitUntil(lambda: settings.fees.note == said("fee.offline"))
