"""Money as a till of the store sees it: what it tells the cloud, what it is told, and what it gives back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import sqlalchemy as sa

from app.domain.ids import new_id
from app.wire.bodies import SaleV1, TenderV1
from app.wire.messages import PullAnswer
from app.wire.tasks import TaskClaim, TaskRow
from cloud.db.task_tables import task as task_table
from cloud.gateways.base import Answer, Money, Standing
from cloud.services.attempts import Attempt
from cloud.services.giving_back import Wish
from cloud.services.tasks import task_row
from tests.cloud.device import Device, a_sale
from tests.cloud.offline import ShownOffline
from tests.cloud.paying import Shop, Shown, Till


def attempt_of(shop: Shop, shown: Shown | ShownOffline) -> Attempt:
    """Return how an order stands in the cloud's books."""
    return shop.desk.payments.find(shown.key)


def receive(shop: Shop, shown: Shown, amount: int) -> None:
    """Let the provider say that an amount came in."""
    paid = amount >= shown.order.total
    money = (Money(new_id(), amount, shop.cloud.clock()),)
    answer = Answer(Standing.PAID if paid else Standing.OPEN, money)
    shop.desk.payments.heard(shown.key, answer)


def sold(shown: Shown, *, attempt: str = "") -> SaleV1:
    """Return the sale of an order's cart, paid by its attempt."""
    sale = msgspec.structs.replace(a_sale((shown.order.total,)), id=shown.order.sale_id)
    tender = TenderV1(
        id=new_id(),
        kind="qr",
        amount=sale.total,
        attempt=attempt or shown.order.attempt_id,
        provider="sandbox",
    )
    return msgspec.structs.replace(sale, tenders=(tender,))


def push_sale(till: Till, sale: SaleV1) -> None:
    till.device.write("sale", sale)
    till.device.push()


def told(device: Device, cursor: str = "") -> list[TaskRow]:
    """Return the tasks a till is told of."""
    page = device.get("/v1/sync/pull", PullAnswer, stream="tasks", cursor=cursor)
    return [msgspec.json.decode(row.body, type=TaskRow) for row in page.rows]


def the_row(till: Till) -> TaskRow:
    """Return the one task a till is told of."""
    (row,) = told(till.device)
    return row


def task_of(shop: Shop, shown: Shown) -> TaskRow:
    """Return the task of an order's money, as it stands in the cloud's books."""
    mine = sa.select(task_table).where(task_table.c.store_id == shown.till.store)
    with shop.cloud.db.reading() as conn:
        found = [task_row(row) for row in conn.execute(mine).mappings()]
    return next(row for row in found if row.subject == shown.order.attempt_id)


def claimed(till: Till, shown: Shown) -> str:
    """Claim the task of an attempt; return the claim."""
    asked = TaskClaim(task_id=shown.order.attempt_id, claim_id=new_id(), person="m1")
    till.device.post("/v1/tasks/claim", asked, TaskRow)
    return asked.claim_id


def wish(shown: Shown, amount: int, **changed: Any) -> Wish:
    """Return the wish of an order's till to give some of its money back."""
    asked = Wish(
        number=new_id(),
        attempt=shown.key,
        amount=amount,
        currency="CNY",
        device=shown.till.device.me.device,
        reason="size",
        document=new_id(),
    )
    return replace(asked, **changed)
