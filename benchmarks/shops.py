"""Shops to measure in: the demo's brand grown to 1,000 or 100,000 SKUs, in encrypted stores that are
built once and copied for each run. Goods, stock and people go straight through the unit of work."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import msgspec

from app.ports import UnitOfWork
from app.wire.messages import (
    CategoryRow,
    ConfigRow,
    MemberRow,
    MembersPage,
    PersonRow,
    PlanRow,
    ReasonRow,
    SkuRow,
    StockRow,
    StoreRow,
    TierRow,
)
from app.wire.pins import hash_pin
from app.wire.searchkeys import SearchKeys, search_keys
from benchmarks import ROOT
from guidepos.bootstrap import open_till
from offline_store.identity import PROVISIONAL_STORE
from resources.demo.shapes import DemoShop, Member, Sku
from resources.demo.shop import demo_shop, styles_for

BENCH = ROOT / "build" / "bench"
SIZES = {"1k": 1_000, "100k": 100_000}
MEMBERS = 100_000
_MADE_BY = ("offline_store", "resources/demo", "app/wire", "benchmarks/shops.py")
_PAGE = 5_000
_STAMP = "made-by"

T = TypeVar("T")


def shop(skus: int, members: int = MEMBERS) -> DemoShop:
    """Return the demo shop grown to at least `skus` SKUs."""
    return demo_shop(styles=styles_for(skus), members=members)


def template(skus: int, members: int = MEMBERS, folder: Path = BENCH) -> Path:
    """Return the home of a till with that shop, not enrolled; made anew only when the code that
    makes it has changed."""
    home = folder / f"{skus}-{members}"
    stamp = home / _STAMP
    wanted = _fingerprint()
    if not stamp.exists() or stamp.read_text("ascii") != wanted:
        shutil.rmtree(home, ignore_errors=True)
        fill(home, shop(skus, members))
        stamp.write_text(wanted, "ascii")
    return home


def copied(home: Path, to: Path) -> Path:
    """Return a fresh copy of a till's home."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(home, to)
    return to


def fill(home: Path, goods: DemoShop) -> None:
    """Make a till in `home` that sells these goods. Raises Trouble if one lives there already."""
    till = open_till(home)
    own = goods.stores[0].store
    now_ms = till.clock.now().server_ms
    try:

        def put(uow: UnitOfWork) -> None:
            uow.put_config(_config(goods))
            uow.put_people(_people(goods, own))

        till.store.run(put).result()
        for skus in _pages(goods.skus):
            rows = [_sku(sku) for sku in skus]
            till.store.run(lambda uow, rows=rows: uow.put_skus(rows)).result()  # type: ignore[misc]
        for page in _pages(goods.stock):
            figures = [
                StockRow(
                    store=PROVISIONAL_STORE if row.store == own else row.store,
                    sku_id=row.sku_id,
                    quantity=row.quantity,
                    as_of_ms=now_ms - row.age_s * 1_000,
                )
                for row in page
            ]
            till.store.run(lambda uow, rows=figures: uow.put_stock(rows)).result()  # type: ignore[misc]
        for some in _pages(goods.members):
            known = MembersPage(
                rows=[_member(each) for each in some], cursor="", more=False, server_ms=now_ms
            )
            till.store.run(lambda uow, page=known: uow.apply_members(page)).result()  # type: ignore[misc]
    finally:
        till.close()


def _config(goods: DemoShop) -> ConfigRow:
    plan = goods.plan
    return ConfigRow(
        currency=goods.currency,
        stores=_like(goods.stores, StoreRow),
        categories=_like(goods.categories, CategoryRow),
        tiers=_like(goods.tiers, TierRow),
        discount_reasons=_like(goods.discount_reasons, ReasonRow),
        plan=PlanRow(
            plan_id=plan.plan_id,
            version=plan.version,
            default_bp=plan.default_bp,
            rates_bp=dict(plan.rates_bp),
        ),
    )


def _like(values: Sequence[object], shape: type[T]) -> list[T]:
    """Return the messages whose fields the demo's values have under the same names."""
    return [msgspec.convert(value, shape, from_attributes=True) for value in values]


def _people(goods: DemoShop, store: str) -> list[PersonRow]:
    return [
        PersonRow(
            person_id=person.person_id,
            name=person.name,
            name_en=person.name_en,
            role=person.role,
            pin=hash_pin(person.pin),
        )
        for person in goods.people
        if person.store == store
    ]


@lru_cache(maxsize=50_000)
def _keys(*texts: str) -> SearchKeys:
    """All sizes of a colour, and all members of a name, are found by the same words."""
    return search_keys(*texts)


def _sku(sku: Sku) -> SkuRow:
    keys = _keys(sku.name, sku.name_en, sku.style_no, sku.colour, sku.colour_en)
    row = msgspec.convert(sku, SkuRow, from_attributes=True)
    return msgspec.structs.replace(
        row, search=keys.tokens, pinyin=keys.pinyin, initials=keys.initials
    )


def _member(member: Member) -> MemberRow:
    keys = _keys(member.name)
    return MemberRow(
        member_ref=member.member_ref,
        revision=1,
        name=member.name,
        phone=member.phone,
        tier=member.tier,
        points=member.points,
        note=member.note,
        search=keys.tokens,
        pinyin=keys.pinyin,
        initials=keys.initials,
    )


def _pages(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), _PAGE):
        yield rows[start : start + _PAGE]


def _fingerprint() -> str:
    """Return a hash of the code that decides what a store holds."""
    digest = hashlib.sha256()
    for name in _MADE_BY:
        path = ROOT / name
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()
