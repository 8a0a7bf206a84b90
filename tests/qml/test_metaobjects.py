"""Every view-model is described by its class, not by an object of its own.

PySide gives an object a description of its own when a method that is no Slot is connected to a
signal. It dies with the object; QML remembers it by its address, and may take the next description
that lies there for it. Then a screen finds no property of its view-model.
"""

from __future__ import annotations

import pytest
import shiboken6
from PySide6.QtCore import QObject

from tests.qml.conftest import Opener

pytestmark = pytest.mark.qml


def descriptions(root: QObject) -> dict[str, set[int]]:
    """Return the addresses of the descriptions in use, by class of ours."""
    found: dict[str, set[int]] = {}
    for each in (root, *root.findChildren(QObject)):
        if type(each).__module__.startswith("ui."):
            address = shiboken6.getCppPointer(each.metaObject())[0]
            found.setdefault(type(each).__name__, set()).add(address)
    return found


def test_two_windows_share_the_description_of_every_view_model(open_window: Opener):
    first, second = open_window(), open_window()
    ours = descriptions(first.shell.root)
    assert ours == descriptions(second.shell.root)
    assert [name for name, addresses in ours.items() if len(addresses) > 1] == []
    assert {"RootVm", "SessionVm", "PaymentVm"} <= set(ours)
