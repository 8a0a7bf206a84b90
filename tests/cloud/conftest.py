"""A cloud per test, on SQLite and, where its programs are installed, on real PostgreSQL."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from cloud.bootstrap import Cloud, wall_clock
from cloud.db.engine import open_database
from cloud.db.schema import migrate
from cloud.main import app_of
from cloud.services.enrol import make_enrol_code
from cloud.settings import Settings
from tests.cloud.device import Device, enrolled
from tests.cloud.inprocess import Client, running
from tests.cloud.offline import OfflineTill, publish
from tests.cloud.paying import Shop, Shown, Till, open_shop
from tests.cloud.postgres import binaries, private_server
from tests.cloud.routing import UnroutedError, watched
from tests.cloud.template import fresh_cloud
from tests.cloud.tillside import push_sale, sold, task_of
from tests.cloud.worlds import World, open_world


@pytest.fixture(autouse=True)
def unrouted() -> Iterator[list[UnroutedError]]:
    """Let no test of the cloud pass in which it would have asked all machines of a cluster."""
    with watched() as found:
        yield found
    assert found == []


class Clock:
    """The server's clock, which a test may move."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def __call__(self) -> int:
        return wall_clock() + self.ahead_ms


class Enrol(Protocol):
    """Enrols a fresh till at a store."""

    def __call__(self, store: str = "S001") -> Device: ...


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a private PostgreSQL server, with a database that is already migrated."""
    bin_dir = binaries()
    if bin_dir is None:
        pytest.skip("PostgreSQL is not installed")
    with private_server(bin_dir) as url:
        _create_database(url, MIGRATED, "template0")
        with tempfile.TemporaryDirectory() as data:
            db = open_database(Settings(data=Path(data), db_url=_beside(url, MIGRATED)))
            migrate(db)
            db.close()
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of an empty, migrated PostgreSQL database; it goes away with the test."""
    with migrated_database(postgres_server) as url:
        yield url


@pytest.fixture
def bare_postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of a PostgreSQL database without a single table."""
    with _database(postgres_server, f"bare_{next(_numbers)}", "template0") as url:
        yield url


@contextmanager
def migrated_database(server: str) -> Iterator[str]:
    """Yield the URL of an empty, migrated database; it goes away with the block."""
    with _database(server, f"shop_{next(_numbers)}", MIGRATED) as url:
        yield url


MIGRATED = "migrated"
_numbers = itertools.count(1)


@contextmanager
def _database(server: str, name: str, template: str) -> Iterator[str]:
    _create_database(server, name, template)
    yield _beside(server, name)
    _command(server, f"DROP DATABASE {name} WITH (FORCE)")


def _create_database(server: str, name: str, template: str) -> None:
    _command(server, f"CREATE DATABASE {name} TEMPLATE {template}")


def _command(server: str, sql: str) -> None:
    admin = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.exec_driver_sql(sql)


def create_database(server: str) -> str:
    """Make a database with nothing in it; return its URL."""
    name = f"empty_{next(_numbers)}"
    _create_database(server, name, "template0")
    return _beside(server, name)


def _beside(server: str, name: str) -> str:
    return server.rsplit("/", 1)[0] + "/" + name


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of an empty cloud on each engine."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    return Settings(data=tmp_path / "cloud", db_url=url, public_url="http://shop.example")


@pytest.fixture
def clock() -> Clock:
    """The server's clock."""
    return Clock()


@pytest.fixture
def cloud(settings: Settings, clock: Clock) -> Iterator[Cloud]:
    """An open cloud."""
    opened = fresh_cloud(settings, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def app(cloud: Cloud) -> FastAPI:
    """The application of the cloud, which is not running yet."""
    return app_of(cloud)


@pytest.fixture
def client(app: FastAPI) -> Iterator[Client]:
    """A client of the running application."""
    with running(app) as started:
        yield started


@pytest.fixture
def enrol(cloud: Cloud, client: Client) -> Enrol:
    """Enrols tills."""

    def at(store: str = "S001") -> Device:
        return enrolled(client, new_code(cloud, store))

    return at


@pytest.fixture
def device(enrol: Enrol) -> Device:
    """A till of the store S001, signed in."""
    return enrol()


@pytest.fixture
def shop(cloud: Cloud) -> Iterator[Shop]:
    """The cloud over real sockets, as a shop finds it."""
    with open_shop(cloud) as opened:
        yield opened


@pytest.fixture
def till(shop: Shop) -> Till:
    """A till of the shop's store S001."""
    return shop.till()


@pytest.fixture
def shown(shop: Shop, till: Till) -> Shown:
    """An order on the till's screen."""
    return till.show(shop.client)


@pytest.fixture
def paid(shop: Shop, till: Till) -> Shown:
    """A sale that was paid in time, and is in the journal."""
    shown = till.show(shop.client)
    shop.paying(shown).tap("/approve")
    assert shown.view().state == "confirmed"
    push_sale(till, sold(shown))
    return shown


@pytest.fixture
def late(shop: Shop, till: Till) -> Shown:
    """Money that came after its order was closed; it is a task of the store."""
    shown = till.show(shop.client)
    phone = shop.paying(shown)
    here = phone.here
    assert here is not None
    shown.cancel()
    phone.open(str(here.url))
    phone.tap("/late")
    assert shown.view().anomalies == ["late"]
    assert task_of(shop, shown).code == "late"
    return shown


@pytest.fixture
def offline(shop: Shop, till: Till) -> OfflineTill:
    """The till, which heard of all prices a moment ago and is offline since."""
    publish(shop)
    return OfflineTill(till, shop, shop.cloud.clock())


@pytest.fixture
def world(tmp_path: Path, clock: Clock) -> Iterator[World]:
    """A shop with accounts at both make-believe providers. Their side does not depend on the engine."""
    with open_world(tmp_path / "cloud", clock) as opened:
        yield opened


def new_code(cloud: Cloud, store: str = "S001") -> str:
    """Return a fresh enrolment code."""
    return cloud.db.write(
        lambda connection: make_enrol_code(connection, store, now_ms=cloud.clock(), minutes=60)
    ).code
