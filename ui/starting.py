"""The window of a start that takes its time: what is being done to the till's data, and how far it is.

Its caller keeps the main thread and shows again and again; no event loop runs yet.
"""

from __future__ import annotations

import logging

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtQml import QQmlApplicationEngine, QQmlError
from PySide6.QtQuick import QQuickWindow

from app.settings import Settings
from ui.shell import QML_FOLDER, application, delete_now
from ui.text import LANGUAGES, Words
from ui.viewmodels.starting import StartVm

_LOG = logging.getLogger("guidepos.screen")


class StartWindow:
    """Made on the GUI thread when there is something to show."""

    def __init__(self, settings: Settings) -> None:
        self._app = application()
        # Closing this window is no wish to end the program.
        self._app.setQuitOnLastWindowClosed(False)
        self._held = QObject()
        others = [language for language in LANGUAGES if language != settings.language]
        words = [Words(language, self._held) for language in (settings.language, *others)]
        self.vm = StartVm(words, settings.theme == "dark", self._held)
        self._engine = QQmlApplicationEngine()
        self._engine.warnings.connect(_log)
        self._engine.addImportPath(str(QML_FOLDER))
        self._engine.setInitialProperties({"vm": self.vm})
        self._engine.load(QUrl.fromLocalFile(str(QML_FOLDER / "Guide" / "Start.qml")))
        roots = self._engine.rootObjects()
        if not roots or not isinstance(roots[0], QQuickWindow):
            raise RuntimeError("the start window did not load")
        self.window = roots[0]
        self.window.show()

    def show(self, stage: str, part: float) -> None:
        """Say what is done now and how much of it (below 0 for unknown), and let the window draw."""
        self.vm.show(stage, part)
        QGuiApplication.processEvents()

    def close(self) -> None:
        """Take the window down before the till's own opens."""
        self.window.close()
        delete_now(self._engine)  # before what its windows are bound to
        delete_now(self._held)
        self._app.setQuitOnLastWindowClosed(True)


def _log(errors: list[QQmlError]) -> None:
    for error in errors:
        _LOG.warning("qml: %s", error.toString())
