"""Transactions that the engine ends for its own reasons are run again: real deadlocks, real write skew."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from cloud.bootstrap import Cloud
from cloud.db import base, tables
from cloud.db.base import DEADLOCK_DETECTED, SERIALIZATION_FAILURE, Database
from cloud.db.tables import server_state
from cloud.settings import Settings
from tests.cloud.books import count
from tests.cloud.device import Device, a_sale

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.parametrize("settings", ["postgres"], indirect=True),
]
LONG_S = 60


@pytest.fixture
def retries(cloud: Cloud) -> list[str]:
    """The engine's reasons for every repeated transaction."""
    reasons: list[str] = []
    cloud.db.on_retry = reasons.append
    with cloud.db.begin() as connection:
        for name in ("left", "right"):
            connection.execute(server_state.insert().values(name=name, value="0"))
    return reasons


def add(connection: sa.Connection, name: str) -> None:
    raised = sa.cast(sa.cast(server_state.c.value, sa.Integer) + 1, sa.Text)
    connection.execute(
        sa.update(server_state).where(server_state.c.name == name).values(value=raised)
    )


def values(db: Database) -> dict[str, int]:
    def look(connection: sa.Connection) -> dict[str, int]:
        rows = connection.execute(
            sa.select(server_state).where(server_state.c.name.in_(("left", "right")))
        )
        return {row.name: int(row.value) for row in rows}

    return db.read(look)


def both(*works: Callable[[], object]) -> None:
    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(work) for work in works]:
            done.result(LONG_S)


def test_of_two_in_a_deadlock_one_is_run_again(cloud: Cloud, retries: list[str]) -> None:
    met = threading.Barrier(2)

    def crossing(first: str, second: str) -> Callable[[], None]:
        begun: list[bool] = []

        def work(connection: sa.Connection) -> None:
            add(connection, first)
            if not begun:  # the second time the other one is past
                begun.append(True)
                met.wait(LONG_S)
            add(connection, second)

        return lambda: cloud.db.write(work)

    both(crossing("left", "right"), crossing("right", "left"))
    assert retries == [DEADLOCK_DETECTED]
    assert values(cloud.db) == {"left": 2, "right": 2}


def test_of_two_that_cannot_be_put_in_an_order_one_is_run_again(
    cloud: Cloud, retries: list[str]
) -> None:
    met = threading.Barrier(2)
    serializable = sa.text("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")

    def copying(source: str, target: str) -> Callable[[], None]:
        begun: list[bool] = []

        def work(connection: sa.Connection) -> None:
            connection.execute(serializable)
            seen = connection.scalar(
                sa.select(server_state.c.value).where(server_state.c.name == source)
            )
            if not begun:
                begun.append(True)
                met.wait(LONG_S)
            new = str(int(seen or 0) + 1)
            connection.execute(
                sa.update(server_state).where(server_state.c.name == target).values(value=new)
            )

        return lambda: cloud.db.write(work)

    both(copying("left", "right"), copying("right", "left"))
    assert set(retries) == {SERIALIZATION_FAILURE}
    # As if one had run after the other: 0 → 1 on one side, and from there 2 on the other.
    assert sorted(values(cloud.db).values()) == [1, 2]


def test_what_fails_for_ever_is_raised_in_the_end(
    cloud: Cloud, retries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud.db.base.time.sleep", lambda seconds: None)

    def work(connection: sa.Connection) -> None:
        connection.execute(sa.text("DO $$ BEGIN RAISE SQLSTATE '40001'; END $$"))

    with pytest.raises(sa.exc.DBAPIError):
        cloud.db.write(work)
    assert retries == [SERIALIZATION_FAILURE] * (base.ATTEMPTS - 1)


def test_a_push_whose_connection_is_killed_is_busy_and_then_goes_through(
    cloud: Cloud, device: Device
) -> None:
    device.write("sale", a_sale())
    killed: list[bool] = []
    engine = cloud.db.engine

    @sa.event.listens_for(engine, "before_cursor_execute")
    def kill(connection: sa.Connection, _cursor, statement: str, *_: object) -> None:
        if "SAVEPOINT" in statement and not killed:
            killed.append(True)
            mine = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
            with sa.create_engine(engine.url, poolclass=sa.NullPool).connect() as other:
                other.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})

    refused = device.send_push(device.batch(device.records))
    assert (refused.status_code, killed) == (503, [True])
    assert "Retry-After" in refused.headers
    assert device.push().hwm == 1
    assert count(cloud, tables.sale) == count(cloud, tables.journal) == 1


def test_a_transaction_that_rests_too_long_is_ended_so_that_no_feed_stands_still(
    cloud: Cloud, settings: Settings
) -> None:
    def limits(connection: sa.Connection) -> dict[str, str]:
        rows = connection.execute(
            sa.text(
                "SELECT name, setting FROM pg_settings WHERE name IN "
                "('statement_timeout', 'idle_in_transaction_session_timeout')"
            )
        )
        return {row.name: row.setting for row in rows}

    assert cloud.db.read(limits) == {
        "statement_timeout": str(settings.statement_s * 1_000),
        "idle_in_transaction_session_timeout": str(settings.idle_transaction_s * 1_000),
    }


def test_a_connection_that_died_while_it_rested_is_replaced_unseen(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def backend(connection: sa.Connection) -> int:
        return int(connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one())

    monkeypatch.setattr("cloud.db.engine.RESTED_S", 0.0)
    dead = cloud.db.read(backend)
    with sa.create_engine(cloud.db.engine.url, poolclass=sa.NullPool).connect() as other:
        gone = sa.text("SELECT pg_terminate_backend(:pid, 30000)")
        other.execute(gone, {"pid": dead})
    assert cloud.db.read(backend) != dead
