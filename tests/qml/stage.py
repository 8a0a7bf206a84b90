"""A till on demo data for screen tests: the real store and services, no cloud, a clock that stands still."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from app.devices.barcode import ZbarReader, ZxingReader
from app.devices.qr import QrCodeMaker
from app.domain.money import CNY
from app.ports import UnitOfWork
from app.services.checkout import Checkout
from app.services.giving_back import GivingBack
from app.services.honesty import Conditions
from app.services.members import Members
from app.services.payments import Payments
from app.services.receipts import Receipts
from app.services.refunds import Refunds
from app.services.scanning import Scanner
from app.services.session import Session
from app.services.stock import Stock
from app.services.tasks import StoreTasks
from app.services.wallets import Wallets
from app.settings import Settings
from app.wire.messages import (
    CategoryRow,
    ConfigRow,
    EnrolAnswer,
    KeySet,
    MemberRow,
    MembersPage,
    PersonRow,
    PlanRow,
    PublicKey,
    PullAnswer,
    ReasonRow,
    Row,
    SkuRow,
    StockRow,
    StoreRow,
    TierRow,
)
from app.wire.pins import hash_pin
from app.wire.searchkeys import search_keys
from app.wire.tasks import RECORD, TaskRow
from offline_store import OfflineStore, open_store
from resources.demo.shapes import DemoShop
from resources.demo.shop import demo_shop
from tests.fakes.camera import FakeFrameSource
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.gateway import FakeGateway
from tests.fakes.printer import FakePrinter
from tests.fakes.refunds import FakeRefundDesk
from tests.fakes.tasks import FakeTaskDesk, TaskBook
from ui.viewmodels.camera import CameraTools
from ui.viewmodels.settings import TillFacts
from ui.wiring import TillParts

KEY = bytes(range(32))
DEVICE, ELSEWHERE = "D1", "D2"
"""This till, and another tablet of the store."""


@dataclass
class StageTill:
    """A till whose cloud is a fake in memory."""

    settings: Settings
    store: OfflineStore
    clock: FakeClock
    session: Session
    checkout: Checkout
    members: Members
    stock: Stock
    gateway: FakeGateway
    payments: Payments
    wallets: Wallets
    desk: FakeTaskDesk
    tasks: StoreTasks
    receipts: Receipts
    network: ThreadPoolExecutor
    devices: ThreadPoolExecutor
    refunds: Refunds = field(init=False)
    back: FakeRefundDesk = field(init=False)
    camera: FakeFrameSource = field(default_factory=FakeFrameSource)
    reachable: bool = True

    def __post_init__(self) -> None:
        self.refunds = Refunds(self.store, self.clock, CNY)
        self.back = FakeRefundDesk(lambda attempt_id: self.gateway.query(attempt_id).received)

    def conditions(self) -> Conditions:
        reader = self.store.reader
        return Conditions(
            enrolled=True,
            reachable=self.reachable,
            drain_only=False,
            sync=reader.sync_status(),
            open_payments=len(reader.open_attempts()),
            now=self.clock.now(),
            revoked=reader.is_revoked(),
        )

    def parts(self) -> TillParts:
        return TillParts(
            settings=self.settings,
            store=self.store,
            clock=self.clock,
            session=self.session,
            checkout=self.checkout,
            members=self.members,
            stock=self.stock,
            payments=self.payments,
            wallets=self.wallets,
            tasks=self.tasks,
            receipts=self.receipts,
            refunds=self.refunds,
            giving_back=GivingBack(
                self.store,
                self.back,
                self.refunds,
                self.tasks,
                self.payments,
                self.clock,
                self.network,
            ),
            network=self.network,
            qr=QrCodeMaker(),
            conditions=self.conditions,
            facts=TillFacts("keyring", "0.1.0"),
            camera=CameraTools(self.camera, lambda: Scanner(ZxingReader(), ZbarReader())),
        )

    def tell(self, *rows: TaskRow) -> None:
        """Let the cloud have tasks, and tell this till of them."""
        self.desk.book.put(*rows)
        page = PullAnswer(
            stream="tasks",
            rows=[Row(key=row.task_id, body=msgspec.Raw(msgspec.json.encode(row))) for row in rows],
            cursor="c",
            more=False,
            feed_generation=1,
            server_ms=self.clock.now().server_ms,
        )
        self.store.run(lambda uow: uow.apply_page(page)).result()

    def task(self, code: str, kind: str = RECORD, **more: object) -> TaskRow:
        """Return something another tablet brought."""
        values: dict[str, object] = {
            "task_id": f"{kind} {code}",
            "kind": kind,
            "code": code,
            "subject": "r1",
            "device": ELSEWHERE,
            "device_code": "B2",
            "created_ms": self.clock.now().server_ms - 600_000,
            **more,
        }
        return TaskRow(**values)  # type: ignore[arg-type]

    def close(self) -> None:
        self.network.shutdown(wait=True)
        self.devices.shutdown(wait=True)
        self.store.close()


def open_stage(home: Path, *, language: str = "zh_CN", theme: str = "light") -> StageTill:
    """Open the till in a folder that `furnish` filled."""
    clock = FakeClock()
    settings = Settings(home=home, language=language, theme=theme, reduce_motion=True)
    store = open_store(settings.store_file, KEY, clock)
    gateway = FakeGateway(now_ms=lambda: clock.now().server_ms)
    network, devices = ThreadPoolExecutor(2), ThreadPoolExecutor(1)
    payments = Payments(store, gateway, clock, network)
    book = TaskBook(lambda: clock.now().server_ms, codes={DEVICE: "A1", ELSEWHERE: "B2"})
    desk = FakeTaskDesk(book, DEVICE)
    return StageTill(
        settings=settings,
        store=store,
        clock=clock,
        session=Session(store, clock),
        checkout=Checkout(store, clock, CNY),
        members=Members(store, clock),
        stock=Stock(store, clock),
        gateway=gateway,
        payments=payments,
        wallets=Wallets(payments, gateway, clock, network),
        desk=desk,
        tasks=StoreTasks(store, desk, payments, network),
        receipts=Receipts(store, FakePrinter(), devices),
        network=network,
        devices=devices,
    )


def furnish(home: Path, *, styles: int | None = None, members: int = 120) -> None:
    """Fill a new store with the demo shop."""
    shop = demo_shop(styles=styles, members=members)
    home.mkdir(parents=True, exist_ok=True)
    store = open_store(home / "store.db", KEY, FakeClock())
    try:
        store.run(lambda uow: _fill(uow, shop)).result()
    finally:
        store.close()


def _fill(uow: UnitOfWork, shop: DemoShop) -> None:
    uow.enrol(_answer(), bytes(32), "http://127.0.0.1:1")
    uow.put_config(_config(shop))
    pin = hash_pin("1001")
    uow.put_people(
        [
            PersonRow(person_id=p.person_id, name=p.name, name_en=p.name_en, role=p.role, pin=pin)
            for p in shop.people
            if p.store == "S01"
        ]
    )
    uow.put_skus([_sku(sku) for sku in shop.skus])
    uow.put_stock(
        [
            StockRow(
                store=row.store,
                sku_id=row.sku_id,
                quantity=row.quantity,
                as_of_ms=NOON - row.age_s * 1_000,
            )
            for row in shop.stock
        ]
    )
    rows = [
        MemberRow(
            member_ref=m.member_ref,
            revision=1,
            name=m.name,
            phone=m.phone,
            tier=m.tier,
            points=m.points,
        )
        for m in shop.members
    ]
    uow.apply_members(MembersPage(rows=rows, cursor="1", more=False, server_ms=NOON))


def _answer() -> EnrolAnswer:
    key = PublicKey(kid="k1", key=bytes(32))
    return EnrolAnswer(
        tenant="T1",
        store="S01",
        device=DEVICE,
        device_code="A1",
        epoch="00000000000000e1",
        epoch_ordinal=1,
        secret=bytes(32),
        keys=KeySet(signing=[key], escrow=key),
        timeline="t",
        public_url="http://127.0.0.1:1",
    )


def _config(shop: DemoShop) -> ConfigRow:
    return ConfigRow(
        currency=shop.currency,
        stores=[
            StoreRow(
                store=s.store,
                name=s.name,
                name_en=s.name_en,
                city=s.city,
                address=s.address,
                phone=s.phone,
            )
            for s in shop.stores
        ],
        categories=[
            CategoryRow(code=c.code, name=c.name, name_en=c.name_en, icon=c.icon)
            for c in shop.categories
        ],
        tiers=[
            TierRow(code=t.code, name=t.name, name_en=t.name_en, pays_bp=t.pays_bp)
            for t in shop.tiers
        ],
        discount_reasons=[
            ReasonRow(code=r.code, name=r.name, name_en=r.name_en, max_bp=r.max_bp)
            for r in shop.discount_reasons
        ],
        plan=PlanRow(
            plan_id=shop.plan.plan_id,
            version=1,
            default_bp=shop.plan.default_bp,
            rates_bp=dict(shop.plan.rates_bp),
        ),
    )


def _sku(sku: object) -> SkuRow:
    names = SkuRow.__struct_fields__
    values = {name: getattr(sku, name) for name in names if hasattr(sku, name)}
    keys = search_keys(
        values["name"], values["name_en"], values["style_no"], values["colour"], values["size"]
    )
    return SkuRow(**values, search=keys.tokens, pinyin=keys.pinyin, initials=keys.initials)
