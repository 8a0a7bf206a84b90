"""View-models on the demo shop: a real store in a folder of the test's own, no QML."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication

from tests.qml.stage import StageTill, furnish, open_stage
from ui.text import Words


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A till's home with the demo shop in it; copied, never opened."""
    home = tmp_path_factory.mktemp("furnished")
    furnish(home)
    return home


@pytest.fixture
def till(furnished: Path, tmp_path: Path, qapp: QGuiApplication) -> Iterator[StageTill]:
    home = tmp_path / "till"
    shutil.copytree(furnished, home)
    stage = open_stage(home)
    yield stage
    stage.close()


@pytest.fixture
def words(qapp: QGuiApplication) -> Words:
    return Words()


@pytest.fixture
def owner(qapp: QGuiApplication) -> QObject:
    """A parent for view-models."""
    return QObject()
