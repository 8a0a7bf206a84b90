"""The demo shop in the words of the wire, for whoever writes it: the cloud's loader, a till that has
no cloud. Search keys and PIN hashes are made here, where goods and people are written. Knows
`app.wire` and no store, cloud or screen."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TypeVar

import msgspec

from app.wire.messages import (
    CategoryRow,
    ConfigRow,
    MemberRow,
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
from resources.demo.shapes import DemoShop, Member, Person, Sku, Stock

T = TypeVar("T")


def config_row(shop: DemoShop) -> ConfigRow:
    """Return what a till needs to know about the shop."""
    plan = shop.plan
    return ConfigRow(
        currency=shop.currency,
        stores=_alike(shop.stores, StoreRow),
        categories=_alike(shop.categories, CategoryRow),
        tiers=_alike(shop.tiers, TierRow),
        discount_reasons=_alike(shop.discount_reasons, ReasonRow),
        plan=PlanRow(
            plan_id=plan.plan_id,
            version=plan.version,
            default_bp=plan.default_bp,
            rates_bp=dict(plan.rates_bp),
        ),
    )


def person_row(person: Person) -> PersonRow:
    """Return a person with the hash of their PIN; takes as long as argon2id wants."""
    return PersonRow(
        person_id=person.person_id,
        name=person.name,
        name_en=person.name_en,
        role=person.role,
        pin=hash_pin(person.pin),
    )


def sku_row(sku: Sku) -> SkuRow:
    """Return a SKU with its search keys."""
    keys = _keys(sku.name, sku.name_en, sku.style_no, sku.colour, sku.colour_en)
    row = msgspec.convert(sku, SkuRow, from_attributes=True)
    return msgspec.structs.replace(
        row, search=keys.tokens, pinyin=keys.pinyin, initials=keys.initials
    )


def stock_row(stock: Stock, now_ms: int, *, store: str = "") -> StockRow:
    """Return a count as old as the demo says, seen from `now_ms`; `store` takes the place of its own."""
    return StockRow(
        store=store or stock.store,
        sku_id=stock.sku_id,
        quantity=stock.quantity,
        as_of_ms=now_ms - stock.age_s * 1_000,
    )


def member_row(member: Member) -> MemberRow:
    """Return a member with the keys they are found by."""
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


def _alike(values: Iterable[object], message: type[T]) -> list[T]:
    """Return messages whose fields the demo's shapes have under the same names."""
    return [msgspec.convert(value, message, from_attributes=True) for value in values]


@lru_cache(maxsize=50_000)
def _keys(*texts: str) -> SearchKeys:
    """All sizes of a colour, and all members of a name, are found by the same words."""
    return search_keys(*texts)
