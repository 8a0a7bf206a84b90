"""Certificates that are not the cloud's, or not valid by this tablet's clock: refused before a byte of ours
travels; the queue is kept, and leaves as soon as the certificate is right again."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.errors import Code
from tests.torture.proxy.authority import DAY, Authority, new_authority
from tests.torture.proxy.line import Line, line_to
from tests.torture.proxy.shop import Shop, Till, engine_of, open_shop
from tests.torture.tally import Tally

HOST = "cloud.example"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("tls")) as opened:
        yield opened


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority this machine trusts, and the cloud's name leading to this machine."""
    made = new_authority(tmp_path, "trusted")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(made.bundle))
    monkeypatch.setenv("NO_PROXY", HOST)
    look_up = socket.getaddrinfo

    def at_home(host: Any, *rest: Any, **more: Any) -> Any:
        return look_up("127.0.0.1" if host == HOST else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", at_home)
    return made


def at(line: Line) -> str:
    return f"https://{HOST}:{line.own_port}"


Present = Callable[[Authority, Path], Any]

BAD: dict[str, tuple[Code, Present]] = {
    "expired, or the tablet's clock is ahead": (
        Code.CLOCK_WRONG,
        lambda ca, home: ca.server(HOST, begins=-20 * DAY, ends=-DAY),
    ),
    "not valid yet, or the tablet's clock is behind": (
        Code.CLOCK_WRONG,
        lambda ca, home: ca.server(HOST, begins=DAY),
    ),
    "of another host": (Code.CLOUD_NOT_OURS, lambda ca, home: ca.server("mall.example")),
    "of an unknown authority": (
        Code.CLOUD_NOT_OURS,
        lambda ca, home: new_authority(home, "stranger").server(HOST),
    ),
    "of an unknown authority and out of its dates": (
        Code.CLOUD_NOT_OURS,
        lambda ca, home: new_authority(home, "stranger").server(HOST, ends=timedelta(hours=-1)),
    ),
}


@pytest.mark.fault(
    19, "offline, with the hint to check the tablet's date and time where that may be it"
)
@pytest.mark.parametrize("what", BAD)
def test_a_bad_certificate_is_refused_and_the_queue_is_kept(
    shop: Shop, trusted: Authority, tmp_path: Path, what: str
) -> None:
    code, present = BAD[what]
    prove = shop.cloud.keys.prove
    with line_to(shop.port, prove=prove, tls=present(trusted, tmp_path)) as bad:
        till = shop.till()
        till.engine = engine_of(till.store, at(bad), till.clock)
        till.work(3)
        waiting = till.waiting()
        for _ in range(2):
            report = till.sync()
            assert report.trouble is not None
            assert (report.trouble.code, report.trouble.retryable) == (code, True)
        assert till.waiting() == waiting
        assert bad.seen == [], "something was said to a stranger"
    with line_to(shop.port, prove=prove, tls=trusted.server(HOST)) as good:
        till.engine = engine_of(till.store, at(good), till.clock)
        assert till.drain().trouble is None
        judged(shop, till)
        assert good.seen


def test_a_certificate_that_is_mended_needs_no_restart(
    shop: Shop, trusted: Authority, tmp_path: Path
) -> None:
    """The same engine, the same line: first an expired certificate, then a good one."""
    expired = trusted.server(HOST, begins=-20 * DAY, ends=-DAY)
    with line_to(shop.port, prove=shop.cloud.keys.prove, tls=expired) as line:
        till = shop.till(line=line)
        till.engine = engine_of(till.store, at(line), till.clock)
        till.work(2)
        report = till.sync()
        assert report.trouble is not None
        assert report.trouble.code is Code.CLOCK_WRONG
        line.tls = trusted.server(HOST)
        assert till.drain().trouble is None
        judged(shop, till)


def judged(shop: Shop, till: Till) -> None:
    tally = Tally("proxy")
    shop.judge(till, tally)
    assert tally.is_clean
