"""What every test shares: no screen, no real keyring, no files in the home of whoever runs them.

It imports nothing of the product and no Qt, so the tests of the core run where PySide6 is absent.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from PySide6.QtGui import QGuiApplication

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_QUICK_BACKEND", "software")
# A test that wants a working keyring brings its own; none may reach the developer's.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

# No deadlines: a slow machine is no bug. In CI the same examples run every time.
settings.register_profile("here", deadline=None, print_blob=True)
settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "here")


@pytest.fixture(scope="session", autouse=True)
def private_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Point every place where a till keeps files at a directory that goes away."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(variable, str(home / variable.lower()))
        yield


@pytest.fixture(scope="session")
def qapp_cls() -> type[QGuiApplication]:
    """Give pytest-qt the application class the till uses: Qt Quick needs no Widgets."""
    from PySide6.QtGui import QGuiApplication

    return QGuiApplication
