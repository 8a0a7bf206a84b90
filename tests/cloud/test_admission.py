"""Admission: so much at work, so much waiting, beyond it 503 or 429 with a moment to come again."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import anyio
import httpx
import msgspec
import pytest

from app.wire.messages import Problem
from cloud.bootstrap import Cloud
from cloud.db import tables
from cloud.errors import Refused
from cloud.main import app_of
from cloud.services.admission import LATEST_S, SOONEST_S, Admission
from cloud.services.ingest import ingest
from cloud.settings import Limits, Settings
from tests.cloud.books import count
from tests.cloud.conftest import Clock, new_code
from tests.cloud.device import Device, a_sale, enrolled, proven
from tests.cloud.inprocess import Client, running
from tests.cloud.served import client_of, served
from tests.cloud.template import fresh_cloud

LONG_S = 60
TIGHT = Limits(pushes_at_work=1, pushes_waiting=1, pushes_of_a_device=2)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, limits=TIGHT)


class Held:
    """Keeps every push inside the cloud until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inside, self._open = threading.Semaphore(0), threading.Event()

        def slow(*arguments, **options):
            self.inside.release()
            assert self._open.wait(LONG_S)
            return ingest(*arguments, **options)

        monkeypatch.setattr("cloud.api.sync.ingest", slow)

    def let_go(self) -> None:
        self._open.set()


@contextmanager
def under_load(
    cloud: Cloud, client: Client, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[list[Device], list[Future[httpx.Response]], Callable[[], None]]]:
    """Fill the seat and the queue; yield the tills, their pushes and what lets them go."""
    held = Held(monkeypatch)
    tills = [enrolled(client, new_code(cloud)) for _ in range(3)]
    for till in tills:
        till.write("sale", a_sale())
    with ThreadPoolExecutor(4) as pool:
        pushes = [pool.submit(till.send_push, till.batch(till.records)) for till in tills[:1]]
        assert held.inside.acquire(timeout=LONG_S)
        pushes.append(pool.submit(tills[1].send_push, tills[1].batch(tills[1].records)))
        waiting = threading.Event()
        while not cloud.admission.waiting:
            waiting.wait(0.005)
        try:
            yield tills, pushes, held.let_go
        finally:
            held.let_go()


def test_beyond_the_queue_a_push_is_told_when_to_come_again_and_nothing_is_lost(
    cloud: Cloud, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with under_load(cloud, client, monkeypatch) as (tills, pushes, let_go):
        late = tills[2]
        refused = late.send_push(late.batch(late.records))
        assert refused.status_code == 503
        assert SOONEST_S <= int(refused.headers["Retry-After"]) <= LATEST_S
        assert proven(refused, late.me), "a refusal without proof could be a portal's"
        assert msgspec.json.decode(refused.content, type=Problem).code == "busy"
        let_go()
        assert [push.result(LONG_S).status_code for push in pushes] == [200, 200]
        assert late.push().hwm == 1
    assert count(cloud, tables.journal) == count(cloud, tables.sale) == 3


def test_while_pushes_are_refused_all_else_is_served(
    cloud: Cloud, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with under_load(cloud, client, monkeypatch) as (tills, _, _let_go):
        assert client.get("/v1/health").json()["ready"]
        assert client.get("/healthz").text == "ok"
        till = tills[2]
        page = client.get("/v1/sync/pull?stream=config", headers=till.headers())
        assert page.status_code == 200
        told = client.get(
            "/metrics", headers={"Authorization": f"Bearer {cloud.keys.metrics_token()}"}
        )
        assert "guidepos_pushes_waiting 1.0" in told.text


def test_a_device_that_repeats_itself_takes_no_more_than_its_share(
    cloud: Cloud, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    till = enrolled(client, new_code(cloud))
    till.write("sale", a_sale())
    monkeypatch.setattr(
        cloud.admission, "_limits", replace(TIGHT, pushes_waiting=50, pushes_of_a_device=1)
    )
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(till.send_push, till.batch(till.records))
        assert held.inside.acquire(timeout=LONG_S)
        again = till.send_push(till.batch(till.records))
        held.let_go()
        assert (again.status_code, first.result(LONG_S).status_code) == (429, 200)
    assert till.push().results[0].verdict == "duplicate"


def test_a_device_that_asks_without_end_is_slowed_and_no_other_is(
    settings: Settings, clock: Clock
) -> None:
    eager = replace(settings, limits=Limits(requests_per_s=0.001, requests_at_once=3))
    opened = fresh_cloud(eager, clock=clock)
    with running(app_of(opened)) as client:
        one, other = (enrolled(client, new_code(opened)) for _ in range(2))

        def ask(till: Device) -> httpx.Response:
            return client.get("/v1/sync/pull?stream=config", headers=till.headers())

        assert [ask(one).status_code for _ in range(4)] == [200, 200, 200, 429]
        refused = ask(one)
        assert int(refused.headers["Retry-After"]) >= SOONEST_S
        assert proven(refused, one.me)
        assert ask(other).status_code == 200


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_who_is_refused_hears_it_also_in_the_middle_of_a_large_body(
    settings: Settings, clock: Clock
) -> None:
    """Over a real socket: a line that is closed while the till sends looks like a broken one."""
    opened = fresh_cloud(replace(settings, limits=Limits(uploads=0)), clock=clock)
    with (
        served(app_of(opened)) as address,
        client_of(address, timeout=LONG_S) as client,
    ):
        till = enrolled(client, new_code(opened))
        for headers, status in ((till.headers(), b"503"), ({}, b"401")):
            assert _answer_to(address, headers, b" " * 8_000_000).split(b" ")[1] == status


def _answer_to(address: str, headers: dict[str, str], body: bytes) -> bytes:
    """Push like a client that sends all before it listens; return the first of the answer."""
    place = httpx.URL(address)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST /v1/sync/push HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((place.host, place.port or 80), LONG_S) as line:
        line.sendall(head.encode() + body)
        return line.recv(4_096)


def test_an_allowance_grows_back_and_is_forgotten_when_full() -> None:
    now = [0.0]
    refusals: list[str] = []
    door = Admission(
        Limits(requests_per_s=2, requests_at_once=4),
        on_refusal=refusals.append,
        monotonic=lambda: now[0],
    )
    for _ in range(4):
        door.allow("d")
    with pytest.raises(Refused) as caught:
        door.allow("d")
    assert (caught.value.status, refusals) == (429, ["device_rate"])
    now[0] = 1.0
    door.allow("d")
    door.allow("d")
    with pytest.raises(Refused):
        door.allow("d")


def test_too_many_uploads_are_refused_before_a_byte_is_read() -> None:
    door = Admission(Limits(uploads=1), draw=lambda low, high: high)
    with door.upload(), pytest.raises(Refused) as caught, door.upload():
        pass
    assert (caught.value.status, caught.value.retry_after_s) == (503, LATEST_S)
    with door.upload():
        pass


def test_two_refused_at_once_come_again_at_different_moments() -> None:
    door = Admission(Limits(uploads=0))
    moments = set()
    for _ in range(200):
        with pytest.raises(Refused) as caught, door.upload():
            pass
        moments.add(caught.value.retry_after_s)
    assert moments == set(range(SOONEST_S, LATEST_S + 1))


def test_a_push_that_fails_gives_its_place_back() -> None:
    async def pushes() -> list[int]:
        door = Admission(Limits(pushes_at_work=1, pushes_of_a_device=1))

        def fail() -> int:
            raise ZeroDivisionError

        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await door.push("d", fail)
        return [await door.push("d", lambda: 1), door.waiting]

    assert anyio.run(pushes) == [1, 0]


def test_the_document_says_who_may_be_sent_away(client: Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            if not path.startswith("/v1/"):
                continue
            answers = operation["responses"]
            assert "503" in answers, f"{method} {path}"
            if operation.get("security"):
                assert "Retry-After" in answers["429"]["headers"], f"{method} {path}"
                assert "Retry-After" in answers["503"]["headers"], f"{method} {path}"
