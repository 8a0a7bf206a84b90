"""The download of the shop is told in words, can be stopped and goes on, and the chip says so."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from app.errors import Code, Trouble
from app.sync.progress import Filling
from tests.qml.counterdesk import CounterDesk, open_counter
from ui.text import Words
from ui.viewmodels.filling import LOOK_EVERY_MS, LOOK_OFTEN_MS, FillingVm
from ui.viewmodels.network import NetworkVm

GOODS = Filling("catalog", 3, 5, 45_000, 100_005, sells=False, paused=False)


class Download:
    """A download as a test wants it; `asked` is what the button asked for."""

    def __init__(self) -> None:
        self.now: Filling | None = GOODS
        self.asked: list[bool] = []
        self.answer: Future[None] = Future()

    def filling(self) -> Filling | None:
        return self.now

    def pause(self, paused: bool) -> Future[None]:
        self.asked.append(paused)
        return self.answer


@pytest.fixture
def download() -> Download:
    return Download()


@pytest.fixture
def holder(qapp: QGuiApplication) -> Iterator[QObject]:
    parent = QObject()
    yield parent
    parent.deleteLater()


@pytest.fixture
def vm(download: Download, holder: QObject) -> Any:
    made = FillingVm(download.filling, download.pause, Words("en", holder), holder)
    made.look()
    return made


def test_the_part_its_rows_and_what_is_possible_are_told(vm):
    assert vm.isShown
    assert vm.headline == "Downloading goods (3 of 5)"
    assert vm.figures == "45,000 of 100,005 rows"
    assert vm.hint == "Selling is possible once goods and stock are here"
    assert (round(vm.share, 2), vm.chipText) == (0.45, "Loading 45%")


def test_nothing_is_shown_when_nothing_comes(vm, download):
    download.now = None
    vm.look()
    assert not vm.isShown
    assert (vm.headline, vm.figures, vm.hint, vm.chipText) == ("", "", "", "")


def test_a_part_that_has_only_begun_moves_without_figures(vm, download):
    download.now = replace(GOODS, taken=0, expected=0)
    vm.look()
    assert (vm.isUnknown, vm.figures) == (True, "")


def test_the_button_stops_and_lets_go_on_once_at_a_time(vm, download, qtbot):
    vm.toggle()
    vm.toggle()
    assert (download.asked, vm.busy) == ([True], True)
    download.now = replace(GOODS, paused=True)
    download.answer.set_result(None)
    qtbot.waitUntil(lambda: vm.isPaused)
    assert vm.headline == "Download of goods paused (3 of 5)"
    assert (vm.buttonText, vm.chipText) == ("Go on", "Paused")
    download.answer = Future()
    vm.toggle()
    assert download.asked == [True, False]


def test_a_store_that_cannot_keep_it_says_so(vm, download, qtbot):
    vm.toggle()
    with qtbot.waitSignal(vm.notice) as told:
        download.answer.set_exception(Trouble(Code.STORE_FULL))
    assert told.args[0] == "problem"


def test_it_looks_often_only_while_something_comes_in(vm, download):
    vm.start()
    assert vm._timer.interval() == LOOK_OFTEN_MS
    download.now = None
    vm.look()
    assert vm._timer.interval() == LOOK_EVERY_MS


def test_a_busy_store_keeps_the_last_figures(vm, download, monkeypatch):
    def busy() -> None:
        raise Trouble(Code.STORE_BUSY, retryable=True)

    monkeypatch.setattr(vm, "_filling", busy)
    vm.look()
    assert vm.isShown


@pytest.fixture
def desk(furnished: Path, tmp_path: Path, qapp: QGuiApplication) -> Iterator[CounterDesk]:
    opened = open_counter(furnished, tmp_path / "till")
    yield opened
    opened.close()


def test_the_chip_of_the_rail_says_that_the_shop_comes_in(
    desk: CounterDesk, download: Download, holder: QObject
):
    network: Any = NetworkVm(
        desk.weather.conditions,
        lambda: None,
        desk.words,
        holder,
        filling=download.filling,
        pause=download.pause,
    )
    network.start()
    assert (network.chipText, network.chipKind) == ("下载 45%", "busy")
    download.now = None
    network.filling.look()
    assert network.chipText == "已同步"
    desk.weather.reachable = False
    download.now = GOODS
    network.filling.look()
    network.look()
    assert network.chipText == "离线"
