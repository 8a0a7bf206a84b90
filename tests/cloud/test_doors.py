"""Every door of the API, taken from the application itself: who may come in, and how much they may bring."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute

from app.domain.ids import new_id
from app.wire.messages import Problem
from cloud.api.body_limit import FORM_BYTES
from cloud.api.contract import SMALL_BODY
from cloud.bootstrap import Cloud
from cloud.db import tables
from cloud.main import app_of
from tests.cloud.conftest import Enrol
from tests.cloud.device import Client as AnyClient
from tests.cloud.device import Device, a_sale, proven
from tests.cloud.inprocess import Client

OPEN = {"GET /v1/keys", "GET /v1/health", "POST /v1/enrol", "POST /v1/token"}
"""What a till may ask before it has a token."""

DRAIN = {"POST /v1/sync/hello", "POST /v1/sync/push"}
"""What a revoked till may still do: unsent sales must get out."""


def routes_of(router: Any) -> Iterator[APIRoute]:
    """Yield the routes of a router and of those inside it."""
    for route in router.routes:
        inside = getattr(route, "original_router", None)
        if inside is not None:
            yield from routes_of(inside)
        elif isinstance(route, APIRoute):
            yield route


def doors(cloud: Cloud) -> set[str]:
    """Return "METHOD /path" of every endpoint of the API, listed in its document or not."""
    return {
        f"{method} {route.path}"
        for route in routes_of(app_of(cloud))
        for method in route.methods or ()
        if route.path.startswith("/v1/")
    }


def knock(client: AnyClient, door: str, **options: Any) -> tuple[int, str]:
    """Ask at a door; return status and code of the refusal."""
    method, path = door.split()
    asked = path.replace("{attempt_id}", new_id())
    queries = {"/v1/sync/pull": "?stream=config"}
    if path.startswith("/v1/reports/"):
        queries[path] = "?from=2026-03-01&to=2026-03-31"
    answer = client.request(method, asked + queries.get(path, ""), **options)
    return answer.status_code, msgspec.json.decode(answer.content, type=Problem).code


def test_the_doors_are_all_known(cloud: Cloud) -> None:
    found = doors(cloud)
    assert found > OPEN | DRAIN
    assert len(found) == 15


def test_nobody_comes_in_without_a_token(cloud: Cloud, client: Client) -> None:
    for door in doors(cloud) - OPEN:
        assert knock(client, door) == (401, "token_invalid"), door


@pytest.mark.fault(21, "the till says that it was signed off; what is unsent stays")
def test_a_revoked_till_may_only_drain(cloud: Cloud, device: Device) -> None:
    with cloud.db.begin() as connection:
        connection.execute(sa.update(tables.device).values(revoked_ms=1))
    for door in doors(cloud) - OPEN - DRAIN:
        refused = knock(device.client, door, headers=device.headers())
        assert refused == (403, "device_revoked"), door


@pytest.mark.parametrize("path", ["/v1/enrol", "/v1/token"])
def test_strangers_may_not_bring_much(client: Client, path: str) -> None:
    answer = client.post(path, content=b" " * (SMALL_BODY + 1))
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/o/x/take", "/o/x/pay", "/wallet/x/approve", "/v1/sync/push"])
def test_no_body_is_read_beyond_its_limit(cloud: Cloud, client: Client, path: str) -> None:
    limit = cloud.settings.max_body if path.startswith("/v1/") else FORM_BYTES
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 50 * limit:
            sent += 8_000
            yield b"csrf=" + b"x" * 7_995

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    announced = client.post(path, content=b"x" * (limit + 1), headers=form)
    assert announced.status_code == 413
    if not path.startswith("/v1/"):  # the API asks for the token first
        assert client.post(path, content=endless(), headers=form).status_code in (400, 413)
        assert sent <= limit + 8_000


def test_a_till_of_one_store_neither_sees_nor_adds_to_the_books_of_another(
    cloud: Cloud, enrol: Enrol
) -> None:
    mine, theirs = enrol("S001"), enrol("S002")
    mine.write("sale", a_sale())
    mine.push()
    span = {"from": "2000-01-01", "to": "2099-12-31"}
    for report in ("sales", "commissions"):
        answer = theirs.client.get(f"/v1/reports/{report}", params=span, headers=theirs.headers())
        assert msgspec.json.decode(answer.content)["rows"] == []
    stolen = theirs.send_push(mine.batch(mine.records))
    assert (stolen.status_code, proven(stolen, theirs.me)) == (422, True)
    asked = msgspec.structs.replace(theirs.hello(), epoch=mine.me.epoch)
    answer = theirs.client.post(
        "/v1/sync/hello", content=msgspec.json.encode(asked), headers=theirs.headers()
    )
    assert msgspec.json.decode(answer.content)["hwm"] == 0
    rows = cloud.db.read(lambda c: c.execute(sa.select(tables.journal.c.store_id)).all())
    assert {row.store_id for row in rows} == {"S001"}


def test_a_value_no_database_holds_is_malformed_and_a_busy_one_says_when_to_come_back(
    cloud: Cloud, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = device.client.get(
        "/v1/reports/commissions?from=2026-03-01&to=2026-03-31&guide=%00", headers=device.headers()
    )
    assert answer.status_code in (200, 422)  # SQLite looks for it, PostgreSQL cannot

    def busy(*_: object) -> None:
        raise sa.exc.OperationalError("SELECT 1", None, Exception("database is locked"))

    monkeypatch.setattr("cloud.api.reports.commission_report", busy)
    answer = device.client.get(
        "/v1/reports/commissions?from=2026-03-01&to=2026-03-31", headers=device.headers()
    )
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert proven(answer, device.me)
