"""A small invented shop: SKUs, people, documents, to fill a store with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.domain.cart import Cart
from app.domain.catalog import Sku
from app.domain.commission import CommissionPlan
from app.domain.facts import PaymentStep
from app.domain.ids import new_id
from app.domain.money import MILLS
from app.domain.payment import PaymentState
from app.domain.people import GuideShare
from app.domain.pricing import price
from app.domain.refund import BlindReturn, Refund, ReturnedPart, SoldLine, make_refund
from app.domain.sale import Sale, Tender, TenderKind, make_sale
from app.domain.stock import MovementKind, StockAdjustment, StockMovement
from app.domain.times import Moment, TimeQuality, business_date
from app.wire.messages import (
    CategoryRow,
    ConfigRow,
    EnrolAnswer,
    KeySet,
    PersonRow,
    PlanRow,
    PublicKey,
    ReasonRow,
    SkuRow,
    StoreRow,
    TierRow,
)
from app.wire.searchkeys import search_keys
from offline_store import OfflineStore

KEY = bytes(range(32))
NOON = 1_760_000_400_000
"""2025-10-09 17:00 in the shop."""
DAY = "2025-10-09"
PLAN = CommissionPlan("plan", 3, 300, {"coats": 500})
LIN, WANG = "p-lin", "p-wang"


def do(store: OfflineStore, method: str, *args: Any, **more: Any) -> Any:
    """Call one method of the unit of work in a transaction of its own and wait for it."""
    return store.run(lambda uow: getattr(uow, method)(*args, **more)).result()


def at(ms: int = NOON) -> Moment:
    """Return a reading of a clock that stands in the wall's quality."""
    return Moment(ms, 1_000, "boot-1", ms, TimeQuality.WALL)


def sku_row(
    style_no: str = "W26-170",
    colour: str = "黑色",
    size: str = "M",
    *,
    name: str = "羊毛大衣",
    price_fen: int = 129_900,
    **more: object,
) -> SkuRow:
    """Return a catalogue row; its id is style, colour code and size."""
    codes = {"黑色": ("BLK", "Black", "#000000"), "红色": ("RED", "Red", "#cc0000")}
    code, colour_en, colour_hex = codes.get(colour, (colour, "", "#888888"))
    keys = search_keys(name, colour)
    values: dict[str, object] = {
        "sku_id": f"{style_no}-{code}-{size}",
        "style_no": style_no,
        "name": name,
        "name_en": "Wool coat",
        "category": "coats",
        "colour_code": code,
        "colour": colour,
        "colour_en": colour_en,
        "colour_hex": colour_hex,
        "size": size,
        "size_order": ["XS", "S", "M", "L", "XL"].index(size),
        "list_price": price_fen,
        "search": keys.tokens,
        "pinyin": keys.pinyin,
        "initials": keys.initials,
        **more,
    }
    return SkuRow(**values)  # type: ignore[arg-type]


def sku_of(row: SkuRow) -> Sku:
    """Return the SKU a row makes."""
    return Sku(
        sku_id=row.sku_id,
        style_no=row.style_no,
        name=row.name,
        name_en=row.name_en,
        category=row.category,
        colour_code=row.colour_code,
        colour=row.colour,
        colour_en=row.colour_en,
        colour_hex=row.colour_hex,
        size=row.size,
        list_price=row.list_price,
        gtin=row.gtin,
    )


COAT = sku_of(sku_row())
SCARF = sku_of(sku_row("S1", "红色", "S", name="围巾", category="scarves", price_fen=9_990))


def cart_of(
    *goods: tuple[Sku, int], guides: Sequence[GuideShare] = (), reference: str = ""
) -> Cart:
    """Return a cart of (SKU, pieces)."""
    cart = Cart(new_id(), "CNY", guide_id="" if guides else LIN, reference=reference)
    for sku, quantity in goods:
        cart = cart.add(sku, quantity, merge=False)
        if guides:
            cart = cart.with_line_guides(cart.lines[-1].line_no, tuple(guides))
    return cart


def sale_of(
    cart: Cart | None = None,
    *,
    receipt_no: str | None = None,
    member_ref: str = "",
    attempt_id: str = "",
    ms: int = NOON,
    plan: CommissionPlan = PLAN,
) -> Sale:
    """Return a paid sale of a cart, by default one coat in cash."""
    cart = cart or cart_of((COAT, 1))
    if member_ref:
        cart = cart.with_member(member_ref, "")
    priced = price(cart)
    kind = TenderKind.QR if attempt_id else TenderKind.CASH
    given = 0 if attempt_id else priced.total
    tender = Tender(new_id(), kind, priced.total, given=given, attempt_id=attempt_id)
    return make_sale(
        priced,
        [tender],
        plan,
        receipt_no=receipt_no if receipt_no is not None else f"R-{new_id()}",
        business_date=business_date(at(ms)).isoformat(),
        at=at(ms),
        actor=LIN,
    )


def refund_of(
    *parts: tuple[SoldLine, int] | BlindReturn, reference: str = "", receipt_no: str | None = None
) -> Refund:
    """Return a refund of (sold line, pieces) or blind returns, paid back in cash."""
    returned = [p if isinstance(p, BlindReturn) else ReturnedPart(*p) for p in parts]
    total = 0
    for part in returned:
        if isinstance(part, BlindReturn):
            total += part.quantity * part.unit_mills // MILLS
        else:
            total += part.sold.value_of(part.quantity)
    return make_refund(
        new_id(),
        returned,
        [Tender(new_id(), TenderKind.CASH, total, given=total)],
        receipt_no=receipt_no if receipt_no is not None else f"R-{new_id()}",
        business_date=DAY,
        at=at(),
        actor=LIN,
        currency="CNY",
        reason="size",
        reference=reference,
    )


def adjustment_of(sku_id: str, delta: int, *, reference: str = "") -> StockAdjustment:
    """Return a stock movement of its own."""
    kind = MovementKind.FOUND if delta > 0 else MovementKind.WRITE_OFF
    movements = (StockMovement(sku_id, delta, kind),)
    return StockAdjustment(new_id(), at(), DAY, LIN, "count", movements, reference)


def step_of(
    attempt_id: str,
    step: int,
    after: PaymentState | None = None,
    *,
    sale_id: str = "s",
    event: str = "",
    received: int = 0,
) -> PaymentStep:
    """Return a step of a payment attempt over 100 yuan."""
    return PaymentStep(
        step_id=new_id(),
        attempt_id=attempt_id,
        sale_id=sale_id,
        step=step,
        event=event,
        after=after or PaymentState(),
        amount=10_000,
        received=received,
        currency="CNY",
        order_hash="ab" * 32,
        provider="sandbox",
        provider_ref="",
        expires_ms=NOON + 300_000,
        at=at(),
        actor=LIN,
    )


def person_row(person_id: str = LIN, **more: object) -> PersonRow:
    """Return someone who may sign in."""
    values: dict[str, object] = {
        "person_id": person_id,
        "name": "林",
        "name_en": "Lin",
        "role": "guide",
        "pin": "$argon2id$x",
        **more,
    }
    return PersonRow(**values)  # type: ignore[arg-type]


def config_row() -> ConfigRow:
    """Return the shop's document."""
    return ConfigRow(
        currency="CNY",
        stores=[
            StoreRow(store="sh01", name="静安店", name_en="Jing'an", city="上海", phone="021"),
            StoreRow(store="bj01", name="王府井店", name_en="Wangfujing", city="北京"),
        ],
        categories=[
            CategoryRow(code="scarves", name="围巾", name_en="Scarves"),
            CategoryRow(code="coats", name="大衣", name_en="Coats"),
        ],
        tiers=[TierRow(code="gold", name="金卡", name_en="Gold", pays_bp=9_500)],
        discount_reasons=[ReasonRow(code="flaw", name="瑕疵", name_en="Flaw", max_bp=3_000)],
        plan=PlanRow(plan_id="plan", version=3, default_bp=300, rates_bp={"coats": 500}),
        payment_minutes=7,
    )


def enrol_answer(epoch: str = "00112233aabbccdd", **more: object) -> EnrolAnswer:
    """Return a cloud's answer that makes the till device 7 of store sh01."""
    values: dict[str, object] = {
        "tenant": "brand",
        "store": "sh01",
        "device": "dev-7",
        "device_code": "A7",
        "epoch": epoch,
        "epoch_ordinal": 1,
        "secret": b"s" * 32,
        "keys": KeySet(
            signing=[
                PublicKey(kid="k1", key=b"1" * 32),
                PublicKey(kid="old", key=b"0" * 32, expires_ms=NOON - 1),
            ],
            escrow=PublicKey(kid="e1", key=b"e" * 32),
        ),
        "timeline": "t1",
        "public_url": "https://shop.example",
        **more,
    }
    return EnrolAnswer(**values)  # type: ignore[arg-type]
