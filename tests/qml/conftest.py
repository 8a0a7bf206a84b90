"""The whole window on the demo shop: a real store in a folder of the test's own, a fake cloud."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtQuick import QQuickWindow

from app.domain.catalog import Sku
from tests.qml.stage import StageTill, furnish, open_stage
from ui.hand import Hand
from ui.shell import Shell
from ui.wiring import Screens


@dataclass
class Stage:
    """An open window, a hand to use it, and what lies behind it."""

    till: StageTill
    shell: Shell
    window: QQuickWindow
    hand: Hand

    @property
    def screens(self) -> Screens:
        return self.shell.screens

    def sign_in(self) -> None:
        """Sign the first guide in without asking for the PIN."""
        self.screens.session.signedIn.emit(self.till.session.people()[0])
        self.hand.pause(60)

    def skus(self, count: int) -> list[Sku]:
        """Return SKUs of as many styles, in stock or not."""
        reader = self.till.store.reader
        found = []
        for card in reader.style_cards(limit=count):
            matrix = reader.matrix(card.style_no)
            assert matrix is not None
            found.append(next(cell.sku for row in matrix.cells for cell in row if cell))
        return found


Opener = Callable[..., Stage]


@pytest.fixture(scope="session")
def furnished_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A till's home with the demo shop in it; copied, never opened."""
    home = tmp_path_factory.mktemp("furnished")
    furnish(home)
    return home


@pytest.fixture
def open_window(furnished_home: Path, tmp_path: Path, qapp: QGuiApplication) -> Iterator[Opener]:
    """Open windows; at the end each must have stayed silent."""
    stages: list[Stage] = []

    def open_one(
        language: str = "zh_CN", theme: str = "light", size: tuple[int, int] = (1280, 800)
    ) -> Stage:
        home = tmp_path / f"till{len(stages)}"
        shutil.copytree(furnished_home, home)
        till = open_stage(home, language=language, theme=theme)
        shell = Shell(till.parts())
        window = shell.show()
        window.resize(*size)
        stage = Stage(till, shell, window, Hand(window))
        stages.append(stage)
        stage.hand.pause(40)
        return stage

    yield open_one
    warnings = []
    for stage in stages:
        stage.shell.close()
        stage.till.close()
        warnings += stage.shell.warnings
    assert warnings == []


@pytest.fixture
def stage(open_window: Opener) -> Stage:
    return open_window()
