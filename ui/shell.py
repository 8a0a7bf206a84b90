"""Opens the window: application, fonts, engine, root view-model; and takes them down in that order.

The front door hands in a till with its services; nothing here knows a store, a cloud or a printer.
"""

from __future__ import annotations

import logging
import os
import sys
from concurrent.futures import Executor
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QEvent, QObject, QUrl
from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication, QIcon
from PySide6.QtQml import QQmlApplicationEngine, QQmlError
from PySide6.QtQuick import QQuickWindow, QSGRendererInterface

import resources
from app.domain.people import Person
from app.ports import Clock, Store
from app.services.checkout import Checkout
from app.services.members import Members
from app.services.session import Session
from app.services.stock import Stock
from app.settings import Settings
from ui.images import Gallery
from ui.text import Words
from ui.viewmodels.checkout import CheckoutVm
from ui.viewmodels.goods import GoodsVm
from ui.viewmodels.matrix import MatrixVm
from ui.viewmodels.members import MembersVm
from ui.viewmodels.root import RootVm
from ui.viewmodels.session import SessionVm
from ui.viewmodels.shoplists import ShopLists

QML_FOLDER = Path(__file__).resolve().parent / "qml"
FONTS = Path(resources.__file__).resolve().parent
_LOG = logging.getLogger("guidepos.screen")


class Till(Protocol):
    """What the screen needs of a till."""

    @property
    def settings(self) -> Settings: ...
    @property
    def store(self) -> Store: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def session(self) -> Session: ...
    @property
    def checkout(self) -> Checkout: ...
    @property
    def members(self) -> Members: ...
    @property
    def stock(self) -> Stock: ...
    @property
    def network(self) -> Executor: ...


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
    computer often has no graphics worth the name. And draw at once: without a screen's beat to
    wait for, Qt would hold every frame back by 5 ms."""
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
    font.setFamilies(["Inter", "Noto Sans SC"])
    font.setPixelSize(14)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    app.setFont(font)
    app.setProperty("guideposDressed", True)


class Shell:
    """The till's window. Make it on the GUI thread, `show` it, and `close` it before the till closes."""

    def __init__(self, till: Till) -> None:
        self._app = application()
        settings = till.settings
        self.words = Words(settings.language, currency=settings.currency)
        self.gallery = Gallery()
        self.warnings: list[str] = []
        self.root = build_root(till, self.words)
        self.engine: QQmlApplicationEngine | None = self._make_engine()
        self._touch = _Touch(self.root)
        self.window: QQuickWindow | None = None

    def show(self) -> QQuickWindow:
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
        self.window.show()
        return self.window

    def run(self) -> int:
        """Show the window and stay until it is closed; return the exit code."""
        self.show()
        try:
            return self._app.exec()
        finally:
            self.close()

    def close(self) -> None:
        """Take everything down: engine first, view-models after it. Safe to call twice."""
        if self.window is None and self.engine is None:
            return
        self.words.leave()
        if self.window is not None:
            self.window.removeEventFilter(self._touch)
            self.window.close()
            self.window = None
        engine, self.engine = self.engine, None
        if engine is not None:
            engine.deleteLater()
            QGuiApplication.sendPostedEvents(engine, int(QEvent.Type.DeferredDelete))

    def _make_engine(self) -> QQmlApplicationEngine:
        engine = QQmlApplicationEngine()
        engine.warnings.connect(self._warn)
        engine.addImportPath(str(QML_FOLDER))
        self.gallery.hang(engine)
        return engine

    def _warn(self, errors: list[QQmlError]) -> None:
        for error in errors:
            self.warnings.append(error.toString())
            _LOG.warning("qml: %s", error.toString())


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


def build_root(till: Till, words: Words) -> RootVm:
    """Make the view-models and plug them into each other."""
    header = till.store.reader.store_header()
    root = RootVm(till.settings, words, (header.name, header.name_en), None)
    session = SessionVm(till.session, till.network, words, root)
    checkout = CheckoutVm(till.checkout, till.store, words, root)
    goods = GoodsVm(till.store, words, root)
    matrix = MatrixVm(till.stock, words, lambda: till.clock.now().server_ms, root)
    members = MembersVm(till.members, ShopLists(till.store, words), words, root)
    root.hold(session=session, checkout=checkout, goods=goods, matrix=matrix, members=members)
    _join(root, session, checkout, goods, matrix, members)
    session.load()
    return root


def _join(
    root: RootVm,
    session: SessionVm,
    checkout: CheckoutVm,
    goods: GoodsVm,
    matrix: MatrixVm,
    members: MembersVm,
) -> None:
    """Let one view-model's news reach the others."""

    def welcome(person: Person) -> None:
        goods.reload()
        checkout.begin(person)
        root.welcome(person)

    def picked(member_ref: str) -> None:
        checkout.attach(member_ref)
        root.close()

    def count() -> None:
        goods.show_counts(checkout.pieces_by_style())
        matrix.show_counts(checkout.pieces_by_sku())

    session.signedIn.connect(welcome)
    root.signedOut.connect(session.load)
    members.picked.connect(picked)
    matrix.added.connect(checkout.addSku)
    checkout.cartChanged.connect(count)
