"""Makes the view-models from payment to settings and joins them to the window and the cart.

The shell calls `furnish` once; the front door hands `Counter.hear` to the payment watch.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import date

from app.domain.people import Person
from app.domain.receipt import Receipt
from app.domain.refund import Refund
from app.domain.sale import Sale
from app.domain.times import business_date
from app.ports import Clock, QrMaker, Reader, Store
from app.services.checkout import Checkout
from app.services.giving_back import BackNews, GivingBack
from app.services.honesty import Conditions, Operation, Verdict, judge
from app.services.payments import PaymentNews, Payments
from app.services.receipts import Receipts
from app.services.refunds import Refunds
from app.services.tasks import StoreTasks
from app.services.wallets import Wallets
from app.settings import Settings
from app.sync.progress import Filling
from ui import chime
from ui.images import Gallery
from ui.text import Words
from ui.viewmodels.cashpay import CashPayVm
from ui.viewmodels.checkout import CheckoutVm
from ui.viewmodels.done import DoneVm
from ui.viewmodels.history import HistoryVm
from ui.viewmodels.inbox import InboxTools, InboxVm
from ui.viewmodels.mysales import MySalesVm
from ui.viewmodels.naming import Naming
from ui.viewmodels.network import NetworkVm
from ui.viewmodels.payment import PaymentVm
from ui.viewmodels.phonepay import PhonePayVm
from ui.viewmodels.phonetools import PhoneTools
from ui.viewmodels.proofpay import ProofVm
from ui.viewmodels.returns import ReturnVm
from ui.viewmodels.root import Place, RootVm, Sheet
from ui.viewmodels.settings import SettingsVm, TillFacts
from ui.viewmodels.walletpay import WalletVm


@dataclass(frozen=True, slots=True)
class CounterTools:
    """What these screens need of a till.

    `raster` makes a PNG of a receipt in a language, `sync_now` wakes the sync worker, `remember`
    keeps a setting (key, value) for the next start, `chime` sounds when a payment came in. `filling`
    tells how far the download of the shop is, `pause` stops it or lets it go on.
    """

    settings: Settings
    store: Store
    clock: Clock
    checkout: Checkout
    payments: Payments
    wallets: Wallets
    tasks: StoreTasks
    receipts: Receipts
    refunds: Refunds
    giving_back: GivingBack
    qr: QrMaker
    pool: Executor
    conditions: Callable[[], Conditions]
    sync_now: Callable[[], Future[None] | None]
    facts: TillFacts
    raster: Callable[[Receipt, str], bytes] | None = None
    remember: Callable[[str, str], None] = lambda key, value: None
    chime: Callable[[], None] = lambda: chime.play("paid")
    filling: Callable[[], Filling | None] = lambda: None
    pause: Callable[[bool], Future[None] | None] = lambda paused: None


@dataclass(frozen=True, slots=True)
class Counter:
    """The view-models made here; their parent is the root."""

    pay: PaymentVm
    done: DoneVm
    history: HistoryVm
    my_sales: MySalesVm
    network: NetworkVm
    settings: SettingsVm
    inbox: InboxVm
    returns: ReturnVm

    def hear(self, news: PaymentNews) -> None:
        """Take news of any payment, on any thread."""
        self.pay.hear(news)
        self.inbox.stir()

    def hear_back(self, news: BackNews) -> None:
        """Take news of any money on its way back, on any thread."""
        self.returns.hear(news)
        self.inbox.stir()


def furnish(
    root: RootVm, checkout: CheckoutVm, tools: CounterTools, words: Words, gallery: Gallery
) -> Counter:
    """Make the view-models, hand them to the root, and join them to it and to the cart."""

    def reader() -> Reader:
        return tools.store.reader

    def today() -> date:
        return business_date(tools.clock.now())

    def may(operation: Operation) -> Verdict:
        return judge(operation, tools.conditions())

    def who() -> Person | None:
        return root.person

    pay = PaymentVm(words, may, root, chime=tools.chime)
    with_phone = PhoneTools(
        tools.payments, tools.wallets, tools.tasks, tools.clock, tools.qr, gallery.symbols
    )
    phone = PhonePayVm(with_phone, words, pay)
    # A QR that could not be made is news of the network: the rail shall know at once.
    phone.refused.connect(tools.sync_now)
    cash = CashPayVm(tools.checkout, tools.settings.currency, words, pay)
    proof = ProofVm(tools.payments, phone.current, words, pay)
    pay.hold(phone, cash, proof, WalletVm(with_phone, phone, words, pay))
    naming = Naming(reader, words)
    counter = Counter(
        pay=pay,
        done=DoneVm(
            tools.receipts, naming, gallery.receipts, tools.pool, words, root, raster=tools.raster
        ),
        history=HistoryVm(reader, tools.receipts, tools.refunds, today, words, root),
        my_sales=MySalesVm(reader, today, words, root),
        network=_network(root, tools, words),
        settings=SettingsVm(root, reader, tools.facts, words, tools.remember, tools.wallets),
        inbox=InboxVm(_inbox_tools(tools, phone, who), words, root),
        returns=ReturnVm(tools.refunds, tools.giving_back, tools.receipts, who, may, words, root),
    )
    root.hold(
        pay=counter.pay,
        done=counter.done,
        history=counter.history,
        my_sales=counter.my_sales,
        network=counter.network,
        settings=counter.settings,
        inbox=counter.inbox,
        returns=counter.returns,
    )
    _join(root, checkout, counter, tools)
    _join_aftermath(root, checkout, counter)
    return counter


def _network(root: RootVm, tools: CounterTools, words: Words) -> NetworkVm:
    return NetworkVm(
        tools.conditions,
        tools.sync_now,
        words,
        root,
        filling=tools.filling,
        pause=tools.pause,
    )


def _inbox_tools(
    tools: CounterTools, phone: PhonePayVm, who: Callable[[], Person | None]
) -> InboxTools:
    return InboxTools(
        reader=lambda: tools.store.reader,
        tasks=tools.tasks,
        giving_back=tools.giving_back,
        payments=tools.payments,
        on_screen=lambda: phone.cart_id,
        who=who,
        now_ms=lambda: tools.clock.now().server_ms,
        is_online=lambda: tools.conditions().reachable,
        sync_now=tools.sync_now,
    )


def _unfinished(reader: Reader, cart_id: str) -> str:
    """Return the attempt of a cart that may still bring money, or brought it and waits; "" for none."""
    attempts = (*reader.open_attempts(), *reader.uneasy_attempts())
    return next((a.attempt_id for a in attempts if a.last.sale_id == cart_id), "")


def _join(root: RootVm, checkout: CheckoutVm, counter: Counter, tools: CounterTools) -> None:
    pay, done = counter.pay, counter.done

    def reader() -> Reader:
        return tools.store.reader

    def begin() -> None:
        if checkout.actor is not None and checkout.priced.lines:
            checkout.freeze(True)
            root.open(Sheet.PAY)
            pay.open(checkout.priced, checkout.actor)

    def resume() -> None:
        attempt_id = _unfinished(reader(), checkout.priced.cart.cart_id)
        if attempt_id and checkout.actor is not None:
            checkout.freeze(True)
            root.open(Sheet.PAY)
            pay.resume(checkout.priced, checkout.actor, attempt_id)
            counter.inbox.look()

    def left() -> None:
        checkout.freeze(False)
        root.close()

    def aside() -> None:
        checkout.freeze(False)
        checkout.park()
        root.close()

    def settled(sale: Sale) -> None:
        checkout.finish()
        done.show(sale)
        root.open(Sheet.DONE)
        counter.network.look()

    def entered(place: str) -> None:
        if place == Place.MY_SALES:
            counter.my_sales.of(root.person)

    root.payAsked.connect(begin)
    checkout.resumed.connect(resume)
    pay.soldElsewhere.connect(checkout.sold)
    root.entered.connect(entered)
    root.signedOut.connect(lambda: counter.my_sales.of(None))
    pay.left.connect(left)
    pay.aside.connect(aside)
    pay.settled.connect(settled)
    done.nextAsked.connect(root.close)
    counter.network.closeAsked.connect(root.close)
    counter.network.start()


def _join_aftermath(root: RootVm, checkout: CheckoutVm, counter: Counter) -> None:
    """Join what happens after a payment: money that waits for a person, and goods that come back."""
    inbox, returns, history = counter.inbox, counter.returns, counter.history

    def delivered(sale: Sale) -> None:
        checkout.sold(sale)
        history.show(sale.sale_id)
        counter.done.show(sale)
        root.open(Sheet.DONE)

    def returned(refund: Refund) -> None:
        history.show(refund.refund_id)
        counter.network.look()

    for moment in (root.entered, root.personChanged, counter.pay.left, counter.pay.aside):
        moment.connect(inbox.look)
    inbox.openAsked.connect(lambda: root.open(Sheet.INBOX))
    inbox.closeAsked.connect(root.close)
    inbox.delivered.connect(delivered)
    history.returnAsked.connect(returns.begin)
    returns.openAsked.connect(lambda: root.open(Sheet.RETURN))
    returns.closeAsked.connect(root.close)
    returns.returned.connect(returned)
    returns.answered.connect(history.refresh)
