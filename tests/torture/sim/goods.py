"""What tills write down: real facts of every kind, cheap to make, and records nobody can read."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import msgspec

from app.domain.facts import Fact
from app.domain.ids import new_id
from app.domain.payment import PaymentState, State
from app.domain.sale import Sale
from app.domain.times import Moment, business_date
from app.wire.bodies import MovementV1, SaleV1, StockAdjustmentV1, TenderV1
from app.wire.messages import MemberChange
from tests.store import shop
from tests.torture.sim.cloud import SKUS

NEWER_KIND = "gift_card"
"""A kind of record that a newer till writes and this cloud cannot read."""

_GOODS = [shop.sku_of(row) for row in SKUS]
_HUGE = 40_000
_MOST_64 = 2**63 - 1


def sale(draw: random.Random, at: Moment, receipt_no: str, member_ref: str = "") -> Sale:
    """Return a sale of one or two lines in cash."""
    goods = draw.sample(_GOODS, draw.choice((1, 1, 2)))
    cart = shop.cart_of(*((each, draw.choice((1, 1, 3))) for each in goods))
    sold = shop.sale_of(cart, receipt_no=receipt_no, member_ref=member_ref)
    return replace(sold, at=at, business_date=business_date(at).isoformat())


def adjustment(draw: random.Random, at: Moment) -> Fact:
    """Return goods written off or found."""
    made = shop.adjustment_of(draw.choice(_GOODS).sku_id, draw.choice((-1, 2, 7)))
    return replace(made, at=at, business_date=business_date(at).isoformat())


def step(attempt_id: str, number: int, at: Moment) -> Fact:
    """Return the next step of a payment attempt."""
    states = (State.CREATED, State.WAITING, State.UNKNOWN)
    after = PaymentState(states[min(number, len(states)) - 1])
    return replace(shop.step_of(attempt_id, number, after), at=at)


def join(draw: random.Random, t_ms: int) -> MemberChange:
    """Return a new member; phones are few, so that two tills take in the same person."""
    fields = {"name": draw.choice("李王张刘"), "phone": f"1380000000{draw.randrange(6)}"}
    value = msgspec.json.encode(fields).decode()
    return _change(new_id(), "join", value, 0, t_ms)


def edit(draw: random.Random, member_ref: str, revision: int, t_ms: int) -> MemberChange:
    """Return a change of one field of a member."""
    field, value = draw.choice((("name", "赵"), ("note", "红色"), ("tier", "gold")))
    return _change(member_ref, field, value, revision, t_ms)


def _change(ref: str, field: str, value: str, base: int, t_ms: int) -> MemberChange:
    return MemberChange(
        change_id=new_id(),
        member_ref=ref,
        field=field,
        value=value,
        base_revision=base,
        t_ms=t_ms,
    )


# --- records nobody can read ------------------------------------------------------------------------

Poison = tuple[str, bytes]
"""Kind and body."""


def poison(draw: random.Random, rec_id: str) -> Poison:
    """Return a record that is well chained and still no use: each must end as an exception."""
    return draw.choice(_POISONS)(rec_id)


def _sale(rec_id: str, **changes: object) -> bytes:
    values: dict[str, object] = {
        "id": rec_id,
        "receipt_no": f"P-{rec_id[-8:]}",
        "business_date": shop.DAY,
        "currency": "CNY",
        "total": 100,
        "tenders": (TenderV1(id=rec_id, kind="cash", amount=100, given=100),),
    }
    return msgspec.json.encode(SaleV1(**values | changes))  # type: ignore[arg-type]


def _adjusted(rec_id: str, *movements: MovementV1) -> bytes:
    body = StockAdjustmentV1(id=rec_id, business_date=shop.DAY, reason="x", movements=movements)
    return msgspec.json.encode(body)


_POISONS: tuple[Callable[[str], Poison], ...] = (
    lambda rec_id: (NEWER_KIND, b'{"card":1}'),
    lambda rec_id: ("sale", b"\xff\x00 no text"),
    lambda rec_id: ("sale", b"[]"),
    lambda rec_id: ("refund", b""),
    lambda rec_id: ("sale", _sale(rec_id)),
    lambda rec_id: ("sale", _sale(new_id())),
    lambda rec_id: ("sale", _sale(rec_id, total=_MOST_64)),
    lambda rec_id: ("sale", _sale(rec_id, receipt_no="\0", currency="￥" * 50)),
    lambda rec_id: ("sale", _sale(rec_id, reference="长" * _HUGE)),
    lambda rec_id: ("sale", b'{"id":"' + rec_id.encode() + b'","total":1e400}'),
    lambda rec_id: (
        "stock_adjustment",
        _adjusted(rec_id, MovementV1(sku="no such", delta=-_MOST_64, kind="?")),
    ),
    lambda rec_id: (
        "stock_adjustment",
        _adjusted(rec_id, MovementV1(sku="x" * 300, delta=-1, kind="?")),
    ),
)
