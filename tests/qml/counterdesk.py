"""A till with everything from payment to settings, on demo data, a fake cloud and a still clock."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QUrl
from PySide6.QtGui import QGuiApplication
from PySide6.QtQml import QQmlApplicationEngine
from PySide6.QtQuick import QQuickWindow

from app.domain.people import Person, Role
from app.domain.pricing import PricedCart
from app.domain.receipt import Receipt
from app.domain.sale import Sale
from app.ports import CopyStanding, QrMaker, SyncStatus
from app.services.giving_back import GivingBack
from app.services.honesty import Conditions
from app.services.payments import PaymentNews, Payments
from app.services.receipts import Receipts
from app.services.refunds import Refunds
from app.services.tasks import StoreTasks
from app.services.wallets import Wallets
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import FakeGateway
from tests.fakes.printer import FakePrinter
from tests.fakes.qr import FakeQrMaker
from tests.fakes.refunds import FakeRefundDesk
from tests.qml.stage import StageTill, furnish, open_stage
from ui import counter
from ui.counter import Counter, CounterTools
from ui.images import Gallery
from ui.shell import QML_FOLDER, application
from ui.text import Words
from ui.viewmodels.checkout import CheckoutVm
from ui.viewmodels.root import RootVm
from ui.viewmodels.settings import TillFacts

STYLES, MEMBERS = 24, 40

HOST = b"""
import QtQuick
import Guide

Window {
    id: root
    property bool dark: false
    property bool still: true
    property string address: ""
    property var vm: null
    visible: true
    color: Theme.bg
    Binding { target: Theme; property: "dark"; value: root.dark }
    Binding { target: Theme; property: "reduceMotion"; value: root.still }
    Binding { target: Theme; property: "compact"; value: root.width < 1180 || root.height < 700 }
    Loader {
        id: screen
        anchors.fill: parent
        focus: true
    }
    function load(address: string, vm: var): void {
        screen.setSource(address, { "vm": vm });
        screen.forceActiveFocus();
    }
}
"""


class Here(Executor):
    """Does each job at once on the calling thread, or keeps it until `release`."""

    def __init__(self) -> None:
        self.holding = False
        self.waiting: list[Callable[[], None]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:
                future.set_exception(error)

        if self.holding:
            self.waiting.append(run)
        else:
            run()
        return future

    def release(self) -> None:
        """Do what was kept, and keep nothing from now on."""
        self.holding = False
        jobs, self.waiting = self.waiting, []
        for job in jobs:
            job()


@dataclass
class Weather:
    """How things stand with the cloud, as a test wants it."""

    till: StageTill
    reachable: bool = True
    enrolled: bool = True
    unsent: int = 0
    heard_ms_ago: int = 40_000
    second_copy: CopyStanding | None = None

    def conditions(self) -> Conditions:
        now, reader = self.till.clock.now(), self.till.store.reader
        heard = now.server_ms - self.heard_ms_ago
        return Conditions(
            enrolled=self.enrolled,
            reachable=self.reachable,
            drain_only=False,
            sync=SyncStatus(
                unsent=self.unsent,
                oldest_unsent_ms=now.server_ms - 7_500_000 if self.unsent else 0,
                last_push_ms=heard,
                last_pull_ms=heard,
                member_changes=2 if self.unsent else 0,
                head=reader.sync_status().head,
            ),
            open_payments=len(reader.open_attempts()),
            now=now,
            second_copy=self.second_copy,
            revoked=reader.is_revoked(),
        )


@dataclass
class CounterDesk:
    """Everything in hand: the till, its cloud, its printer, the view-models and their words."""

    till: StageTill
    weather: Weather
    gateway: FakeGateway
    back: FakeRefundDesk
    payments: Payments
    printer: FakePrinter
    pool: Here
    words: Words
    gallery: Gallery
    root: RootVm
    checkout: CheckoutVm
    counter: Counter
    remembered: dict[str, str]
    guide: Person
    manager: Person
    warnings: list[str] = field(default_factory=list)
    windows: list[tuple[QQmlApplicationEngine, QQuickWindow]] = field(default_factory=list)

    @property
    def clock(self) -> FakeClock:
        return self.till.clock

    # --- selling ----------------------------------------------------------------------------------

    def cart(self, *sku_numbers: int, member: int | None = None) -> PricedCart:
        """Return a cart with some SKUs of the shop and a member."""
        service = self.till.checkout
        priced = service.open(self.guide.person_id)
        cards = self.till.store.reader.style_cards(limit=60)
        for number in sku_numbers:
            matrix = self.till.store.reader.matrix(cards[number].style_no)
            assert matrix is not None
            cell = next(cell for row in matrix.cells for cell in row if cell is not None)
            priced = service.add(priced, cell.sku)
        if member is not None:
            priced = service.attach_member(priced, self.member_refs()[member])
        return priced

    def member_refs(self) -> list[str]:
        """Members whose tier gives something, in a fixed order."""
        reader = self.till.store.reader
        found = [m for start in range(130, 200) for m in reader.find_members(str(start), 20)]
        generous = {tier.code for tier in reader.tiers() if tier.pays_bp < 10_000}
        return sorted({m.member_ref for m in found if m.tier in generous})

    def sell_cash(self, priced: PricedCart, given: int | None = None) -> Sale:
        tender = self.till.checkout.cash_tender(priced, given or priced.total)
        return self.till.checkout.complete(priced, [tender], self.guide.person_id).result()

    def a_days_work(self, sales: int = 7) -> list[Sale]:
        """Sell through the day, the last sale being the largest."""
        made = []
        self.clock.advance(16 * 3_600 + 2_400)
        for number in range(sales):
            self.clock.advance(1_500 + 777 * number)
            priced = self.cart(*range(number, number + 1 + number % 3), member=number % 2 or None)
            made.append(self.sell_cash(priced, priced.total + 5_000))
        return made

    @property
    def attempt_id(self) -> str:
        """The newest attempt at the cloud."""
        return self.gateway.attempt_ids[-1]

    def hear(self) -> PaymentNews:
        """Let the watch ask about the newest attempt and tell the screen."""
        news = self.payments.refresh(self.attempt_id).result()
        self.counter.hear(news)
        return news

    # --- showing ----------------------------------------------------------------------------------

    def show(
        self, screen: str, vm: object, *, size: tuple[int, int] = (1280, 800), dark: bool = False
    ) -> QQuickWindow:
        """Show one screen in a window of its own."""
        engine = QQmlApplicationEngine()
        engine.warnings.connect(
            lambda found: self.warnings.extend(error.toString() for error in found)
        )
        engine.addImportPath(str(QML_FOLDER))
        self.gallery.hang(engine)
        self.words.serve(engine)
        engine.setInitialProperties({"width": size[0], "height": size[1], "dark": dark})
        engine.loadData(HOST)
        window = engine.rootObjects()[0]
        assert isinstance(window, QQuickWindow)
        self.windows.append((engine, window))
        address = QUrl.fromLocalFile(str(QML_FOLDER / "Guide" / "screens" / f"{screen}.qml"))
        window.load(address.toString(), vm)  # type: ignore[attr-defined]  # a function in HOST
        return window

    def close(self) -> None:
        self.words.leave()
        for engine, window in self.windows:
            window.close()
            engine.deleteLater()
            QGuiApplication.sendPostedEvents(engine, int(QEvent.Type.DeferredDelete))
        self.root.deleteLater()
        QGuiApplication.sendPostedEvents(self.root, int(QEvent.Type.DeferredDelete))
        self.till.close()


def furnish_counter(folder: Path) -> Path:
    """Fill a folder once; each test works on a copy."""
    furnish(folder, styles=STYLES, members=MEMBERS)
    return folder


def open_counter(
    source: Path,
    home: Path,
    *,
    language: str = "zh_CN",
    qr: QrMaker | None = None,
    raster: Callable[[Receipt, str], bytes] | None = None,
) -> CounterDesk:
    """Open a copy of a furnished till with its counter."""
    application()
    shutil.copytree(source, home, dirs_exist_ok=True)
    till = open_stage(home, language=language)
    pool, printer = Here(), FakePrinter()
    gateway = FakeGateway(now_ms=lambda: till.clock.now().server_ms)
    payments = Payments(till.store, gateway, till.clock, pool)
    tasks = StoreTasks(till.store, till.desk, payments, pool)
    refunds = Refunds(till.store, till.clock, till.settings.currency)
    back = FakeRefundDesk(lambda attempt_id: gateway.query(attempt_id).received)
    giving_back = GivingBack(till.store, back, refunds, tasks, payments, till.clock, pool)
    words, gallery, weather = Words(language), Gallery(), Weather(till)
    header = till.store.reader.store_header()
    root = RootVm(till.settings, words, (header.name, header.name_en), None)
    checkout = CheckoutVm(till.checkout, till.store, words, root)
    remembered: dict[str, str] = {}
    tools = CounterTools(
        settings=till.settings,
        store=till.store,
        clock=till.clock,
        checkout=till.checkout,
        payments=payments,
        wallets=Wallets(payments, gateway, till.clock, pool),
        tasks=tasks,
        receipts=Receipts(till.store, printer, pool),
        refunds=refunds,
        giving_back=giving_back,
        qr=qr or FakeQrMaker(),
        pool=pool,
        conditions=weather.conditions,
        sync_now=lambda: pool.submit(lambda: None),
        facts=TillFacts("file", "0.1.0"),
        raster=raster,
        remember=remembered.__setitem__,
    )
    people = till.session.people()
    return CounterDesk(
        till=till,
        weather=weather,
        gateway=gateway,
        back=back,
        payments=payments,
        printer=printer,
        pool=pool,
        words=words,
        gallery=gallery,
        root=root,
        checkout=checkout,
        counter=counter.furnish(root, checkout, tools, words, gallery),
        remembered=remembered,
        guide=next(p for p in people if p.role is Role.GUIDE),
        manager=next(p for p in people if p.role is Role.MANAGER),
    )
