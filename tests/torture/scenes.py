"""What a till does while it is killed or its disk fails: one function per scene, on a stand.

A scene prepares, calls `stand.arm()`, and then does what it is about. A till's first download has a
layer of its own (bootstrap).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from app.domain.ids import new_id
from app.domain.pricing import PricedCart, price
from app.domain.sale import Sale
from app.ports import Priority, SnapshotPiece, UnitOfWork
from app.services.checkout import OPEN_SLOT
from app.wire.messages import Row
from app.wire.snapshot import SnapshotBegin
from guidepos.till import Till
from tests.sync.shop import sku_rows
from tests.torture.counter import (
    Program,
    Stand,
    as_it_is,
    basket,
    move_wal,
    sell_for_cash,
    settle_payments,
    stock_shelves,
)
from tests.torture.first_version import become_first_version
from tests.unit.services.till import GUIDE, MANAGER


def cash_sale(stand: Stand) -> None:
    """A cart of five lines is kept as a draft and sold for cash."""
    till = stand.open()
    priced = basket(till)
    stand.arm()
    stand.want(priced)
    till.checkout.keep_draft(priced).result(60)
    stand.promise(sell_for_cash(till, priced))


def three_sales(stand: Stand) -> None:
    """One customer after the other pays in cash."""
    till = stand.open()
    stand.arm()
    for n in range(3):
        priced = basket(till, 2, n)
        stand.want(priced)
        stand.promise(sell_for_cash(till, priced))


def qr_sale(stand: Stand) -> None:
    """A cart is frozen, its QR shown, the customer pays, the till hears of it and sells."""
    till = stand.open()
    priced = basket(till, 3)
    stand.arm()
    sell_by_qr(stand, till, priced)


def sell_by_qr(stand: Stand, till: Till, priced: PricedCart) -> None:
    """Sell a cart by QR to a customer who pays at once."""
    stand.want(priced)
    till.checkout.keep_draft(priced).result(60)
    attempt = till.payments.start(priced, GUIDE).result(60).attempt
    stand.step("QR shown")
    stand.line.ask("gateway", "pay", attempt.attempt_id)
    stand.line.tell("paid", (priced.cart.cart_id, attempt.attempt_id))
    stand.step("customer paid")
    news = till.payments.refresh(attempt.attempt_id, GUIDE.person_id).result(60)
    if news.sale is None:
        raise AssertionError(f"paid and no sale: {news.state}")
    stand.promise(news.sale)


def refund(stand: Stand) -> None:
    """One piece of an earlier sale comes back."""
    till = stand.open()
    sale = sell_for_cash(till, basket(till, 3))
    stand.promise(sale)
    stand.arm()
    give_back(stand, till, sale)


def give_back(stand: Stand, till: Till, sale: Sale) -> None:
    """Give one piece of a sale back."""
    number = sale.lines[0].line_no
    back = till.refunds.at_the_counter(
        sale.sale_id, {number: 1}, reason="size", manager=MANAGER, refund_id=new_id()
    )
    stand.promise(back.result(60))


def sync_round(stand: Stand) -> None:
    """Three sales go up in one round of sync, between them and another sale."""
    till = stand.open()
    for n in range(3):
        stand.promise(sell_for_cash(till, basket(till, 2, n)))
    stand.arm()
    engine = stand.engine(till)
    report = engine.run()
    if report.trouble:
        raise report.trouble
    priced = basket(till, 1)
    stand.want(priced)
    stand.promise(sell_for_cash(till, priced))


def checkpoint(stand: Stand) -> None:
    """The WAL is moved into the file, as the store thread does when it is idle; then a sale."""
    till = stand.open()
    for n in range(2):
        stand.promise(sell_for_cash(till, basket(till, 2, n)))
    stand.arm()
    till.store.run(lambda uow: None).result(60)
    move_wal(till)
    priced = basket(till, 2)
    stand.want(priced)
    stand.promise(sell_for_cash(till, priced))
    stand.close()
    stand.step("closed")


def migration(stand: Stand) -> None:
    """A newer program opens the store: backup, migration, sale."""
    stand.arm()
    till = stand.open()
    priced = basket(till, 2)
    stand.want(priced)
    stand.promise(sell_for_cash(till, priced))


def new_store(stand: Stand) -> None:
    """A till is opened for the first time, learns its goods, and sells before it knows any cloud."""
    stand.arm()
    till = stand.open()
    stand.step("open for the first time")
    till.store.run(stock_shelves).result(60)
    priced = basket(till, 2)
    stand.want(priced)
    stand.promise(sell_for_cash(till, priced))


def fill(stand: Stand) -> None:
    """Goods of a snapshot come in jobs that are not synced, and are moved into the file; a sale in
    between, one right after, and one when the snapshot is whole."""
    till = stand.open()
    stand.arm()
    begun = SnapshotBegin(stream="catalog", cursor="", rows=90, feed_generation=1, server_ms=1)
    till.store.run(lambda uow: uow.begin_snapshot(begun), priority=Priority.SYNC).result(60)
    for first in (0, 30, 60):
        rows = [
            Row(key=row.sku_id, body=msgspec.Raw(msgspec.json.encode(row)))
            for row in sku_rows(30, first)
        ]
        for piece in (SnapshotPiece("catalog", rows[:15]), SnapshotPiece("catalog", rows[15:])):
            till.store.run(partial(_take, piece), priority=Priority.FILL).result(60)
        priced = basket(till, 1)
        stand.want(priced)
        stand.promise(sell_for_cash(till, priced))
    till.store.run(lambda uow: uow.complete_snapshot("catalog"), priority=Priority.SYNC).result(60)
    priced = basket(till, 2)
    stand.want(priced)
    stand.promise(sell_for_cash(till, priced))


def _take(piece: SnapshotPiece, uow: UnitOfWork) -> None:
    uow.apply_snapshot(piece)


def small_fills() -> None:
    """Let a fill be moved into the file after few pages."""
    from offline_store import worker

    opened: Any = worker
    opened.FILL_LOG_PAGES = 30


def day(stand: Stand, chance: random.Random) -> None:
    """Whatever a till does in a day, in any order, from the moment it is opened."""
    stand.arm()
    till = stand.open()
    engine = stand.engine(till)
    settle_payments(till)
    for draft in till.store.reader.drafts():
        if draft.slot == OPEN_SLOT:
            stand.promise(sell_for_cash(till, price(draft.cart)))
    for _ in range(chance.randint(3, 8)):
        match chance.choice(["cash", "cash", "qr", "refund", "sync", "wal"]):
            case "cash":
                priced = basket(till, chance.randint(1, 5), chance.randrange(12))
                stand.want(priced)
                till.checkout.keep_draft(priced).result(60)
                stand.promise(sell_for_cash(till, priced))
            case "qr":
                sell_by_qr(stand, till, basket(till, chance.randint(1, 3)))
            case "refund":
                give_back(stand, till, sell_for_cash(till, basket(till, 2)))
            case "sync":
                engine.run()
            case "wal":
                move_wal(till)
    stand.close()


def one_version_ahead() -> None:
    """Put a further migration behind those shipped: a table, and a row for every document."""
    from offline_store import migrations, store

    opened: Any = store
    shipped, version = migrations.steps, migrations.VERSION + 1

    def steps() -> Any:
        more = shipped()

        @more(name="one version ahead")
        def ahead(db: Any) -> None:
            db.execute("CREATE TABLE later (document_id TEXT PRIMARY KEY) STRICT")
            db.execute("INSERT INTO later SELECT document_id FROM document")
            db.execute(f"PRAGMA user_version = {version}")

        return more

    migrations.steps, migrations.VERSION = steps, version
    opened.VERSION = version


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene: what is played, on what kind of home it begins, and the program it needs."""

    play: Callable[[Stand], None]
    on_empty_home: bool = False
    program: Program = as_it_is
    prepare: Callable[[Path], None] = lambda home: None
    """Changes the furnished home before the till is opened."""
    at_the_counter: bool = True
    """A customer may be waiting while it happens; else it is the house around a sale."""


SCENES = {
    "cash sale": Scene(cash_sale),
    "three sales": Scene(three_sales),
    "QR sale": Scene(qr_sale),
    "refund": Scene(refund),
    "sync round": Scene(sync_round),
    "checkpoint": Scene(checkpoint),
    "fill": Scene(fill, program=small_fills, at_the_counter=False),
    "migration": Scene(migration, program=one_version_ahead, at_the_counter=False),
    "migration from the first version": Scene(
        migration, prepare=become_first_version, at_the_counter=False
    ),
    "new store": Scene(new_store, on_empty_home=True, at_the_counter=False),
}
