"""Several workers on one PostgreSQL: one cloud to whoever asks, and none left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from app.wire.messages import News
from cloud.bootstrap import Cloud
from cloud.db import tables
from cloud.settings import Settings
from tests.cloud.books import count
from tests.cloud.conftest import new_code
from tests.cloud.device import Device, a_sale, enrolled
from tests.cloud.program import LONG_S, ROOT, Program, command, program
from tests.cloud.served import client_of

on_postgresql = [
    pytest.mark.postgres,
    pytest.mark.parametrize("settings", ["postgres"], indirect=True),
]


def children_of(parent: int) -> set[int]:
    """Return the workers of a program: its children that serve."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if int(state[1]) == parent and state[0] != "Z" and b"spawn_main" in line:
                found.add(int(entry.name))
    return found


def until(true: Callable[[], object]) -> None:
    """Wait for another process to get somewhere."""
    tick = threading.Event()
    for _ in range(LONG_S * 50):
        if true():
            return
        tick.wait(0.02)
    raise AssertionError("it never came true")


@pytest.fixture
def two(cloud: Cloud, tmp_path: Path) -> Iterator[Program]:
    with program(cloud.settings, "--workers", "2", log=tmp_path / "log") as running:
        yield running


def served_by(running: Program) -> set[int]:
    return children_of(running.process.pid)


class TestWorkers:
    pytestmark = on_postgresql

    def test_tills_at_different_workers_see_one_cloud_and_its_figures(
        self, cloud: Cloud, two: Program
    ) -> None:
        # A connection stays with its worker; among so many there are some of both.
        clients = [client_of(two.address, timeout=LONG_S) for _ in range(12)]
        tills = [enrolled(client, new_code(cloud)) for client in clients]
        streams = [_listening(till) for till in tills[1:]]
        assert {next(stream).kind for stream in streams} == {"hello"}
        tills[0].write("sale", a_sale())
        assert tills[0].push().hwm == 1
        for stream in streams:
            while (news := next(stream)).kind == "hello":
                pass
            assert news == News(kind="reference", subject="stock")
            stream.close()
        for till in tills[1:]:
            till.write("sale", a_sale())
            till.push()
        assert count(cloud, tables.sale) == 12
        token = {"Authorization": f"Bearer {cloud.keys.metrics_token()}"}
        told = clients[0].get("/metrics", headers=token).text
        for figure in (
            'guidepos_records_total{verdict="applied"} 12.0',
            "guidepos_exceptions_open 0.0",
            "guidepos_feed_fence_lag_seconds ",
        ):
            assert figure in told
        for client in clients:
            client.close()

    def test_a_worker_that_dies_is_replaced_and_sigterm_ends_all(self, two: Program) -> None:
        before = served_by(two)
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        until(lambda: len(served_by(two)) == 2 and served_by(two) != before)
        until(lambda: _answers(two))
        workers = served_by(two)
        two.process.send_signal(signal.SIGTERM)
        assert two.ended() == 0
        assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]

    def test_workers_end_with_a_parent_that_was_killed(self, two: Program) -> None:
        workers = served_by(two)
        two.process.kill()
        two.ended()
        until(lambda: not [pid for pid in workers if _lives(pid)])

    def test_one_worker_at_a_time_sweeps(self, cloud: Cloud) -> None:
        with cloud.db.alone(7) as first, cloud.db.alone(7) as second:
            assert (first, second) == (True, False)
        with cloud.db.alone(7) as again:
            assert again


def test_sqlite_serves_from_one_process_and_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        command(Settings(data=tmp_path), "--workers", "2"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=False,
    )
    assert done.returncode == 1
    assert "SQLite serves from one process" in done.stderr
    assert done.stderr.count("\n") == 1


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _answers(running: Program) -> bool:
    try:
        answer = httpx.get(f"{running.address}/v1/health", timeout=5)
    except httpx.TransportError:
        return False
    return bool(json.loads(answer.content)["ready"])


def _listening(till: Device) -> Generator[News, None, None]:
    assert isinstance(till.client, httpx.Client)
    with till.client.stream("GET", "/v1/live", headers=till.headers()) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                yield msgspec.json.decode(line[6:], type=News)
