"""Every door of the API, taken from the application itself: who may come in, and how much they may bring."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import httpx
import msgspec
import pytest
import sqlalchemy as sa

from app.domain.ids import new_id
from app.wire.messages import Problem
from app.wire.tokens import NONCE_HEADER, PROOF_HEADER
from cloud.api.body_limit import FORM_BYTES
from cloud.api.contract import SMALL_BODY
from cloud.bootstrap import Cloud
from cloud.db import tables
from cloud.main import app_of
from cloud.services.tokens import DeviceName, issue_access_token
from tests.cloud.device import Device, proven
from tests.cloud.doors import DRAIN, OPEN, doors, guarded, knock
from tests.cloud.inprocess import Client


def refused(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of a refusal."""
    return answer.status_code, msgspec.json.decode(answer.content, type=Problem).code


def bearers(cloud: Cloud, device: Device) -> dict[str, tuple[str, tuple[int, str]]]:
    """Return Authorization headers that are worth nothing here, and how each is refused."""
    later, secret = cloud.clock() + 3_600_000, cloud.keys.token_secret
    me = DeviceName(device.me.tenant, device.me.store, device.me.device)
    gone = issue_access_token(secret, replace(me, device=new_id()), later)
    expired = issue_access_token(secret, me, cloud.clock() - 1)
    foreign = issue_access_token(b"another cloud's secret, 32 bytes", me, later)
    void = (401, "token_invalid")
    return {
        "none": ("", void),
        "no token": ("Bearer", void),
        "another scheme": (f"Basic {device.token}", void),
        "garbage": ("Bearer x.y.z", void),
        "not ascii": ("Bearer \xe9", void),
        "cut short": (f"Bearer {device.token[:-1]}", void),
        "changed": (f"Bearer {device.token[:-8]}AAAAAAAA", void),
        "of another cloud": (f"Bearer {foreign}", void),
        "expired": (f"Bearer {expired}", (401, "token_expired")),
        "of a device that is gone": (f"Bearer {gone}", (403, "device_not_enrolled")),
    }


def test_every_open_door_is_listed_with_its_reason(cloud: Cloud) -> None:
    found = doors(app_of(cloud))
    assert set(OPEN) <= found, "a door is listed that is there no more"
    assert all(OPEN.values())
    assert found > DRAIN
    assert all(door.split()[1].startswith("/v1/") for door in found - set(OPEN))


def test_nobody_comes_in_without_a_token(cloud: Cloud, device: Device) -> None:
    for door in guarded(app_of(cloud)):
        for what, (bearer, status) in bearers(cloud, device).items():
            headers = {NONCE_HEADER: "n"} | ({"Authorization": bearer} if bearer else {})
            encoded = {name: value.encode("latin-1") for name, value in headers.items()}
            answer = knock(device.client, door, cast(Any, encoded))
            assert refused(answer) == status, (door, what)
            assert answer.headers[PROOF_HEADER], (door, what)


@pytest.mark.fault(21, "the till says that it was signed off; what is unsent stays")
def test_a_revoked_till_may_only_drain(cloud: Cloud, device: Device) -> None:
    with cloud.db.begin() as connection:
        connection.execute(sa.update(tables.device).values(revoked_ms=1))
    for door in guarded(app_of(cloud)) - DRAIN:
        answer = knock(device.client, door, device.headers())
        assert refused(answer) == (403, "device_revoked"), door


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
