"""A database that was filled under an older form keeps all it holds when it is brought up to date."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from app.domain.ids import new_id
from app.wire.portable import sku_mark
from cloud.bootstrap import Cloud, open_cloud
from cloud.db import member_tables, payment_tables, tables, task_tables
from cloud.db.base import Database, metadata
from cloud.db.engine import open_database
from cloud.db.schema import migrate
from cloud.gateways.base import AttemptKey, Standing
from cloud.gateways.registry import only
from cloud.gateways.sandbox import SandboxGateway
from cloud.services.answered import NO_WORDS, Words, read_words
from cloud.services.live import LocalNewsroom
from cloud.services.orders import Orders
from cloud.services.payments import Payments
from cloud.services.prices import Span, goods_marked
from cloud.services.tokens import DeviceName, home_of
from cloud.settings import Settings
from tests.cloud.offline import sku_row

BEFORE_DISTRIBUTION = "0005"
PAID, OPEN, LOST, LATE = (new_id() for _ in range(4))
T = 1_730_000_000_000

Rows = list[dict[str, object]]


def attempt(attempt_id: str, store: str, **changed: object) -> dict[str, object]:
    values: dict[str, object] = {
        "attempt_id": attempt_id, "tenant": "t", "store": store, "device": f"d-{store}",
        "sale_id": f"sale-{attempt_id}", "token": f"token-{attempt_id}", "order_bytes": b"\x00{}",
        "amount": 100, "currency": "CNY", "created_ms": T, "expires_ms": T + 300_000,
        "state": "waiting", "anomalies": "", "received": 0, "provider": "", "provider_ref": "",
        "looked_ms": 0, "paid_ms": 0, "changed_ms": T, "version": 1,
    }  # fmt: skip
    return values | changed


def event(attempt_id: str, version: int, name: str) -> dict[str, object]:
    return {
        "attempt_id": attempt_id, "version": version, "event": name, "source": "till",
        "state": "waiting", "anomalies": "", "received": 0, "provider": "", "provider_ref": "",
        "at_ms": T + version,
    }  # fmt: skip


def sandbox_order(payment_id: str, attempt_id: str, standing: str) -> dict[str, object]:
    return {
        "payment_id": payment_id, "attempt_id": attempt_id, "merchant": "shop", "amount": 100,
        "currency": "CNY", "expires_ms": T + 300_000, "back": "/", "standing": standing, "silent": False,
    }  # fmt: skip


def device(store: str) -> dict[str, object]:
    return {
        "tenant_id": "t", "store_id": store, "device_id": f"d-{store}", "device_code": "01",
        "public_key": b"k", "secret": b"s", "escrow": b"", "platform": "", "app_version": "",
        "protection": "", "db_id": "", "boot_nonce": "", "enrolled_ms": T, "seen_ms": T,
        "revoked_ms": 0,
    }  # fmt: skip


def change(change_id: str, member_ref: str) -> dict[str, object]:
    return {
        "tenant_id": "t", "change_id": change_id, "member_ref": member_ref, "field": "name",
        "before": "", "value": "王", "base_revision": 0, "revision": 1, "verdict": "applied",
        "store_id": "S1", "device_id": "d", "t_ms": T, "received_ms": T,
    }  # fmt: skip


def sku(sku_id: str, list_price: int, *, deleted: bool = False) -> dict[str, object]:
    body = msgspec.json.encode(sku_row(sku_id, list_price))
    return {
        "tenant_id": "t", "sku_id": sku_id, "style_no": "MD1001", "gtin": "",
        "body": b"" if deleted else body, "deleted": deleted, "change": 1,
    }  # fmt: skip


def money(
    task_id: str, code: str, amount: int, word: str, state: str = "settled"
) -> dict[str, object]:
    return {
        "tenant_id": "t", "store_id": "S1", "task_id": task_id, "kind": "money", "code": code,
        "subject": task_id, "device_id": "d-S1", "device_code": "01", "epoch": "", "seq": 0,
        "receipt_no": "", "other": f"sale-{task_id}", "detail": "100", "amount": amount, "created_ms": T,
        "state": state, "claimed_device": "", "claimed_by": "", "claim_id": "", "claim_until_ms": 0,
        "settled_ms": 0, "resolution": word, "change": 1,
    }  # fmt: skip


def tender(attempt_id: str) -> dict[str, object]:
    return {
        "tenant_id": "t", "store_id": "S1", "document_id": f"sale-{attempt_id}", "no": 1,
        "document": "sale", "tender_id": new_id(), "kind": "qr", "amount": 100, "given": 0,
        "change": 0, "attempt_id": attempt_id, "provider": "sandbox",
    }  # fmt: skip


FILLED: dict[str, Rows] = {
    "tenant": [{"tenant_id": "t", "name": "", "created_ms": T}],
    "server_state": [
        {"name": name, "value": "1"} for name in ("timeline", "feed_generation", "change")
    ],
    "device": [device("S1"), device("S2")],
    "payment_attempt": [
        attempt(PAID, "S1", state="confirmed", received=100, provider="sandbox", version=2),
        attempt(OPEN, "S2", provider="sandbox"),
        attempt(LATE, "S1", state="confirmed", anomalies="late over", received=170),
    ],
    "payment_event": [event(PAID, 1, "shown"), event(PAID, 2, "paid"), event(OPEN, 1, "shown")],
    "payment_money": [
        {"provider": "sandbox", "ref": "r1", "attempt_id": PAID, "amount": 100, "at_ms": T}
    ],
    "order_claim": [{"attempt_id": OPEN, "phone_hash": "phone", "taken_ms": T}],
    "sandbox_order": [
        sandbox_order("p1", PAID, "paid"),
        sandbox_order("p2", OPEN, "open"),
        sandbox_order("p3", LOST, "closed"),
    ],
    "sandbox_money": [{"ref": "r1", "payment_id": "p1", "amount": 100, "at_ms": T}],
    "task": [
        money("a", "late", 200, "delivered"),
        money("b", "late", 200, "seen"),
        money("c", "over", 50, "refunded"),
        money("d", "late", 100, "by_itself"),
        money("e", "refunded", 100, "refunded"),
        money("f", "no_sale", 100, "", "open"),
        money("g", "refund_stuck", 30, "seen"),
        money("h", "taken_back", 100, "seen"),
        money(LATE, "over", 70, "", "claimed"),
        money(PAID, "over", 60, "refunded"),
    ],
    "tender": [tender(PAID)],
    "sku": [sku("COAT", 189_900), sku("SCARF", 39_900), sku("GONE", 1, deleted=True)],
    "member_change": [change("c1", "m1"), change("c2", "m1"), change("c1b", "m2")],
}
"""Rows as they stood before payments were keyed by store."""


def fill(db: Database) -> None:
    def put(connection: sa.Connection) -> None:
        old = sa.MetaData()
        old.reflect(connection)
        for name, rows in FILLED.items():
            connection.execute(sa.insert(old.tables[name]), rows)

    db.write(put)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Cloud]:
    """A cloud that was filled before payments were keyed by store, and then brought up to date."""
    url = request.getfixturevalue("bare_postgres_url") if request.param == "postgres" else ""
    settings = Settings(data=tmp_path, db_url=url)
    db = open_database(settings)
    migrate(db, BEFORE_DISTRIBUTION)
    fill(db)
    db.close()
    opened = open_cloud(settings, clock=lambda: T)
    yield opened
    opened.close()


@pytest.fixture
def sandbox(cloud: Cloud) -> SandboxGateway:
    return SandboxGateway(cloud.db, cloud.clock)


@pytest.fixture
def payments(cloud: Cloud, sandbox: SandboxGateway) -> Payments:
    made = Payments(cloud.db, only(sandbox), LocalNewsroom(), cloud.clock)
    sandbox.notify = made.heard
    return made


def rows(cloud: Cloud, table: sa.Table) -> Rows:
    query = sa.select(table).order_by(*table.primary_key.columns)
    return cloud.db.read(lambda c: [dict(row) for row in c.execute(query).mappings()])


def test_every_row_is_still_there_and_in_its_store(cloud: Cloud) -> None:
    for name, store_of in (
        ("payment_event", {PAID: "S1", OPEN: "S2"}),
        ("payment_money", {PAID: "S1"}),
        ("order_claim", {OPEN: "S2"}),
    ):
        held = rows(cloud, metadata.tables[name])
        expected = [
            {**row, "tenant_id": "t", "store_id": store_of[str(row["attempt_id"])]}
            for row in FILLED[name]
        ]
        assert sorted(held, key=str) == sorted(
            ({name: row[name] for name in held[0]} for row in expected), key=str
        )


def test_attempts_are_found_under_their_store_alone(cloud: Cloud, payments: Payments) -> None:
    paid = payments.find(AttemptKey("t", "S1", PAID))
    assert (paid.payment.state, paid.received, paid.order_bytes) == ("confirmed", 100, b"\x00{}")
    assert (paid.device, paid.token, paid.version) == ("d-S1", f"token-{PAID}", 2)
    assert len(rows(cloud, payment_tables.attempt)) == 3


def test_an_order_open_at_the_wallet_can_still_be_paid(
    cloud: Cloud, payments: Payments, sandbox: SandboxGateway
) -> None:
    key = AttemptKey("t", "S2", OPEN)
    assert Orders(cloud.db, cloud.clock).holder(key) == "phone"
    sandbox.approve("t.S2.p2")
    assert payments.find(key).payment.state == "confirmed"
    assert sandbox.query(AttemptKey("t", "S1", PAID)).money[0].ref == "r1"


def test_a_providers_order_without_an_attempt_is_not_thrown_away(sandbox: SandboxGateway) -> None:
    assert sandbox.order("..p3").standing is Standing.CLOSED


@pytest.mark.parametrize(
    "table", [payment_tables.event, payment_tables.money, payment_tables.sandbox_money]
)
def test_history_is_guarded_as_before(cloud: Cloud, table: sa.Table) -> None:
    for statement in (table.update().values(at_ms=1), table.delete()):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), cloud.db.begin() as connection:
            connection.execute(statement)


def test_changes_of_members_are_known_again(cloud: Cloud) -> None:
    assert sorted(rows(cloud, member_tables.member_change), key=str) == sorted(
        (
            {c.name: row[c.name] for c in member_tables.member_change.c}
            for row in FILLED["member_change"]
        ),
        key=str,
    )


def test_devices_have_a_home(cloud: Cloud) -> None:
    with cloud.db.reading() as connection:
        homes = [home_of(connection, name) for name in ("d-S1", "d-S2", "d-S3")]
    assert homes == [DeviceName("t", "S1", "d-S1"), DeviceName("t", "S2", "d-S2"), None]
    assert len(rows(cloud, tables.device)) == 2


def test_the_prices_of_today_are_those_since_ever(cloud: Cloud) -> None:
    """What they were before, nobody wrote down; a till that was offline since then is believed."""
    marks = {sku_mark(name) for name in ("COAT", "SCARF", "GONE")}
    with cloud.db.reading() as connection:
        found = goods_marked(connection, "t", marks)
    known = {goods.row.sku_id: goods.spans for many in found.values() for goods in many}
    assert known == {"COAT": (Span(189_900, 0),), "SCARF": (Span(39_900, 0),)}


def test_what_was_settled_by_a_word_is_answered_for(cloud: Cloud) -> None:
    with cloud.db.reading() as connection:
        query = sa.select(task_tables.task.c.task_id, task_tables.task.c.words)
        found = {row.task_id: read_words(row.words) for row in connection.execute(query)}
    assert found == {
        "a": Words(goods=100, said="delivered"),
        "b": Words(otherwise=200, said="seen"),
        "c": Words(otherwise=150, said="refunded"),  # its sale is not in the books
        "d": NO_WORDS,
        "e": NO_WORDS,
        "f": NO_WORDS,
        "g": Words(stuck=30, said="seen"),
        "h": Words(taken_back=100, said="seen"),
        LATE: Words(otherwise=100),
        PAID: Words(otherwise=60, said="refunded"),
    }


def test_nothing_is_left_over(cloud: Cloud) -> None:
    names = cloud.db.read(lambda c: sa.inspect(c).get_table_names())
    assert sorted(names) == sorted([*metadata.tables, "alembic_version"])
