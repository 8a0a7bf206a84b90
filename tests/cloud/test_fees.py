"""What ways of paying cost: the report's cheapest, and what a till is told of the ways that are open."""

from __future__ import annotations

from datetime import date

import msgspec
import sqlalchemy as sa

from app.wire.fees import FeeReport
from cloud.bootstrap import Cloud
from cloud.db import bill_tables
from cloud.gateways.base import Wallet
from cloud.services.reconcile import fees
from tests.cloud.device import Device


def test_the_cheapest_way_is_marked(cloud: Cloud):
    rows = []
    for provider, way, mills in (("a", "qr", 38_000), ("b", "qr", 60_000), ("c", "code", 0)):
        rows.append(fee_row(provider, way, 100_00, mills))
    rows.append(fee_row("c", "code", 100_00, 0, kind="refund"))
    with cloud.db.begin() as conn:
        conn.execute(sa.insert(bill_tables.fee), rows)
    with cloud.db.reading() as conn:
        found = fees.report(conn, "t", "2026-03-01", "2026-03-01").rows
    assert [(r.provider, r.rate_bp, r.cheapest) for r in found] == [
        ("a", 38, True),
        ("b", 60, False),
        ("c", -1, False),  # all of it went back: no share of nothing
    ]


WAYS = {
    ("a", "qr"): Wallet.ALIPAY,
    ("b", "qr"): Wallet.WECHAT,
    ("b", "code"): Wallet.WECHAT,
    ("c", "code"): Wallet.ANY,
}
"""Accounts that are connected, and how one can pay by them."""


def rated(cloud: Cloud, *rows: dict[str, object], day: date = date(2026, 3, 2)):
    with cloud.db.begin() as conn:
        conn.execute(sa.insert(bill_tables.fee), rows)
    with cloud.db.reading() as conn:
        found = fees.rates(conn, "t", "S001", WAYS, today=day)
    return [(r.provider, r.wallet, r.way, r.rate_bp, r.cheapest) for r in found]


def test_a_till_hears_what_ways_that_are_open_cost_and_which_is_the_cheapest(cloud: Cloud):
    found = rated(
        cloud,
        fee_row("a", "qr", 100_00, 60_000),
        fee_row("b", "qr", 100_00, 38_000),
        fee_row("b", "code", 100_00, 54_000) | {"no": 7},
        fee_row("gone", "qr", 100_00, 1),  # an account that was taken away
        fee_row("c", "qr", 100_00, 1),  # a way that account no longer has
    )
    assert found == [
        ("b", "wechat", "qr", 38, True),
        ("b", "wechat", "code", 54, False),
        ("a", "alipay", "qr", 60, False),
    ]


def test_of_ways_that_cost_the_same_none_is_the_cheapest(cloud: Cloud):
    found = rated(cloud, fee_row("a", "qr", 100_00, 60_000), fee_row("b", "qr", 100_01, 60_004))
    assert [(provider, rate, cheapest) for provider, _, _, rate, cheapest in found] == [
        ("a", 60, False),
        ("b", 60, False),
    ]


def test_what_a_way_cost_long_ago_or_in_another_store_says_nothing(cloud: Cloud):
    row = fee_row("a", "qr", 100_00, 38_000)
    other = fee_row("b", "qr", 100_00, 60_000) | {"store_id": "S002"}
    assert rated(cloud, row, other, day=date(2026, 4, 1)) == []
    with cloud.db.reading() as conn:
        assert len(fees.rates(conn, "t", "S001", WAYS, today=date(2026, 3, 31))) == 1


def fee_row(provider: str, way: str, amount: int, mills: int, kind: str = "payment"):
    return {
        "tenant_id": "t",
        "store_id": "S001",
        "provider": provider,
        "day": "2026-03-01",
        "no": int(kind == "refund"),
        "ref": "r",
        "attempt_id": "a",
        "kind": kind,
        "way": way,
        "amount": amount,
        "currency": "CNY",
        "fee_mills": mills,
    }


def test_a_till_hears_what_ways_of_paying_cost_in_its_own_store(cloud: Cloud, device: Device):
    """`device` is a till of the store S001."""
    rows = [fee_row("wechat", "code", 10_000, 60_000) | {"tenant_id": device.me.tenant}]
    rows.append(rows[0] | {"store_id": "S002", "amount": 99})
    with cloud.db.begin() as conn:
        conn.execute(sa.insert(bill_tables.fee), rows)
    span = {"from": "2026-03-01", "to": "2026-03-31"}
    said = device.client.get("/v1/reports/fees", params=span, headers=device.headers())
    assert said.status_code == 200
    (row,) = msgspec.json.decode(said.content, type=FeeReport).rows
    assert (row.provider, row.way, row.paid, row.rate_bp) == ("wechat", "code", 10_000, 60)
    wrong = {"from": "2026-03-31", "to": "2026-03-01"}
    refused = device.client.get("/v1/reports/fees", params=wrong, headers=device.headers())
    assert refused.status_code == 422
