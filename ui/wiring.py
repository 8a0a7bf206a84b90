"""Makes the view-models of a till and plugs them into each other. No QML, no window.

A view-model knows its services and its own screen; what one screen's news means for another is
written here, and in `ui/counter.py` from payment to settings.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace

from app.domain.people import Person
from app.domain.refund import Refund
from app.domain.sale import Sale
from app.ports import Clock, QrMaker, Reader, Store
from app.services.checkout import Checkout
from app.services.giving_back import GivingBack
from app.services.honesty import Conditions
from app.services.members import Members
from app.services.payments import Payments
from app.services.receipts import Receipts
from app.services.refunds import Refunds
from app.services.scan_router import ScanRouter
from app.services.session import Session
from app.services.stock import Stock
from app.services.tasks import StoreTasks
from app.services.wallets import Wallets
from app.settings import Settings
from app.sync.progress import Filling
from ui.counter import CounterTools, furnish
from ui.images import Gallery
from ui.scans import Scans
from ui.text import LANGUAGES, Words
from ui.viewmodels.camera import CameraTools, CameraVm
from ui.viewmodels.checkout import CheckoutVm
from ui.viewmodels.done import Raster
from ui.viewmodels.goods import GoodsVm
from ui.viewmodels.matrix import MatrixVm
from ui.viewmodels.members import MembersVm
from ui.viewmodels.root import RootVm
from ui.viewmodels.session import SessionVm
from ui.viewmodels.settings import TillFacts
from ui.viewmodels.shoplists import ShopLists

_REMEMBERED = "screen."


def _silent() -> None:
    """No sound."""


def _nobody() -> None:
    """There is nobody to tell."""


def _no_sync() -> Future[None] | None:
    """No worker to wake."""
    return None


@dataclass(frozen=True, slots=True)
class TillParts:
    """What the screen is given of a till.

    `recorded` is told that there is something to send, `sync_now` asks for a round of sync and
    answers when it has begun; `raster` draws a receipt as PNG; `chime` plays the sound of a payment.
    `filling` tells how far the download of the shop is, `pause` stops it or lets it go on; `camera` is
    None on a till without camera support.
    """

    settings: Settings
    store: Store
    clock: Clock
    session: Session
    checkout: Checkout
    members: Members
    stock: Stock
    payments: Payments
    wallets: Wallets
    tasks: StoreTasks
    receipts: Receipts
    refunds: Refunds
    giving_back: GivingBack
    network: Executor
    qr: QrMaker
    conditions: Callable[[], Conditions]
    facts: TillFacts
    recorded: Callable[[], None] = _nobody
    sync_now: Callable[[], Future[None] | None] = _no_sync
    raster: Raster | None = None
    chime: Callable[[], None] = _silent
    filling: Callable[[], Filling | None] = lambda: None
    pause: Callable[[bool], Future[None] | None] = lambda paused: None
    camera: CameraTools | None = None


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
        header = parts.store.reader.store_header()
        self.root = root = RootVm(parts.settings, words, (header.name, header.name_en), None)
        lists = ShopLists(parts.store, words)
        self.session = SessionVm(parts.session, parts.network, words, root)
        self.checkout = CheckoutVm(parts.checkout, parts.store, words, root)
        self.goods = GoodsVm(parts.store, words, root, rest_pictures=gallery.garments.rest)
        self.matrix = MatrixVm(parts.stock, words, self._now_ms, root)
        self.members = MembersVm(parts.members, lists, words, root, lambda: root.person)
        self.camera = CameraVm(parts.camera, gallery.camera, words, root)
        self.counter = furnish(root, self.checkout, self._counter_tools(), words, gallery)
        root.hold(
            session=self.session,
            checkout=self.checkout,
            goods=self.goods,
            matrix=self.matrix,
            members=self.members,
            camera=self.camera,
        )
        self.scans = Scans(
            ScanRouter(lambda: parts.store.reader),
            root,
            self.checkout,
            self.camera,
            self.counter.history.search,
            self.counter.pay,
            words,
        )
        self.counter.pay.join_camera(parts.camera is not None, self.camera.open)
        self._join()
        self.session.load()

    def _counter_tools(self) -> CounterTools:
        parts = self._parts
        return CounterTools(
            settings=parts.settings,
            store=parts.store,
            clock=parts.clock,
            checkout=parts.checkout,
            payments=parts.payments,
            wallets=parts.wallets,
            tasks=parts.tasks,
            receipts=parts.receipts,
            refunds=parts.refunds,
            giving_back=parts.giving_back,
            qr=parts.qr,
            pool=parts.network,
            conditions=parts.conditions,
            sync_now=parts.sync_now,
            facts=parts.facts,
            raster=parts.raster,
            remember=self._remember,
            chime=parts.chime,
            filling=parts.filling,
            pause=parts.pause,
        )

    # --- what one screen's news means for the others ---------------------------------------------

    def _join(self) -> None:
        self.session.signedIn.connect(self._welcome)
        self.root.signedOut.connect(self.session.load)
        self.members.picked.connect(self._attach)
        self.members.erased.connect(self.checkout.forget)
        self.matrix.added.connect(self.checkout.addSku)
        self.checkout.cartChanged.connect(self._count)
        self.counter.pay.settled.connect(self._settled)
        self.counter.pay.soldElsewhere.connect(self._settled)
        self.counter.inbox.delivered.connect(self._settled)
        self.counter.returns.returned.connect(self._settled)
        self.counter.network.changed.connect(self._show_chip)
        self._show_chip()

    def _settled(self, _document: Sale | Refund) -> None:
        self._parts.recorded()
        self.goods.reload()

    def _welcome(self, person: Person) -> None:
        self.goods.reload()
        self.root.welcome(person)
        self.checkout.begin(person)

    def _attach(self, member_ref: str) -> None:
        self.checkout.attach(member_ref)
        self.root.close()

    def _count(self) -> None:
        self.goods.show_counts(self.checkout.pieces_by_style())
        self.matrix.show_counts(self.checkout.pieces_by_sku())

    def _show_chip(self) -> None:
        network = self.counter.network
        chip = (network.property(name) for name in ("chipText", "chipKind", "chipGlyph"))
        self.root.show_network(*map(str, chip))

    # --- from outside ----------------------------------------------------------------------------

    def reference_changed(self) -> None:
        """News from the cloud: goods, stock or people may be others now."""
        self.goods.reload()
        self.session.load()

    def tasks_changed(self) -> None:
        """News from the cloud: something waits for a person, or does no more."""
        self.counter.inbox.look()

    # --- small things ----------------------------------------------------------------------------

    def _now_ms(self) -> int:
        return self._parts.clock.now().server_ms

    def _remember(self, key: str, value: str) -> None:
        self._parts.store.run(lambda uow: uow.set_state(_REMEMBERED + key, value))
