"""A till that asks for money and a phone that pays, as far as the cloud can tell them from real ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

import httpx
import msgspec
import sqlalchemy as sa

from app.domain.ids import new_id
from app.wire.messages import (
    ConfigRow,
    Order,
    OrderLine,
    OrderReason,
    PaymentCode,
    PaymentIntent,
    PaymentView,
    ReasonRow,
    StoreRow,
)
from app.wire.tokens import OrderToken, new_nonce, order_hash
from cloud.bootstrap import Cloud
from cloud.db import payment_tables
from cloud.db.state import ensure_tenant
from cloud.db.tables import config
from cloud.desk import Desk, desk_at
from cloud.gateways.base import AttemptKey
from cloud.main import app_of
from cloud.services.enrol import make_enrol_code
from tests.cloud.device import Device, enrolled
from tests.cloud.served import client_of, served

FIVE_MINUTES = 5 * 60_000

COAT = OrderLine(
    sku="MD1001-CAM-M",
    name="双面羊毛大衣",
    name_en="Double-faced wool coat",
    colour="驼色",
    colour_en="Camel",
    colour_hex="#B98A5A",
    size="M",
    drawing="coat",
    quantity=1,
    gross=189_900,
    net=170_910,
    reasons=[OrderReason(code="member_tier", amount=18_990, rate_bp=1_000)],
)
SCARF = OrderLine(
    sku="MD2002-RED-F",
    name="羊绒围巾",
    name_en="Cashmere scarf",
    colour="酒红",
    colour_en="Wine red",
    colour_hex="#7A1F2B",
    size="均码",
    drawing="scarf",
    quantity=2,
    gross=79_800,
    net=79_800,
)
SHOP = ConfigRow(
    currency="CNY",
    stores=[
        StoreRow(store="S001", name="墨岚 南京西路店", name_en="Molan West Nanjing Rd", city="上海")
    ],
    categories=[],
    tiers=[],
    discount_reasons=[
        ReasonRow(code="member_tier", name="会员等级", name_en="Member tier"),
        ReasonRow(code="seasonal", name="季末优惠", name_en="End of season"),
    ],
)


@dataclass
class Till:
    """An enrolled till of a store: it signs orders and asks about payments."""

    device: Device
    now_ms: Callable[[], int]

    @property
    def store(self) -> str:
        return self.device.me.store

    @property
    def headers(self) -> dict[str, str]:
        return self.device.headers()

    def order(self, *lines: OrderLine, life_ms: int = FIVE_MINUTES, **changed: Any) -> Order:
        chosen = lines or (COAT, SCARF)
        now_ms = self.now_ms()
        order = Order(
            attempt_id=new_id(),
            sale_id=new_id(),
            store=self.store,
            guide_name="陈美",
            guide_name_en="Mei Chen",
            currency="CNY",
            total=sum(line.net for line in chosen) - 710,
            lines=list(chosen),
            reasons=[OrderReason(code="rounding", amount=710)],
            created_ms=now_ms,
            expires_ms=now_ms + life_ms,
        )
        return msgspec.structs.replace(order, **changed)

    def token(self, order: Order, data: bytes, **changed: Any) -> str:
        claims = OrderToken(
            device=self.device.me.device,
            attempt_id=order.attempt_id,
            nonce=new_nonce(),
            amount=order.total,
            expires_s=order.expires_ms // 1000,
            order_hash=order_hash(data),
        )
        return replace(claims, **changed).sign(self.device.key)

    def intent(self, order: Order | None = None) -> PaymentIntent:
        order = order or self.order()
        data = msgspec.json.encode(order)
        return PaymentIntent(token=self.token(order, data), order=data)

    def send(self, client: httpx.Client, intent: PaymentIntent) -> httpx.Response:
        return client.post(
            "/v1/payments", content=msgspec.json.encode(intent), headers=self.headers
        )

    def show(self, client: httpx.Client, order: Order | None = None) -> Shown:
        """Register an order as a till does before it draws the QR."""
        order = order or self.order()
        intent = self.intent(order)
        answer = self.send(client, intent)
        assert answer.status_code == 200, answer.text
        return Shown(self, client, order, intent.token)


@dataclass
class Shown:
    """An order whose QR is on a till's screen."""

    till: Till
    client: httpx.Client
    order: Order
    token: str

    @property
    def page(self) -> str:
        return f"/o/{self.token}"

    @property
    def key(self) -> AttemptKey:
        """Which attempt it is in the cloud's books."""
        return AttemptKey(self.till.device.me.tenant, self.till.store, self.order.attempt_id)

    def view(self) -> PaymentView:
        return self._ask("get", "")

    def cancel(self) -> PaymentView:
        return self._ask("post", "/cancel")

    def collect(self, code: str, wallet: str = "") -> PaymentView:
        """The guide scans the customer's code."""
        body = msgspec.json.encode(PaymentCode(code=code, wallet=wallet))
        return self._ask("post", "/code", body)

    def _ask(self, verb: str, tail: str, body: bytes = b"") -> PaymentView:
        path = f"/v1/payments/{self.order.attempt_id}{tail}"
        answer = self.client.request(verb, path, content=body, headers=self.till.headers)
        assert answer.status_code == 200, answer.text
        return msgspec.json.decode(answer.content, type=PaymentView)


@dataclass
class Phone:
    """A customer's phone without scripts: it opens pages and taps buttons."""

    client: httpx.Client
    here: httpx.Response | None = None

    def open(self, path: str) -> httpx.Response:
        self.here = self.client.get(path, follow_redirects=True)
        return self.here

    def tap(self, action: str, **changed: str) -> httpx.Response:
        """Send the form of the open page whose action ends with `action`."""
        assert self.here is not None
        form = re.search(
            rf'action="([^"]*{action})">\s*<input type="hidden" name="csrf" value="([^"]*)"',
            self.here.text,
        )
        assert form is not None, f"no button leads to {action}"
        data = {"csrf": form.group(2)} | changed
        self.here = self.client.post(form.group(1), data=data, follow_redirects=True)
        return self.here

    def at(self, path: str) -> Phone:
        """This phone with a page open."""
        self.open(path)
        return self

    def can(self, action: str) -> bool:
        assert self.here is not None
        return f'{action}">' in self.here.text


@dataclass
class Shop:
    """A running cloud with its configuration, reached over real sockets."""

    cloud: Cloud
    desk: Desk
    base: str
    client: httpx.Client
    open: ExitStack

    @property
    def tenant(self) -> str:
        """The brand this cloud is of."""
        return self.cloud.db.write(lambda conn: ensure_tenant(conn, self.cloud.clock()))

    def till(self, store: str = "S001") -> Till:
        """Enrol a fresh till."""
        code = self.cloud.db.write(
            lambda conn: make_enrol_code(conn, store, now_ms=self.cloud.clock(), minutes=60)
        )
        return Till(enrolled(cast(Any, self.client), code.code), self.cloud.clock)

    def phone(self, language: str = "en") -> Phone:
        """A phone of its own, with no cookies yet."""
        headers = {"Accept-Language": language}
        return Phone(self.open.enter_context(client_of(self.base, headers=headers)))

    def paying(self, shown: Shown) -> Phone:
        """A phone that took the order over and has the wallet open."""
        phone = self.phone()
        phone.open(shown.page)
        phone.tap("/take")
        phone.tap("/pay")
        return phone


def csrf_of(text: str) -> str:
    """Return the token in a page's forms."""
    found = re.search(r'name="csrf" value="([^"]+)"', text)
    assert found is not None
    return found.group(1)


@contextmanager
def open_shop(cloud: Cloud) -> Iterator[Shop]:
    """Serve a cloud as a shop would find it."""
    furnish(cloud)
    app = app_of(cloud)
    with served(app) as base, ExitStack() as stack:
        client = stack.enter_context(client_of(base))
        yield Shop(cloud, desk_at(app), base, client, stack)


def furnish(cloud: Cloud, shop: ConfigRow = SHOP) -> None:
    """Give the cloud the configuration a brand's headquarters would."""

    def put(conn: sa.Connection) -> None:
        tenant = ensure_tenant(conn, cloud.clock())
        body = msgspec.json.encode(shop)
        conn.execute(
            config.insert().values(
                tenant_id=tenant, name="shop", body=body, deleted=False, change=1
            )
        )

    cloud.db.write(put)


def history(shop: Shop, shown: Shown) -> list[sa.Row[Any]]:
    """Return the events of an attempt, oldest first."""
    events = payment_tables.event
    mine = sa.select(events).where(events.c.attempt_id == shown.order.attempt_id)
    with shop.cloud.db.reading() as conn:
        return list(conn.execute(mine.order_by(events.c.version)))
