"""Contrast of every ink on every ground it is used on, and icons that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtQml import QQmlComponent, QQmlEngine

import resources
from ui import starting
from ui.shell import QML_FOLDER

pytestmark = pytest.mark.qml
assert starting  # whose types one file of the module speaks of

PAIRS = [
    ("ink", ("bg", "surface", "surface2", "pressed", "accentSoft", "dangerSoft", "warnSoft")),
    ("ink2", ("bg", "surface", "surface2", "pressed", "accentSoft", "dangerSoft", "warnSoft")),
    ("ink3", ("bg", "surface", "surface2")),
    ("accentInk", ("accent", "accentPressed")),
    ("accentText", ("bg", "surface", "surface2", "accentSoft")),
    ("danger", ("bg", "surface", "surface2", "dangerSoft")),
    ("dangerInk", ("dangerFill",)),
    ("warn", ("surface", "surface2", "warnSoft")),
    ("info", ("surface", "surface2", "infoSoft")),
    ("railInk", ("rail", "railActive")),
    ("railInkActive", ("rail", "railActive")),
]


@pytest.fixture
def theme(qapp: QGuiApplication) -> Iterator[QObject]:
    engine = QQmlEngine()
    engine.addImportPath(str(QML_FOLDER))
    found = engine.singletonInstance("Guide", "Theme")
    assert isinstance(found, QObject)
    yield found
    del engine


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("ink", "grounds"), PAIRS)
def test_words_stand_out_from_their_ground(
    theme: QObject, dark: bool, ink: str, grounds: tuple[str, ...]
):
    theme.setProperty("dark", dark)
    weak = {
        ground: round(found, 2)
        for ground in grounds
        if (found := contrast(theme.property(ink), theme.property(ground))) < 4.5
    }
    assert weak == {}


def test_the_table_of_icons_is_the_fonts():
    made = json.loads(Path(resources.path("icons", "icons.json")).read_text("utf-8"))
    text = (QML_FOLDER / "Guide" / "Icons.qml").read_text("utf-8")
    table = dict(re.findall(r'"([\w-]+)": "\\u([0-9a-f]{4})"', text))
    assert table == made


def test_every_icon_that_is_named_exists():
    known = json.loads(Path(resources.path("icons", "icons.json")).read_text("utf-8"))
    named = {
        name
        for file in sorted(QML_FOLDER.rglob("*.qml"))
        for name in re.findall(r'glyph\w*: "([a-z0-9-]+)"', file.read_text("utf-8"))
    }
    assert named - set(known) == set()


def test_every_qml_file_of_the_module_compiles(qapp: QGuiApplication):
    engine = QQmlEngine()
    engine.addImportPath(str(QML_FOLDER))
    problems = []
    for file in sorted((QML_FOLDER / "Guide").rglob("*.qml")):
        component = QQmlComponent(engine, QUrl.fromLocalFile(str(file)))
        problems += [error.toString() for error in component.errors()]
    assert problems == []


def contrast(one: QColor, other: QColor) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: QColor) -> float:
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
