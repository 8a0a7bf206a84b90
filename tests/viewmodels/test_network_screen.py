"""The network table says what the permitting function says; settings keep what was chosen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication

from app.errors import Code, Trouble
from app.ports import CopyStanding
from app.services.honesty import Operation, Standing, judge, require
from tests.qml.counterdesk import CounterDesk, open_counter


@pytest.fixture
def desk(furnished: Path, tmp_path: Path, qapp: QGuiApplication) -> Iterator[CounterDesk]:
    opened = open_counter(furnished, tmp_path / "till")
    yield opened
    opened.close()


@pytest.fixture
def network(desk: CounterDesk) -> Any:
    return desk.counter.network


def standings(vm: Any) -> dict[str, str]:
    return {row["key"]: row["kind"] for row in vm.operations.rows}


@pytest.mark.parametrize("reachable", [True, False])
@pytest.mark.parametrize("enrolled", [True, False])
def test_the_table_never_disagrees_with_what_is_permitted(desk, network, reachable, enrolled):
    desk.weather.reachable, desk.weather.enrolled = reachable, enrolled
    network.look()
    shown = standings(network)
    assert set(shown) == {operation.value for operation in Operation}
    for operation in Operation:
        now = desk.weather.conditions()
        blocked = judge(operation, now).standing is Standing.BLOCKED
        assert (shown[operation.value] == "danger") == blocked
        if blocked:
            with pytest.raises(Trouble):
                require(operation, now)
        else:
            require(operation, now)


def test_online_the_chip_says_synced(network):
    network.look()
    assert (network.chipText, network.chipKind) == ("已同步", "good")
    assert network.closeLine == "可以放心关闭程序"
    assert network.unsentLine == "全部记录都已上传"


def test_unsent_records_are_counted_with_their_age(desk, network):
    desk.weather.unsent = 17
    network.look()
    assert (network.chipText, network.chipKind) == ("17 条待传", "busy")
    assert network.unsentLine == "17 条记录还没上传，最早的在 2 小时前 · 2 项会员资料待传"
    assert network.isSafeToClose


def test_offline_says_what_still_works_and_how_old_figures_are(desk, network):
    desk.weather.reachable, desk.weather.heard_ms_ago = False, 7_300_000
    network.look()
    rows = {row["key"]: row for row in network.operations.rows}
    assert (network.chipText, network.chipKind) == ("离线", "warn")
    assert rows["sell_cash"]["standing"] == "现在可用"
    assert rows["sell_qr"]["standing"] == "用旧数据"
    assert rows["sell_qr"]["detail"] == "整单写在码里，顾客付款后请扫描他的凭证"
    assert rows["other_stores_stock"]["detail"] == "数据是 2 小时前的"


def test_an_open_payment_forbids_closing(desk, network):
    desk.payments.start(desk.cart(0), desk.guide).result()
    network.look()
    assert not network.isSafeToClose
    assert network.closeLine == "先别关：有 1 笔付款还没有结果，在“单据”里看"


def test_sync_now_wakes_the_worker_once_at_a_time(desk, network, qtbot):
    desk.pool.holding = True
    network.syncNow()
    network.syncNow()
    assert network.busy
    assert len(desk.pool.waiting) == 1
    with qtbot.waitSignal(network.notice) as told:
        desk.pool.release()
    assert told.args == ["info", "同步完成"]


def test_a_busy_store_keeps_the_last_figures(desk, network, monkeypatch):
    network.look()
    before = network.operations.rows

    def busy() -> None:
        raise Trouble(Code.STORE_BUSY, retryable=True)

    monkeypatch.setattr(network, "_conditions", busy)
    network.look()
    assert network.operations.rows == before


def test_settings_change_the_look_at_once_and_are_kept(desk):
    settings: Any = desk.counter.settings
    settings.setDark(True)
    settings.setLanguage("en")
    settings.setReduceMotion(False)
    assert desk.root.property("dark") is True
    assert desk.words.say("pay.title") == "Take payment"
    assert desk.remembered == {"theme": "dark", "language": "en", "reduce_motion": ""}


def test_a_look_chosen_in_the_rail_is_kept_as_well(desk):
    desk.root.setTheme("dark")
    desk.root.setLanguage("en")
    assert desk.remembered == {"theme": "dark", "language": "en"}


def test_settings_tell_what_the_till_is_and_that_a_key_file_is_weaker(desk):
    settings: Any = desk.counter.settings
    settings.load()
    facts = {row["key"]: row for row in settings.device.rows}
    assert facts["till"]["value"] == "A1"
    assert facts["protection"]["kind"] == "warn"
    assert "保护较弱" in facts["protection"]["value"]


def test_signing_out_locks_the_till_and_forgets_whose_day_it_was(desk):
    desk.root.welcome(desk.guide)
    desk.root.go("mysales")
    mine: Any = desk.counter.my_sales
    assert mine.title != ""
    settings: Any = desk.counter.settings
    settings.signOut()
    assert desk.root.property("place") == "signin"
    assert mine.title == ""


def test_a_second_copy_that_stands_still_is_told_until_it_goes_on(desk, network):
    network.look()
    assert network.copyLine == ""
    desk.weather.second_copy = CopyStanding("/card", 3, Code.COPY_FAILED, "ENOSPC")
    network.look()
    assert "3" in network.copyLine
    desk.weather.second_copy = CopyStanding("/card", 0, Code.COPY_AHEAD, "", 7)
    network.look()
    assert "7" in network.copyLine
    desk.weather.second_copy = CopyStanding("/card")
    network.look()
    assert network.copyLine == ""
