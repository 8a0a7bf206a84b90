"""Any screen of the till, set up on demo data as a person would have left it: for pictures that
cannot lie, and for the self-test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Raw
from msgspec.json import encode

from app.domain.catalog import Sku
from app.domain.money import CNY, show_amount
from app.domain.people import Role
from app.ports import SnapshotPiece, UnitOfWork
from app.services.checkout import OPEN_SLOT
from app.sync.bootstrap import PAUSED
from app.wire.messages import MemberRow, Row
from app.wire.snapshot import SnapshotBegin
from app.wire.tasks import GIVES_BACK, LEAVES, MONEY, OVER, PARTIAL, UNPROVEN, TaskRow
from guidepos.demo_home import Demo
from guidepos.still_camera import StillCamera
from guidepos.till import Till
from guidepos.window import go_online, make_shell
from ui.hand import Hand

GUIDE = "林晚晴"
PIN = "1001"
MANAGER_PIN = "9001"
ASKS_PASSWORD = "289821051157962362"  # noqa: S105 - a make-believe wallet's code
"""A customer's code for which the sandbox asks for a password."""


class Stage:
    """The demo's window, off to any screen by name. Names of places are looked up in both languages
    because pictures are taken in both."""

    def __init__(self, demo: Demo, *, size: tuple[int, int]) -> None:
        self._till = demo.till
        self.shell = make_shell(demo.till, StillCamera(_first_coat(demo.till), CNY))
        window = self.shell.show()
        window.resize(*size)
        self.hand = Hand(window)
        self._words = self.shell.words
        go_online(demo.till, self.shell)
        self.hand.wait(lambda: self._till.conditions().reachable)
        self.shell.screens.counter.network.look()

    def close(self) -> None:
        """Take the window down; leave no cart and no open payment behind for the next one."""
        for attempt in self._till.store.reader.open_attempts():
            self._till.payments.cancel(attempt.attempt_id).result()
        self._till.go_offline()
        self.shell.close()
        self._till.checkout.forget(OPEN_SLOT).result()

    def go(self, screen: str) -> None:
        """Go to a screen of `SCREENS`. Raises KeyError for any other name."""
        SCREENS[screen](self)
        self.hand.pause(400)

    def picture(self, screen: str, file: Path) -> None:
        """Go to a screen and save it."""
        self.go(screen)
        self.hand.save(file)

    # --- ways -----------------------------------------------------------------------------------

    def sign_in(self) -> None:
        self.hand.see(self._person())

    def pin(self) -> None:
        self.hand.tap(self._person())

    def sell(self) -> None:
        self.pin()
        self.hand.type(PIN + "\r")
        self.hand.see(self._say("place.sell"))

    def cart(self) -> None:
        self.sell()
        reader = self._till.store.reader
        cards = [*reader.style_cards(category="coat"), *reader.style_cards(category="knit")]
        for card in cards[:3]:
            cell = next(
                c
                for row in self._till.stock.matrix(card.style_no).cells
                for c in row
                if c is not None and c.own_quantity > 0
            )
            self.hand.scan(cell.sku.gtin)
            self.hand.pause(60)
        gold = next(m for m in reader.find_members("154", 50) if m.tier == "gold")
        self.shell.screens.checkout.attach(gold.member_ref)

    def matrix(self) -> None:
        self.sell()
        card = self._till.store.reader.style_cards(category="coat")[0]
        self.hand.tap(card.name_en if self._words.english else card.name)

    def camera(self) -> None:
        self.cart()
        self.hand.tap(self._say("camera.open"))
        self.hand.see(self._say("camera.preview"))
        self.hand.pause(300)

    def member(self) -> None:
        self.sell()
        self.hand.tap(self._say("cart.member"))
        self.hand.type("154")

    def erase(self) -> None:
        """A manager is asked whether a member shall be erased."""
        self.sign_in()
        self.hand.tap(self._name(Role.MANAGER))
        self.hand.type(MANAGER_PIN + "\r")
        self.hand.see(self._say("place.sell"))
        self.hand.tap(self._say("cart.member"))
        self.hand.type("154")
        known = self._till.store.reader.find_members("154", 1)[0]
        self.hand.tap(f"{self._say('member.erase')} {known.name}")
        self.hand.see(self._say("member.erase_do"))

    def pay(self) -> None:
        self.cart()
        self.hand.tap(self._say("cart.pay"))
        self.hand.see(self._say("pay.qr_name"))

    def password(self) -> None:
        """The customer's code was scanned, and their phone asks for a password."""
        self.pay()
        self.hand.scan(ASKS_PASSWORD)
        self.hand.see(self._say("pay.password"))

    def own_qr(self) -> None:
        """The wallet's own QR instead of our page's."""
        self.pay()
        self.hand.tap(self._say("wallet.sandbox"))
        self.hand.see(self._say("pay.own_qr"))

    def fees(self) -> None:
        """What each way of paying costs, as a manager sees it."""
        self.sign_in()
        self.hand.tap(self._name(Role.MANAGER))
        self.hand.type(MANAGER_PIN + "\r")
        self.hand.tap(self._say("place.settings"))
        self.hand.see(self._say("pay.cheapest_mark"))

    def cash(self) -> None:
        self.cart()
        self.hand.tap(self._say("cart.pay"))
        self.hand.tap(self._say("pay.method.cash"))
        self.hand.see(self._say("pay.cash_hint"))
        self.hand.pause(200)

    def done(self) -> None:
        self.cash()
        priced = self.shell.screens.checkout.priced
        self.hand.tap(show_amount(priced.total, self._till.settings.currency).removesuffix(".00"))
        self.hand.tap(self._say("pay.cash_take"))
        self.hand.see(self._say("done.next"))

    def history(self) -> None:
        self.done()
        self.hand.tap(self._say("done.next"))
        self.hand.tap(self._say("place.history"))
        (latest,) = self._till.store.reader.documents(limit=1)
        self.hand.tap(latest.receipt_no)

    def inbox(self) -> None:
        """Late money: the QR has run out, and then the customer pays all the same."""
        from guidepos.customer import Phone

        self.pay()
        (attempt,) = self._till.store.reader.open_attempts()
        phone = Phone()
        phone.open(self._till.payments.qr_text(attempt))
        for step in ("/take", "/pay", "/late"):
            phone.press(step)
        phone.close()
        self.hand.tap(self._say("pay.set_aside"))
        self.hand.tap(self._say("place.inbox"))
        self.hand.see(self._say("money.deliver"))

    def unknown(self) -> None:
        """The customer is at the wallet, and its provider answers nobody."""
        from guidepos.customer import Phone

        self.pay()
        (attempt,) = self._till.store.reader.open_attempts()
        phone = Phone()
        phone.open(self._till.payments.qr_text(attempt))
        for step in ("/take", "/pay", "/stall"):
            phone.press(step)
        phone.close()
        self.hand.see(self._say("pay.ask_now"), 20)

    def inbox_of_money(self) -> None:
        """Every kind of money that may wait, of another tablet, as a manager sees it."""
        now_ms = self._till.clock.now().server_ms

        def tell(uow: UnitOfWork) -> None:
            for number, code in enumerate(sorted(GIVES_BACK | LEAVES | {UNPROVEN})):
                task_id, due = f"picture {code}", 129_900
                uow.put_task(
                    TaskRow(
                        task_id=task_id,
                        kind=MONEY,
                        code=code,
                        subject=task_id,
                        device="picture",
                        device_code="B2",
                        other=task_id,
                        detail=str(due),
                        amount={OVER: 700, PARTIAL: 100_000}.get(code, due),
                        created_ms=now_ms - number * 60_000,
                    )
                )

        self.sign_in()
        self._till.store.run(tell).result()
        self.hand.tap(self._name(Role.MANAGER))
        self.hand.type(MANAGER_PIN + "\r")
        self.shell.screens.counter.inbox.open()
        self.hand.see(self._say("money.give_back"))

    def take_back(self) -> None:
        """A manager takes the first piece of the latest receipt back."""
        self.done()
        self._take_back()

    def take_back_paid_by_phone(self) -> None:
        """A manager takes a piece back that was paid by phone."""
        from guidepos.customer import Phone

        self.pay()
        (attempt,) = self._till.store.reader.open_attempts()
        phone = Phone()
        phone.open(self._till.payments.qr_text(attempt))
        for step in ("/take", "/pay", "/approve"):
            phone.press(step)
        phone.close()
        self.hand.see(self._say("done.next"))
        self._take_back()

    def given_back(self) -> None:
        """Its money has gone back to the wallet."""
        self.take_back_paid_by_phone()
        self.hand.tap(self._say("return.give_wallet"))
        self.hand.see(self._say("return.finish"))

    def gone_back(self) -> None:
        """The receipt of that return, after the sheet was put away."""
        self.given_back()
        self.hand.tap(self._say("return.finish"))

    def inbox_of_manager(self) -> None:
        """Late money, as a manager sees it."""
        self.inbox()
        self.hand.tap(self._say("common.close"))
        self._welcome_manager()
        self.hand.tap(self._say("place.inbox"))
        self.hand.see(self._say("money.give_back"))

    def _take_back(self) -> None:
        self.hand.tap(self._say("done.next"))
        self._welcome_manager()
        self.hand.tap(self._say("place.history"))
        (latest,) = self._till.store.reader.documents(limit=1)
        self.hand.tap(latest.receipt_no)
        self.hand.tap(self._say("history.return"))
        self.hand.tap(self._say("return.more"))
        self.hand.tap(self._say("reason.return_size"))

    def _welcome_manager(self) -> None:
        self.hand.tap(self._say("rail.lock"))
        self.hand.tap(self._name(Role.MANAGER))
        self.hand.type(MANAGER_PIN + "\r")

    def my_sales(self) -> None:
        self.done()
        self.hand.tap(self._say("done.next"))
        self.hand.tap(self._say("place.my_sales"))

    def settings(self) -> None:
        self.sell()
        self.hand.tap(self._say("place.settings"))

    def network(self) -> None:
        self.sell()
        self.shell.root.open("network")

    def filling(self) -> None:
        """A download of the shop that somebody stopped for now."""
        begun = SnapshotBegin(
            stream="members", cursor="", rows=100_000, feed_generation=1, server_ms=0
        )
        known = MemberRow(member_ref="picture", revision=1)
        rows = [Row(key=known.member_ref, body=Raw(encode(known)))] * 300

        def half(uow: UnitOfWork) -> None:
            uow.set_state(PAUSED, "1")
            uow.begin_snapshot(begun)
            for _ in range(150):
                uow.apply_snapshot(SnapshotPiece(begun.stream, rows))

        self.sell()
        self._till.store.run(half).result()
        self.shell.screens.counter.network.look()
        self.shell.root.open("network")

    def _person(self) -> str:
        return self._name(Role.GUIDE)

    def _name(self, role: Role) -> str:
        person = next(p for p in self._till.session.people() if p.role is role)
        return self._words.name(person.name, person.name_en)

    def _say(self, key: str) -> str:
        return self._words.say(key)


def _first_coat(till: Till) -> Sku:
    """Return what is held before the camera."""
    card = till.store.reader.style_cards(category="coat")[0]
    cells = till.stock.matrix(card.style_no).cells
    return next(cell.sku for row in cells for cell in row if cell is not None)


SCREENS: dict[str, Callable[[Stage], None]] = {
    "sign_in": Stage.sign_in,
    "pin": Stage.pin,
    "sell": Stage.sell,
    "cart": Stage.cart,
    "matrix": Stage.matrix,
    "camera": Stage.camera,
    "member": Stage.member,
    "erase": Stage.erase,
    "pay": Stage.pay,
    "password": Stage.password,
    "own_qr": Stage.own_qr,
    "cash": Stage.cash,
    "done": Stage.done,
    "history": Stage.history,
    "my_sales": Stage.my_sales,
    "settings": Stage.settings,
    "fees": Stage.fees,
    "network": Stage.network,
    "filling": Stage.filling,
    "return": Stage.take_back,
    "return_wallet": Stage.take_back_paid_by_phone,
    "returned_wallet": Stage.given_back,
    "returned_receipt": Stage.gone_back,
    "inbox_manager": Stage.inbox_of_manager,
    "inbox": Stage.inbox,
    "unknown": Stage.unknown,
    "inbox_money": Stage.inbox_of_money,
}
"""Every screen by the name the command line knows it by."""
