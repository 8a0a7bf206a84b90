"""Two tills, one cloud, its providers and three customers, with everything that may come between them.

A step is a name, a number and a seed of its own, so any part of a list of steps is a run too.
"""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

from app.domain.ids import new_id
from app.domain.payment_code import payment_code
from app.domain.people import Role
from app.domain.pricing import PricedCart, price
from app.errors import RuleBroken, Trouble
from app.ports import Attempt
from app.remote.http import Question
from app.services.inbox import Entry, inbox
from app.services.wallets import CustomerCode
from app.wire.messages import PaymentView
from app.wire.tasks import MONEY
from cloud.gateways.base import AttemptKey
from tests.fakes.clock import FakeClock
from tests.store import shop
from tests.torture.invariants import Harm
from tests.torture.money.certainty import unsure
from tests.torture.money.cloud import MoneyCloud
from tests.torture.money.customer import BROWSERS, Customer, deeds
from tests.torture.money.providers import LINE_FAULTS, CloudDied, Mailbag
from tests.torture.money.template import GOODS, fill
from tests.torture.money.till import Fate, Line, MoneyTill
from tests.torture.sim.store import Killed
from tests.torture.sim.world import Step

CUSTOMERS = 3
WAITS_S = (1.0, 1.0, 5.0, 30.0, 180.0, 600.0, 2_400.0, 10_800.0)
"""How long the shop may wait: most orders live seven minutes, some a quarter of an hour."""


@dataclass(frozen=True, slots=True)
class Code:
    """A QR that was shown, by which till."""

    till: MoneyTill
    attempt: Attempt


class World:
    """Everything there is. `play` lets one step happen; nothing happens by itself."""

    def __init__(self) -> None:
        self.cloud = MoneyCloud(0)
        self.faults: Counter[str] = Counter()
        self.tills = fill(self.cloud, self._new_till)
        self.customers = [Customer(self.cloud, number) for number in range(CUSTOMERS)]
        self.mail = Mailbag(self.cloud.providers)
        self.codes: list[Code] = []
        self.carts: dict[str, tuple[MoneyTill, PricedCart]] = {}
        """Carts that were shown and are not known to be sold, by their id."""
        self.done: Counter[str] = Counter()
        self.harms: list[Harm] = []
        """What was wrong on the way, whatever came of it."""

    def _new_till(self, data: object) -> MoneyTill:
        line = Line(self.cloud, faults=self.faults)
        return MoneyTill(data, line, FakeClock(self.cloud.now_ms))  # type: ignore[arg-type] # a connection

    def close(self) -> None:
        """Let go of all memory."""
        for till in self.tills:
            till.close()

    def play(self, step: Step) -> None:
        """Let a step happen. What cannot happen now does not."""
        draw = random.Random(step.seed)
        till = self.tills[step.which % len(self.tills)]
        till = till if not till.is_gone else self.tills_left[0]
        self.done[step.name] += 1
        self.pass_time(1.0)
        try:
            getattr(self, f"_do_{step.name}")(till, draw)
        except Killed:
            till.restart()
        except CloudDied:
            self.faults["cloud killed"] += 1
            self.cloud.restart()
        self.mail.collect()
        self.harms += unsure(self)

    @property
    def tills_left(self) -> list[MoneyTill]:
        """The tills somebody can still switch on."""
        return [till for till in self.tills if not till.is_gone]

    def pass_time(self, seconds: float) -> None:
        """Let time pass for everybody."""
        self.cloud.now_ms += round(seconds * 1_000)
        for till in self.tills:
            till.clock.advance(seconds)

    # --- the counter ------------------------------------------------------------------------------

    def _do_show(self, till: MoneyTill, draw: random.Random) -> None:
        """Show a new cart's QR, or another one for a cart that is not paid yet."""
        old = [cart for owner, cart in self.carts.values() if owner is till]
        cart = draw.choice(old) if old and draw.random() < 0.4 else _cart(draw)
        offline = not till.line.is_up or draw.random() < 0.1
        self.carts[cart.cart.cart_id] = (till, cart)
        with suppress(RuleBroken, Trouble):
            news = till.payments.start(cart, till.person(Role.GUIDE), offline=offline).result()
            if news.attempt.last.after.is_open:
                self.codes.append(Code(till, news.attempt))

    def _do_ask(self, till: MoneyTill, draw: random.Random) -> None:
        """Let the till ask about what it should ask about."""
        till.look_around()

    def _do_hint(self, till: MoneyTill, draw: random.Random) -> None:
        """Bring one of the cloud's hints to the till it is for, perhaps an old one."""
        told = [each for each in self.cloud.newsdesk.told if each in till.attempts()]
        if told and till.line.is_up:
            till.watch._questions.hinted(draw.choice(told[-4:]))

    def _do_cancel(self, till: MoneyTill, draw: random.Random) -> None:
        """Close an attempt: the till's own, or as the store's other tablet may."""
        code = self._any_code(draw)
        if code is None:
            return
        attempt_id = code.attempt.attempt_id
        if code.till is till:
            till.payments.cancel(attempt_id).result()
        else:
            with suppress(RuleBroken, Trouble):
                till.ask(Question("POST", f"/v1/payments/{attempt_id}/cancel"), PaymentView)

    def _do_collect(self, till: MoneyTill, draw: random.Random) -> None:
        """Scan a customer's code at the till whose order it is; its last digit says what becomes of it."""
        code = self._any_code(draw, till)
        if code is None:
            return
        start, digits = draw.choice((("28", 18), ("13", 18), ("62", 19)))
        number = start + "0" * (digits - len(start) - 1) + draw.choice("0123455667")
        scanned = CustomerCode(payment_code(number), number)
        self._end_cloud_meanwhile(draw)
        with suppress(RuleBroken, Trouble):
            till.wallets.collect(
                code.attempt.attempt_id, scanned, till.person(Role.GUIDE).person_id
            ).result()

    def _do_own_qr(self, till: MoneyTill, draw: random.Random) -> None:
        """Show a provider's own QR in the place of our page's."""
        code = self._any_code(draw, till)
        if code is None:
            return
        with suppress(RuleBroken, Trouble):
            offer = draw.choice(till.wallets.ways().result().shows)
            till.wallets.own_qr(
                code.attempt.attempt_id, offer, till.person(Role.GUIDE).person_id
            ).result()

    def _do_cash(self, till: MoneyTill, draw: random.Random) -> None:
        """Take cash for a cart whose QR was shown before, if the till allows it."""
        mine = [cart for owner, cart in self.carts.values() if owner is till]
        if not mine:
            return
        cart = draw.choice(mine)
        tender = till.checkout.cash_tender(cart, cart.total)
        with suppress(RuleBroken, Trouble):
            till.checkout.complete(cart, [tender], shop.LIN).result()
            del self.carts[cart.cart.cart_id]

    def _do_prove(self, till: MoneyTill, draw: random.Random) -> None:
        """Hold a customer's proof before the camera, or read out the code; now and then a wrong one."""
        elsewhere = draw.random() < 0.1
        codes = [code for code in self.codes if elsewhere or code.till is till]
        found = [(code, shown) for code in codes for shown in [self._proof(code)] if shown]
        if not found:
            return
        code, shown = draw.choice(found)
        attempt_id = code.attempt.attempt_id
        with suppress(RuleBroken):
            match draw.randrange(4):
                case 0:
                    till.payments.speak(attempt_id, shown.spoken).result()
                case 1:
                    other = self.codes[draw.randrange(len(self.codes))]
                    till.payments.prove(shown.text, other.attempt.attempt_id).result()
                case _:
                    till.payments.prove(shown.text).result()

    def _do_vouch(self, till: MoneyTill, draw: random.Random) -> None:
        """Let a manager say that the money was seen."""
        code = self._any_code(draw, till)
        if code is not None:
            with suppress(RuleBroken):
                till.payments.vouch(code.attempt.attempt_id, till.person(Role.MANAGER)).result()

    def _proof(self, code: Code):
        key = self.key_of(code)
        with suppress(RuleBroken):
            return self.cloud.desk.proofs.of(self.cloud.desk.payments.find(key))
        return None

    # --- the customer -----------------------------------------------------------------------------

    def _do_scan(self, till: MoneyTill, draw: random.Random) -> None:
        """Open the page of a code that was shown, lately or long ago, and take the order over."""
        code = self._any_code(draw)
        if code is not None:
            customer, browser = draw.choice(self.customers), draw.choice(BROWSERS)
            customer.open(code.attempt.token, browser)
            if draw.random() < 0.9:
                customer.take(code.attempt.token, browser)

    def _do_choose(self, till: MoneyTill, draw: random.Random) -> None:
        """Tap Pay in some browser; whoever holds the order is led to a wallet."""
        code = self._any_code(draw)
        if code is None:
            return
        browser = draw.choice(BROWSERS)
        holder = self.cloud.desk.orders.holder(self.key_of(code))
        phones = [each for each in self.customers if each.phone.hash == holder] or self.customers
        draw.choice(phones).choose(code.attempt.token, browser)

    def _do_pay(self, till: MoneyTill, draw: random.Random) -> None:
        """Do something in a wallet that has an order open."""
        found = deeds(self.cloud, draw)
        if not found:
            return
        db = self.cloud.db
        left, db.writes_to_live = db.writes_to_live, -1  # a provider's books are not ours to lose
        draw.choice(found)()
        db.writes_to_live = left

    def _do_buy(self, till: MoneyTill, draw: random.Random) -> None:
        """Let a customer buy something, most likely without trouble."""
        for step in (self._do_show, self._do_scan, self._do_choose, self._do_pay, self._do_ask):
            step(till, draw)

    # --- what happens in between ------------------------------------------------------------------

    def _do_notify(self, till: MoneyTill, draw: random.Random) -> None:
        """Let a letter of a provider arrive: any one, perhaps not for the last time."""
        self.mail.collect()
        if self.mail.letters and (not self.cloud.spoken or draw.random() < 0.7):
            at = draw.randrange(len(self.mail.letters))
            if self.deliver(at) and draw.random() < 0.6:
                del self.mail.letters[at]
        elif self.cloud.spoken:
            at = draw.randrange(len(self.cloud.spoken))
            self.cloud.heard(self.cloud.spoken[at])
            if draw.random() < 0.6:
                del self.cloud.spoken[at]

    def _do_burn(self, till: MoneyTill, draw: random.Random) -> None:
        """Let a provider give up telling us something."""
        self.mail.collect()
        for letters in (self.mail.letters, self.cloud.spoken):
            if letters:
                self.faults["letter lost for good"] += 1
                del letters[draw.randrange(len(letters))]

    def deliver(self, at: int) -> bool:
        """Bring a letter; True if it was taken. Raises CloudDied."""
        letter = self.mail.letters[at]
        path = letter.url.removeprefix("http://shop.example")
        got = self.cloud.serve("POST", path, letter.headers, letter.body)
        return got.status == 204 or got.body == b"success"

    def _do_lose(self, till: MoneyTill, draw: random.Random) -> None:
        """Let something go wrong with the next calls: of this till, or to a provider."""
        if draw.random() < 0.5:
            for _ in range(draw.choice((0, 0, 1))):
                till.line.fates.append(draw.choice(tuple(Fate)))
            till.line.fates.append(draw.choice(tuple(Fate)))
            return
        provider = draw.choice((self.cloud.providers.alipay, self.cloud.providers.wechat))
        fault = draw.choice(LINE_FAULTS)
        self.faults[f"provider: {fault.value}"] += 1
        provider.faults.then(*([fault] * draw.choice((1, 1, 2, 3))))

    def _do_storm(self, till: MoneyTill, draw: random.Random) -> None:
        """What was held arrives at last."""
        till.line.deliver(draw)

    def _do_wait(self, till: MoneyTill, draw: random.Random) -> None:
        """Let time pass."""
        self.pass_time(draw.choice(WAITS_S))

    def _do_sweep(self, till: MoneyTill, draw: random.Random) -> None:
        """Let the cloud close what is overdue."""
        self.cloud.sweep()

    def _do_restart_till(self, till: MoneyTill, draw: random.Random) -> None:
        """Switch a till off and on, or let it die some jobs further on."""
        if draw.random() < 0.5:
            till.restart()
        else:
            self.faults["till killed at a job"] += 1
            till.store.jobs_to_live = draw.randrange(1, 12)
            till.store.dies_after_commit = draw.random() < 0.5

    def _do_restart_cloud(self, till: MoneyTill, draw: random.Random) -> None:
        """Begin another process of the cloud, or let this one end at a call or a transaction."""
        if draw.random() < 1 / 3:
            self.cloud.restart()
        else:
            self._end_cloud(draw)

    def _do_drown(self, till: MoneyTill, draw: random.Random) -> None:
        """Let a tablet fall into the water with all it has not sent, once, and not often."""
        if len(self.tills_left) == len(self.tills) and draw.random() < 0.3:
            self.faults["till lost for good"] += 1
            till.is_gone = True

    def _do_line(self, till: MoneyTill, draw: random.Random) -> None:
        """Cut a till's line, or mend it."""
        till.line.is_up = not till.line.is_up
        self.faults["line cut"] += not till.line.is_up

    def _do_sync(self, till: MoneyTill, draw: random.Random) -> None:
        """Let a till send what it has, and hear of the store's tasks."""
        till.sync()

    def _do_act(self, till: MoneyTill, draw: random.Random) -> None:
        """Let somebody at a tablet do something about what waits in the inbox."""
        entries = [entry for entry in self.inbox(till) if entry.needs_a_person]
        if not entries:
            return
        entry = draw.choice(entries)
        with suppress(RuleBroken, Trouble):
            if entry.can_deliver() and entry.money is not None and draw.random() < 0.6:
                attempt_id = entry.money.attempt.attempt_id
                till.tasks.deliver(attempt_id, till.person(Role.GUIDE)).result()
            elif entry.task is not None and entry.task.kind == MONEY and draw.random() < 0.6:
                manager = till.person(Role.MANAGER)
                self._end_cloud_meanwhile(draw)
                till.giving_back.late_money(entry.task.task_id, manager).result()
            elif entry.can_claim() and entry.task is not None:
                till.tasks.claim(entry.task.task_id, till.person(Role.GUIDE)).result()

    def _do_give_back(self, till: MoneyTill, draw: random.Random) -> None:
        """Take goods back, one piece or all, and give the money back by the way it came."""
        found = self._sold(till)
        if not found:
            return
        sale_id = draw.choice(found)
        lines = till.do(lambda uow: uow.sold_lines(sale_id))
        pieces = {line.line.line_no: line.line.quantity - line.quantity_returned for line in lines}
        if len(pieces) > 1 and draw.random() < 0.5:
            del pieces[draw.choice(list(pieces))]
        manager = till.person(Role.MANAGER)
        self._end_cloud_meanwhile(draw)
        with suppress(RuleBroken, Trouble):
            till.giving_back.of_sale(
                sale_id, pieces, reason="size", manager=manager, refund_id=new_id()
            ).result()

    # --- looking ----------------------------------------------------------------------------------

    def inbox(self, till: MoneyTill) -> tuple[Entry, ...]:
        """Return what a tablet shows as waiting."""
        return inbox(till.store.reader, till.clock.now().server_ms)

    def key_of(self, code: Code) -> AttemptKey:
        """Return where an attempt stands in the cloud's books."""
        identity = code.till.store.reader.identity()
        return AttemptKey(identity.tenant, identity.store, code.attempt.attempt_id)

    def _sold(self, till: MoneyTill) -> list[str]:
        query = "SELECT document_id FROM sale ORDER BY fact_no"
        return [row[0] for row in till.data.execute(query)]

    def _any_code(self, draw: random.Random, till: MoneyTill | None = None) -> Code | None:
        """Return a code that was shown, by this till if one is named, mostly one of the newest."""
        codes = [code for code in self.codes if till in (None, code.till)]
        if not codes:
            return None
        return draw.choice(codes[-3:] if draw.random() < 0.8 else codes)

    def _end_cloud_meanwhile(self, draw: random.Random) -> None:
        """Let the cloud's process end in the midst of what comes next, now and then."""
        if draw.random() < 0.25:
            self._end_cloud(draw)

    def _end_cloud(self, draw: random.Random) -> None:
        """Let the cloud's process end at one of its next calls or transactions."""
        if draw.random() < 0.5:
            self.cloud.line.dies_in = draw.randrange(3)
            self.cloud.line.dies_before = draw.random() < 0.5
        else:
            self.cloud.db.writes_to_live = draw.randrange(6)
            self.cloud.db.dies_after_commit = draw.random() < 0.5


def _cart(draw: random.Random) -> PricedCart:
    goods = draw.sample(GOODS, draw.choice((1, 1, 2)))
    return price(shop.cart_of(*((each, 1) for each in goods)))
