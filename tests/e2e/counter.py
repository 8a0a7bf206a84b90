"""A guide at the counter: the till's real window on a real store, used by taps, keys and scans.

Knows what a person sees and what the till's own books say; it plays no customer and starts no cloud.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from app.devices.barcode import TwoReaders
from app.domain.catalog import Sku
from app.domain.money import CNY, show_amount
from app.domain.payment import Anomaly, State
from app.domain.pricing import PricedCart
from app.domain.sale import Sale
from app.ports import Attempt
from app.services.checkout import OPEN_SLOT
from app.wire.tokens import read_order_token
from guidepos.stage import GUIDE, PIN
from guidepos.till import Till
from guidepos.window import go_online, make_shell
from tests.e2e.phones import PATIENCE_S, live_until
from ui.hand import Hand, NotSeen
from ui.shell import Shell

PAY, QR, PAID, NEXT = "收款 ¥", "收款码", "已付", "下一位顾客"


@dataclass
class Counter:
    """One window, open from `open` to `close`."""

    till: Till
    shell: Shell = field(init=False)
    hand: Hand = field(init=False)
    paid_frame_ms: float = 0.0
    """When the first frame with "paid" on it was on screen, Unix milliseconds."""

    def open(self) -> None:
        """Show the window and connect it to the cloud."""
        self.shell = make_shell(self.till)
        window = self.shell.show()
        window.resize(1280, 800)
        window.frameSwapped.connect(self._frame)
        self.hand = Hand(window)
        go_online(self.till, self.shell)

    def close(self) -> None:
        """Take the window down; whatever QML complained about fails the test."""
        self.till.go_offline()
        self.shell.close()
        assert self.shell.warnings == [], self.shell.warnings

    def clear(self) -> None:
        """Leave no cart behind."""
        self.till.checkout.forget(OPEN_SLOT).result(timeout=PATIENCE_S)

    # --- what a guide does ----------------------------------------------------------------------

    def sign_in(self) -> None:
        """Sign in with face and PIN, and wait until the cloud has been reached."""
        self.tap(GUIDE)
        self.hand.type(PIN + "\r")
        self.see(PAY)
        self.is_online()

    def is_online(self) -> None:
        """Wait until hints flow: the stream to the cloud is open."""
        assert live_until(lambda: bool(self.till.online and self.till.online.watch.is_live))
        self.shell.screens.counter.network.look()

    def goods(self, count: int) -> list[Sku]:
        """Return SKUs of as many styles, several pieces of each in stock here."""
        found = []
        for card in self.till.store.reader.style_cards(limit=200):
            matrix = self.till.stock.matrix(card.style_no)
            stocked = (c for row in matrix.cells for c in row if c and c.own_quantity >= 3)
            found += [cell.sku for cell in stocked][:1]
            if len(found) == count:
                return found
        raise AssertionError("the shop is sold out")

    def scan(self, *skus: Sku) -> None:
        """Scan tags, one after the other; each must land in the cart."""
        for sku in skus:
            wanted = self.cart.units + 1
            self.hand.scan(sku.gtin)
            assert self._holds(wanted), sku.gtin

    def attach_member(self, phone: str, name: str) -> None:
        """Attach a member by phone number."""
        self.tap("添加会员")
        self.see("手机")
        self.hand.type(phone)
        self.tap(name)
        assert live_until(lambda: bool(self.cart.cart.member_ref))

    def show_qr(self) -> str:
        """Press Pay and return what a camera reads from the screen."""
        self.paid_frame_ms = 0.0
        self.tap(PAY)
        return self.read_qr()

    def new_qr(self) -> str:
        """Press "show a new QR" and return what a camera reads from the screen."""
        self.tap("换一个新码")
        return self.read_qr()

    def read_qr(self) -> str:
        """Return what a camera reads from a picture of the window."""
        self.see(QR)
        found: list[str] = []

        def look() -> bool:
            found[:] = [code.text for code in TwoReaders().read(*self.hand.camera())]
            return bool(found)

        assert live_until(look)
        (address,) = found
        return address

    def quick_sale(self, *skus: Sku) -> str:
        """Scan goods and show their QR."""
        self.scan(*skus)
        return self.show_qr()

    def sees_paid(self) -> Sale:
        """Wait until the screen says paid, go on to the next customer, and return the sale."""
        self.see(PAID)
        assert live_until(lambda: self.paid_frame_ms > 0)
        self.tap(NEXT)
        assert live_until(lambda: self.place == ("sell", ""))
        return self.last_sale()

    def take_cash(self) -> Sale:
        """Take the exact amount in cash, once the cash panel is open."""
        self.see("收下现金")
        self.tap(show_amount(self.cart.total, CNY).removesuffix(".00"))
        self.tap("收下现金")
        self.tap(NEXT)
        assert live_until(lambda: self.place == ("sell", ""))
        return self.last_sale()

    def tap(self, name: str) -> None:
        """Tap something on the screen."""
        self.hand.tap(name, PATIENCE_S)

    def see(self, name: str) -> None:
        """Wait until something is on the screen."""
        self.hand.see(name, PATIENCE_S)

    def cannot_use(self, name: str) -> None:
        """Hold the screen against it: there, and not to be pressed."""
        assert not self.hand.see(name, PATIENCE_S).isEnabled(), name

    def sees_nothing_of(self, name: str) -> None:
        """Hold the screen against it."""
        assert self.hand.find(name) is None, name

    def says(self, *words: str) -> None:
        """Wait until the window says all of these."""
        if not live_until(lambda: all(self.hand.find(word) for word in words)):
            raise NotSeen(f"{words} are not all among {sorted(set(self.hand.names()))}")

    # --- what the books say ---------------------------------------------------------------------

    @property
    def cart(self) -> PricedCart:
        return self.shell.screens.checkout.priced

    @property
    def place(self) -> tuple[str, str]:
        root = self.shell.root
        return str(root.property("place")), str(root.property("sheet"))

    @property
    def sale_ids(self) -> list[str]:
        documents = self.till.store.reader.documents(limit=500)
        return [one.document_id for one in documents if one.kind == "sale"]

    def last_sale(self) -> Sale:
        sale = self.till.store.reader.document(self.sale_ids[0])
        assert isinstance(sale, Sale)
        return sale

    def attempt(self, address: str) -> Attempt:
        """Return the attempt behind a QR as the till has it on record now."""
        claims = read_order_token(address.rsplit("/", 1)[1]).claims
        found = self.till.store.run(lambda uow: uow.attempt(claims.attempt_id))
        attempt = found.result(timeout=PATIENCE_S)
        assert attempt is not None
        return attempt

    def becomes(self, address: str, state: State) -> Attempt:
        """Wait until the till has it on record that the attempt behind a QR stands so."""
        assert live_until(lambda: self.attempt(address).last.after.state is state)
        return self.attempt(address)

    def uneasy(self) -> dict[str, frozenset[Anomaly]]:
        """Return the attempts whose money needs a person, with what is unusual about it."""
        found = self.till.store.reader.uneasy_attempts()
        return {one.attempt_id: one.last.after.anomalies for one in found}

    def own_stock(self, sku: Sku) -> int:
        """Return how many pieces the till says are here."""
        return own_stock(self.till, sku)

    def _holds(self, pieces: int) -> bool:
        return live_until(lambda: self.cart.units == pieces)

    def _frame(self) -> None:
        if not self.paid_frame_ms and self.shell.screens.counter.pay.property("isPaid"):
            self.paid_frame_ms = time.time() * 1_000


def own_stock(till: Till, sku: Sku) -> int:
    """Return how many pieces a till says are in its store."""
    matrix = till.stock.matrix(sku.style_no)
    cells = (cell for row in matrix.cells for cell in row if cell)
    return next(cell.own_quantity for cell in cells if cell.sku.sku_id == sku.sku_id)
