"""Opens the window: application, fonts, engine, root view-model; and takes them down in that order.

The front door hands in a till with its services; nothing here knows a store, a cloud or a printer.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, QUrl, Slot
from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication, QIcon
from PySide6.QtQml import QQmlApplicationEngine, QQmlError
from PySide6.QtQuick import QQuickWindow, QSGRendererInterface

import resources
from app.services.giving_back import BackNews
from app.services.payments import PaymentNews
from ui.images import Gallery
from ui.input.wedge import Wedge
from ui.postbox import posted_to
from ui.text import Words
from ui.viewmodels.root import RootVm
from ui.wiring import Screens, TillParts

if TYPE_CHECKING:
    from app.sync.report import SyncReport
    from app.sync.worker import WorkerStatus

QML_FOLDER = Path(__file__).resolve().parent / "qml"
FONTS = Path(resources.__file__).resolve().parent
TEXT_FONTS = ("Inter", "Noto Sans SC")
ICON_FONT = "lucide"
_LOG = logging.getLogger("guidepos.screen")


def application(arguments: list[str] | None = None) -> QGuiApplication:
    """Return the one application, made on first call, with the till's fonts and a fit renderer."""
    known = QGuiApplication.instance()
    if isinstance(known, QGuiApplication):
        _dress(known)
        return known
    choose_renderer()
    app = QGuiApplication(arguments or sys.argv[:1])
    app.setApplicationName("GuidePOS")
    app.setWindowIcon(QIcon(str(FONTS / "icons" / "guidepos.png")))
    _dress(app)
    return app


def choose_renderer() -> None:
    """Draw in software unless somebody asked for more: every part is made for it, and a till's
    computer often has no graphics worth the name. And draw at once: Qt waits 5 ms before a frame it
    was asked for, which is a third of what a scan may take; animations keep their own beat."""
    os.environ.setdefault("QT_QPA_UPDATE_IDLE_TIME", "0")
    wanted = os.environ.get("QT_QUICK_BACKEND", "software")
    if wanted == "software":
        QQuickWindow.setGraphicsApi(QSGRendererInterface.GraphicsApi.Software)


def _dress(app: QGuiApplication) -> None:
    """Give the application the till's fonts, once."""
    if app.property("guideposDressed"):
        return
    for folder in ("fonts", "icons"):
        for file in sorted((FONTS / folder).glob("*.ttf")):
            QFontDatabase.addApplicationFont(str(file))
    font = QFont()
    font.setFamilies(list(TEXT_FONTS))
    font.setPixelSize(14)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    app.setFont(font)
    app.setProperty("guideposDressed", True)


def missing_fonts() -> list[str]:
    """Return the families the screens are drawn in that cannot be had."""
    application()
    known = set(QFontDatabase.families())
    return [family for family in (*TEXT_FONTS, ICON_FONT) if family not in known]


class Shell:
    """The till's window. Make it on the GUI thread, `show` it, and `close` it before the till closes.

    `on_news` and `on_status` may be called on any thread.
    """

    def __init__(self, parts: TillParts) -> None:
        self._app = application()
        settings = parts.settings
        self.words = Words(settings.language, currency=settings.currency)
        self.gallery = Gallery()
        self.warnings: list[str] = []
        self.screens = Screens(parts, self.words, self.gallery)
        self.root = self.screens.root
        self._last_report: SyncReport | None = None
        self.on_status = posted_to(self._take_status)
        """Takes the sync worker's standing. Any thread."""
        self.wedge = Wedge(self.root)
        self.wedge.scanned.connect(self.screens.scans.take)
        self.wedge.suspectsChanged.connect(
            lambda: self.screens.goods.wait_for_scanner(self.wedge.suspects)
        )
        self.engine: QQmlApplicationEngine | None = self._make_engine()
        self._touch = _Touch(self.root)
        self._frames = _Frames(self.root, self.gallery)
        self.window: QQuickWindow | None = None

    def on_news(self, news: PaymentNews) -> None:
        """Take news of a payment."""
        if self.engine is not None:
            self.screens.counter.hear(news)

    def on_back(self, news: BackNews) -> None:
        """Take news of money on its way back."""
        if self.engine is not None:
            self.screens.counter.hear_back(news)

    def show(self, *, fullscreen: bool = False) -> QQuickWindow:
        """Load the window and show it. Raises RuntimeError if its QML does not load."""
        engine = self.engine or self._make_engine()
        self.engine = engine
        self.words.serve(engine)
        engine.setInitialProperties({"vm": self.root})
        engine.load(QUrl.fromLocalFile(str(QML_FOLDER / "Guide" / "Main.qml")))
        roots = engine.rootObjects()
        if not roots or not isinstance(roots[0], QQuickWindow):
            raise RuntimeError("the window did not load: " + "; ".join(self.warnings))
        self.window = roots[0]
        self.window.installEventFilter(self._touch)
        self.window.frameSwapped.connect(
            self._frames.shown,
            Qt.ConnectionType.DirectConnection,  # whichever thread draws
        )
        self.wedge.watch(self.window)
        if fullscreen:
            self.window.showFullScreen()
        else:
            self.window.show()
        return self.window

    def after_first_frame(self, work: Callable[[], None]) -> None:
        """Call `work` once, on the GUI thread, when the window's first frame is on screen."""
        window = self.window or self.show()

        def begin() -> None:
            window.frameSwapped.disconnect(begin)
            QTimer.singleShot(0, work)

        window.frameSwapped.connect(begin)

    def run(self) -> int:
        """Stay until the window is closed; return the exit code. `close` is left to the caller."""
        if self.window is None:
            self.show()
        return self._app.exec()

    def close(self) -> None:
        """Take everything down: engine first, view-models after it, with whatever they still wait
        for. Nobody may bring news any more. Safe to call twice."""
        if self.window is None and self.engine is None:
            return
        self.words.leave()
        self.screens.camera.close()
        if self.window is not None:
            self.window.removeEventFilter(self._touch)
            self.window.close()
            self.window = None
        engine, self.engine = self.engine, None
        if engine is not None:
            delete_now(engine)
        delete_now(self.root)

    def _make_engine(self) -> QQmlApplicationEngine:
        engine = QQmlApplicationEngine()
        engine.warnings.connect(self._warn)
        engine.addImportPath(str(QML_FOLDER))
        self.gallery.hang(engine)
        return engine

    def _take_status(self, status: WorkerStatus) -> None:
        if self.engine is None:  # closed while it was on its way
            return
        self.screens.counter.network.look()
        if status.report is not self._last_report and status.report is not None:
            self._last_report = status.report
            news = {stream for stream, rows in status.report.pulled.items() if rows}
            if news - {"tasks"}:
                self.screens.reference_changed()
            if "tasks" in news:
                self.screens.tasks_changed()

    def _warn(self, errors: list[QQmlError]) -> None:
        for error in errors:
            self.warnings.append(error.toString())
            _LOG.warning("qml: %s", error.toString())


def delete_now(thing: QObject) -> None:
    """Delete an object now: what is on its way to it is dropped."""
    thing.deleteLater()
    QGuiApplication.sendPostedEvents(thing, int(QEvent.Type.DeferredDelete))


class _Frames(QObject):
    """Lets pictures be drawn once what they belong to is on the screen."""

    def __init__(self, root: RootVm, gallery: Gallery) -> None:
        super().__init__(root)
        self._garments = gallery.garments

    @Slot()
    def shown(self) -> None:
        self._garments.go_on()


class _Touch(QObject):
    """Tells the root that somebody is there."""

    _KINDS = (QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress, QEvent.Type.TouchBegin)

    def __init__(self, root: RootVm) -> None:
        super().__init__(root)
        self._root = root

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in self._KINDS:
            self._root.touch()
        return False
