"""The demo shop written straight into a till's store, for a till that has no cloud to pull it from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from app.ports import Store, UnitOfWork
from app.wire.messages import MembersPage, SkuRow, StockRow
from resources.demo.rows import config_row, member_row, person_row, sku_row, stock_row
from resources.demo.shapes import DemoShop

PAGE = 5_000
"""Rows of one transaction."""

T = TypeVar("T")


def fill_store(store: Store, shop: DemoShop, now_ms: int) -> None:
    """Make the till of this store one of the shop's first store, whatever the till calls itself."""
    own, here = shop.stores[0].store, store.reader.identity().store
    ours = replace(shop.stores[0], store=here)

    def put_shop(uow: UnitOfWork) -> None:
        uow.put_config(config_row(replace(shop, stores=(ours, *shop.stores[1:]))))
        uow.put_people([person_row(each) for each in shop.people if each.store == own])

    store.run(put_shop).result()
    for skus in _pages(shop.skus):
        store.run(partial(_put_skus, [sku_row(sku) for sku in skus])).result()
    for page in _pages(shop.stock):
        counts = [
            stock_row(row, now_ms, store=here if row.store == own else row.store) for row in page
        ]
        store.run(partial(_put_stock, counts)).result()
    for members in _pages(shop.members):
        rows = [member_row(member) for member in members]
        known = MembersPage(rows=rows, cursor="", more=False, server_ms=now_ms)
        store.run(partial(_put_members, known)).result()


def _pages(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), PAGE):
        yield rows[start : start + PAGE]


def _put_skus(rows: list[SkuRow], uow: UnitOfWork) -> None:
    uow.put_skus(rows)


def _put_stock(rows: list[StockRow], uow: UnitOfWork) -> None:
    uow.put_stock(rows)


def _put_members(page: MembersPage, uow: UnitOfWork) -> None:
    uow.apply_members(page)
