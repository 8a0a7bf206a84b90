"""Makes the view-models of a till and plugs them into each other. No QML, no window.

A view-model knows its services and its own screen; what one screen's news means for another is
written here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from datetime import date

from app.domain.people import Person
from app.domain.sale import Sale
from app.domain.times import business_date
from app.ports import Clock, QrMaker, Reader, Store
from app.services.checkout import Checkout
from app.services.honesty import Conditions, judge
from app.services.members import Members
from app.services.payments import Payments
from app.services.receipts import Receipts
from app.services.session import Session
from app.services.stock import Stock
from app.settings import Settings
from ui.images import Gallery
from ui.text import LANGUAGES, Words
from ui.viewmodels.cashpay import CashPayVm
from ui.viewmodels.checkout import CheckoutVm
from ui.viewmodels.done import DoneVm, Raster
from ui.viewmodels.goods import GoodsVm
from ui.viewmodels.history import HistoryVm
from ui.viewmodels.matrix import MatrixVm
from ui.viewmodels.members import MembersVm
from ui.viewmodels.mysales import MySalesVm
from ui.viewmodels.naming import Naming
from ui.viewmodels.network import NetworkVm
from ui.viewmodels.payment import PaymentVm
from ui.viewmodels.phonepay import PhonePayVm, PhoneTools
from ui.viewmodels.root import Place, RootVm, Sheet
from ui.viewmodels.session import SessionVm
from ui.viewmodels.settings import SettingsVm, TillFacts
from ui.viewmodels.shoplists import ShopLists

_REMEMBERED = "screen."


def _silent() -> None:
    """No sound."""


def _no_sync() -> Future[None] | None:
    """No worker to wake."""
    return None


@dataclass(frozen=True, slots=True)
class TillParts:
    """What the screen is given of a till.

    `sync_now` wakes the sync worker and answers when a round has ended; `raster` draws a receipt as
    PNG; `chime` plays the sound of a payment.
    """

    settings: Settings
    store: Store
    clock: Clock
    session: Session
    checkout: Checkout
    members: Members
    stock: Stock
    payments: Payments
    receipts: Receipts
    network: Executor
    qr: QrMaker
    conditions: Callable[[], Conditions]
    facts: TillFacts
    sync_now: Callable[[], Future[None] | None] = _no_sync
    raster: Raster | None = None
    chime: Callable[[], None] = _silent


def remembered(settings: Settings, reader: Reader) -> Settings:
    """Return the settings with what was chosen on the screen before."""
    language = reader.state(_REMEMBERED + "language")
    theme = reader.state(_REMEMBERED + "theme")
    return replace(
        settings,
        language=language if language in LANGUAGES else settings.language,
        theme=theme if theme in ("light", "dark") else settings.theme,
        reduce_motion=settings.reduce_motion or bool(reader.state(_REMEMBERED + "reduce_motion")),
    )


class Screens:
    """All view-models of a till, by name, joined."""

    def __init__(self, parts: TillParts, words: Words, gallery: Gallery) -> None:
        self._parts, self._words = parts, words
        reader = self._reader
        header = reader().store_header()
        self.root = root = RootVm(parts.settings, words, (header.name, header.name_en), None)
        lists = ShopLists(parts.store, words)
        self.session = SessionVm(parts.session, parts.network, words, root)
        self.checkout = CheckoutVm(parts.checkout, parts.store, words, root)
        self.goods = GoodsVm(parts.store, words, root)
        self.matrix = MatrixVm(parts.stock, words, self._now_ms, root)
        self.members = MembersVm(parts.members, lists, words, root)
        self.pay = self._make_pay(gallery)
        self.done = DoneVm(
            parts.receipts,
            Naming(reader, words),
            gallery.receipts,
            parts.network,
            words,
            root,
            raster=parts.raster,
        )
        self.history = HistoryVm(reader, parts.receipts, self._today, words, root)
        self.my_sales = MySalesVm(reader, self._today, words, root)
        self.network = NetworkVm(parts.conditions, parts.sync_now, words, root)
        self.settings = SettingsVm(root, reader, parts.facts, words, self._remember)
        root.hold(
            session=self.session,
            checkout=self.checkout,
            goods=self.goods,
            matrix=self.matrix,
            members=self.members,
            pay=self.pay,
            done=self.done,
            history=self.history,
            my_sales=self.my_sales,
            network=self.network,
            settings=self.settings,
        )
        self._join_selling()
        self._join_paying()
        self._join_places()
        self.session.load()
        self.network.look()

    def _make_pay(self, gallery: Gallery) -> PaymentVm:
        parts, words, root = self._parts, self._words, self.root
        tools = PhoneTools(parts.payments, parts.clock, parts.qr, gallery.symbols)
        pay = PaymentVm(
            words,
            lambda operation: judge(operation, parts.conditions()),
            root,
            chime=parts.chime,
        )
        pay.hold(
            PhonePayVm(tools, words, pay),
            CashPayVm(parts.checkout, parts.settings.currency, words, pay),
        )
        return pay

    # --- what one screen's news means for the others ---------------------------------------------

    def _join_selling(self) -> None:
        self.session.signedIn.connect(self._welcome)
        self.root.signedOut.connect(self.session.load)
        self.members.picked.connect(self._attach)
        self.matrix.added.connect(self.checkout.addSku)
        self.checkout.cartChanged.connect(self._count)

    def _join_paying(self) -> None:
        self.root.payAsked.connect(self._pay)
        self.pay.left.connect(self._back_to_cart)
        self.pay.aside.connect(self._set_aside)
        self.pay.settled.connect(self._settled)
        self.done.nextAsked.connect(self.root.close)

    def _join_places(self) -> None:
        self.root.entered.connect(self._enter)
        self.network.changed.connect(self._show_chip)
        self.network.closeAsked.connect(self.root.close)

    def _welcome(self, person: Person) -> None:
        self.goods.reload()
        self.checkout.begin(person)
        self.my_sales.of(person)
        self.root.welcome(person)

    def _attach(self, member_ref: str) -> None:
        self.checkout.attach(member_ref)
        self.root.close()

    def _count(self) -> None:
        self.goods.show_counts(self.checkout.pieces_by_style())
        self.matrix.show_counts(self.checkout.pieces_by_sku())

    def _pay(self) -> None:
        person = self.root.person
        if person is not None and self.checkout.priced.lines:
            self.checkout.freeze(True)
            self.pay.open(self.checkout.priced, person)
            self.root.open(Sheet.PAY)

    def _back_to_cart(self) -> None:
        self.checkout.freeze(False)
        self.root.close()

    def _set_aside(self) -> None:
        self.checkout.freeze(False)
        self.checkout.park()
        self.root.close()

    def _settled(self, sale: Sale) -> None:
        self.done.show(sale)
        self.checkout.finish()
        self.goods.reload()
        self.network.look()
        self.root.open(Sheet.DONE)

    def _enter(self, place: str) -> None:
        match place:
            case Place.HISTORY:
                self.history.load()
            case Place.MY_SALES:
                self.my_sales.load()
            case Place.SETTINGS:
                self.settings.load()

    def _show_chip(self) -> None:
        text, kind = self.network.property("chipText"), self.network.property("chipKind")
        self.root.show_network(str(text), str(kind))

    # --- from outside ----------------------------------------------------------------------------

    def scanned(self, code: str) -> None:
        """A scanner read a code: it goes to whatever the person is looking at."""
        place, sheet = self.root.property("place"), self.root.property("sheet")
        if place == Place.SELL and sheet in (Sheet.NONE, Sheet.MATRIX):
            self.checkout.scan(code)
        elif place == Place.HISTORY and sheet == Sheet.NONE:
            self.history.search(code)

    def reference_changed(self) -> None:
        """News from the cloud: goods, stock or people may be others now."""
        self.goods.reload()
        self.session.load()

    # --- small things ----------------------------------------------------------------------------

    def _reader(self) -> Reader:
        return self._parts.store.reader

    def _now_ms(self) -> int:
        return self._parts.clock.now().server_ms

    def _today(self) -> date:
        return business_date(self._parts.clock.now())

    def _remember(self, key: str, value: str) -> None:
        self._parts.store.run(lambda uow: uow.set_state(_REMEMBERED + key, value))
