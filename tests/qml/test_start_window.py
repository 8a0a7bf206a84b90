"""A start that has a store to prepare shows a window with words; any other start shows none."""

from __future__ import annotations

import itertools
import logging
from concurrent.futures import Future
from pathlib import Path
from typing import ClassVar

import pytest
from PySide6.QtGui import QGuiApplication

from app.settings import Settings
from guidepos import starting
from offline_store.preparing import Stage
from ui.starting import StartWindow

pytestmark = pytest.mark.qml


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_the_window_says_in_both_languages_what_is_done_and_how_far_it_is(
    qapp: QGuiApplication, tmp_path: Path, theme: str, language: str, caplog
):
    caplog.set_level(logging.WARNING)
    window = StartWindow(Settings(home=tmp_path, language=language, theme=theme))
    window.show("copying", 0.25)
    assert "备份" in window.vm.property("stage")
    assert "copy" in window.vm.property("stage")
    assert {window.vm.property("title"), window.vm.property("titleToo")} == {
        "正在为新版本准备数据",
        "Preparing this till for the new version",
    }
    assert (window.vm.property("part"), window.vm.property("isUnknown")) == (0.25, False)
    window.show("checking", -1.0)
    assert (window.vm.property("part"), window.vm.property("isUnknown")) == (0.0, True)
    picture = window.window.grabWindow()
    spots = itertools.product(range(0, picture.width(), 4), range(0, picture.height(), 4))
    assert len({picture.pixel(*spot) for spot in spots}) > 2
    window.close()
    assert qapp.quitOnLastWindowClosed()
    assert caplog.records == []


class _Window:
    """Ends the wait once it has been shown."""

    made: ClassVar[list[_Window]] = []
    opened: ClassVar[Future[None]]

    def __init__(self, settings: Settings) -> None:
        self.shown: list[tuple[str, float]] = []
        self.closed = False
        self.made.append(self)

    def show(self, stage: str, part: float) -> None:
        self.shown.append((stage, part))
        if not self.opened.done():
            self.opened.set_result(None)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> type[_Window]:
    monkeypatch.setattr("ui.starting.StartWindow", _Window)
    monkeypatch.setattr(_Window, "made", [])
    monkeypatch.setattr(_Window, "opened", Future(), raising=False)
    return _Window


def test_there_is_a_window_while_a_store_is_prepared(window: type[_Window], tmp_path: Path):
    with starting.onlooker(Settings(home=tmp_path)) as onlooker:
        onlooker.told(Stage.BUILDING, -1.0)
        onlooker.wait(window.opened)
        assert [each.shown for each in window.made] == [[("building", -1.0)]]
    assert window.made[0].closed


def test_a_store_that_only_opens_shows_none(window: type[_Window], tmp_path: Path):
    window.opened.set_exception(OSError("no"))
    with starting.onlooker(Settings(home=tmp_path)) as onlooker, pytest.raises(OSError, match="no"):
        onlooker.wait(window.opened)
    assert window.made == []
