"""A till for tests of the services: the real encrypted store, a clock that obeys, a cloud in memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, TypeVar

from app.domain.cart import Cart
from app.domain.money import CNY
from app.domain.payment import State
from app.domain.people import Person, Role
from app.domain.pricing import PricedCart
from app.errors import Code, RuleBroken
from app.ports import Attempt, Store, UnitOfWork
from app.services.checkout import Checkout
from app.services.members import Members
from app.services.payments import PaymentNews, Payments
from app.services.refunds import Refunds
from app.services.session import Session
from app.services.stock import Stock
from app.services.wallets import Wallets
from app.wire.messages import (
    CategoryRow,
    ConfigRow,
    EnrolAnswer,
    KeySet,
    MemberChange,
    PersonRow,
    PlanRow,
    PublicKey,
    ReasonRow,
    SkuRow,
    StoreRow,
    TierRow,
)
from app.wire.pins import hash_pin
from offline_store import open_store
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import FakeGateway

T = TypeVar("T")

KEY = bytes(range(32))
GUIDE = Person("p-lin", "林", "Lin", Role.GUIDE)
MANAGER = Person("p-chen", "陈", "Chen", Role.MANAGER)
COAT, SCARF, LABEL = "COAT-BK-M", "SCARF-RD", "4006381333931"
GOLD, PLAIN = "m-gold", "m-plain"
PIN = "2468"
PIN_HASH = hash_pin(PIN)


class InlinePool(Executor):
    """Runs what it is given at once, on the caller's thread."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **more: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **more))
        except BaseException as error:
            future.set_exception(error)
        return future


class PowerCut(BaseException):
    """The till loses power here."""


class CuttingGateway(FakeGateway):
    """Cuts the till's power at the n-th call: before it leaves, or when its answer has arrived."""

    cut_before: str = ""
    cut_after: str = ""

    def _arrive(self, call: str, attempt_id: str) -> None:
        self._cut(call, "cut_before")
        super()._arrive(call, attempt_id)

    def create(self, intent: Any) -> Any:
        answer = super().create(intent)
        self._cut("create", "cut_after")
        return answer

    def query(self, attempt_id: str) -> Any:
        answer = super().query(attempt_id)
        self._cut("query", "cut_after")
        return answer

    def cancel(self, attempt_id: str) -> Any:
        answer = super().cancel(attempt_id)
        self._cut("cancel", "cut_after")
        return answer

    def collect(self, attempt_id: str, code: Any) -> Any:
        answer = super().collect(attempt_id, code)
        self._cut("collect", "cut_after")
        return answer

    def _cut(self, call: str, when: str) -> None:
        if getattr(self, when) == call:
            setattr(self, when, "")
            raise PowerCut


def sku_row(sku_id: str, price: int, *, category: str = "coats", gtin: str = "") -> SkuRow:
    """Return a catalogue row."""
    return SkuRow(
        sku_id=sku_id,
        style_no=sku_id.split("-")[0],
        name=f"货 {sku_id}",
        name_en=sku_id,
        category=category,
        colour_code="BK",
        colour="黑",
        colour_en="Black",
        colour_hex="#111111",
        size="M",
        size_order=3,
        list_price=price,
        gtin=gtin,
    )


CONFIG = ConfigRow(
    currency="CNY",
    stores=[StoreRow(store="SH01", name="一店", name_en="One", city="上海")],
    categories=[CategoryRow(code="coats", name="大衣", name_en="Coats")],
    tiers=[
        TierRow(code="normal", name="普通", name_en="Member", pays_bp=10_000),
        TierRow(code="gold", name="金卡", name_en="Gold", pays_bp=9_500),
    ],
    discount_reasons=[
        ReasonRow(code="manual", name="议价", name_en="Agreed", max_bp=1_000),
        ReasonRow(code="flaw", name="瑕疵", name_en="Flaw", max_bp=3_000),
    ],
    plan=PlanRow(plan_id="autumn", version=2, default_bp=200, rates_bp={"coats": 350}),
    payment_minutes=5,
)


class Till:
    """Everything a test of the services asks for. `restart` is what a power cut leaves behind."""

    def __init__(self, file: Path, *, enrolled: bool = True) -> None:
        self.file = file
        self.clock = FakeClock()
        self.gateway = CuttingGateway(now_ms=lambda: self.clock.now().server_ms)
        self._open()
        self.do(_furnish)
        if enrolled:
            self.do(_enrol)

    def _open(self) -> None:
        self.store: Store = open_store(self.file, KEY, self.clock)
        self.session = Session(self.store, self.clock)
        self.checkout = Checkout(self.store, self.clock, CNY)
        self.refunds = Refunds(self.store, self.clock, CNY)
        self.members = Members(self.store, self.clock)
        self.stock = Stock(self.store, self.clock)
        pool = InlinePool()
        self.payments = Payments(self.store, self.gateway, self.clock, pool)
        self.wallets = Wallets(self.payments, self.gateway, self.clock, pool)

    def restart(self) -> None:
        self.store.close()
        self.clock.boot_id += "'"
        self._open()

    def close(self) -> None:
        self.store.close()

    def do(self, job: Callable[[UnitOfWork], T]) -> T:
        return self.store.run(job).result()

    # --- shorter words for what tests do all the time ------------------------------------------

    def basket(self, *codes: str, reference: str = "") -> PricedCart:
        """Return a cart with one piece of each code (a coat if none is named)."""
        priced = self.checkout.open(GUIDE.person_id, reference=reference)
        for code in codes or (COAT,):
            priced = self.checkout.scan(priced, code)
        return priced

    def sell_for_cash(self, priced: PricedCart) -> Any:
        tender = self.checkout.cash_tender(priced, priced.total)
        return self.checkout.complete(priced, [tender], GUIDE.person_id).result()

    def kept(self, slot: str) -> Cart | None:
        return self.do(lambda uow: uow.draft(slot))

    def attempt(self, attempt_id: str) -> Attempt:
        found = self.do(lambda uow: uow.attempt(attempt_id))
        assert found is not None
        return found

    def uneasy(self) -> list[str]:
        return [attempt.attempt_id for attempt in self.store.reader.uneasy_attempts()]

    def sales(self) -> list[str]:
        rows = self.store.reader.documents(limit=500)
        return [row.document_id for row in rows if row.kind == "sale"]


def code_of(error: Any) -> Code:
    """Return the code a raised RuleBroken or Trouble carries."""
    code: Code = error.value.code
    return code


def refusal(job: Callable[[], object]) -> Code | None:
    """Return the code with which the rules refuse a job, None if they do not."""
    try:
        job()
    except RuleBroken as error:
        return error.code
    return None


def shown(till: Till, priced: PricedCart | None = None) -> str:
    """Show a QR for a cart and return its attempt."""
    news = till.payments.start(priced or till.basket(), GUIDE).result()
    assert news.state.state is State.WAITING
    return news.attempt.attempt_id


def ask(till: Till, attempt_id: str) -> PaymentNews:
    return till.payments.refresh(attempt_id).result()


def cancel(till: Till, attempt_id: str) -> PaymentNews:
    return till.payments.cancel(attempt_id).result()


def _furnish(uow: UnitOfWork) -> None:
    uow.put_config(CONFIG)
    uow.put_people(
        [
            PersonRow(
                person_id=person.person_id,
                name=person.name,
                name_en=person.name_en,
                role=person.role.value,
                pin=PIN_HASH,
            )
            for person in (GUIDE, MANAGER)
        ]
    )
    uow.put_skus(
        [
            sku_row(COAT, 129_900),
            sku_row(SCARF, 9_990, category="scarves", gtin=LABEL),
        ]
    )
    for ref, tier in ((GOLD, "gold"), (PLAIN, "normal")):
        fields = f'{{"name":"{ref}","phone":"","tier":"{tier}","note":""}}'
        uow.change_member(
            MemberChange(
                change_id=f"join-{ref}",
                member_ref=ref,
                field="join",
                value=fields,
                base_revision=0,
                t_ms=1,
            )
        )


def _enrol(uow: UnitOfWork) -> None:
    key = PublicKey(kid="k", key=bytes(32))
    answer = EnrolAnswer(
        tenant="acme",
        store="SH01",
        device="SH01-A1",
        device_code="A1",
        epoch="00000000000000aa",
        epoch_ordinal=0,
        secret=bytes(32),
        keys=KeySet(signing=[key], escrow=key),
        timeline="t",
        public_url="https://shop.example",
    )
    uow.enrol(answer, bytes(range(32)), "https://cloud.example")
