"""No QML type takes a name of Qt's own namespace.

PySide looks enums up by the bare name of a type: a component called `Key` was taken for `Qt.Key`, and
the interpreter crashed.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.tree import files, name

pytestmark = pytest.mark.qml

INLINE = re.compile(r"^\s*component\s+(\w+)\s*:", re.MULTILINE)


def test_no_component_is_called_like_something_of_qt():
    from PySide6.QtCore import Qt

    taken = {each for each in dir(Qt) if not each.startswith("_")}
    assert "Key" in taken
    assert [where for where, component in components() if component in taken] == []


def test_no_inline_component_hides_a_type_of_ours():
    own = {path.stem for path in files("*.qml")}
    hiding = [
        f"{name(path)}: {component}"
        for path in files("*.qml")
        for component in inline(path)
        if component in own
    ]
    assert hiding == []


def components() -> list[tuple[str, str]]:
    """Return (where, name) of every QML type, files and inline components alike."""
    found: list[tuple[str, str]] = []
    for path in files("*.qml"):
        found.append((name(path), path.stem))
        found += [(f"{name(path)}: {each}", each) for each in inline(path)]
    return found


def inline(path: Path) -> list[str]:
    """Return the inline components of a QML file."""
    return INLINE.findall(path.read_text("utf-8"))
