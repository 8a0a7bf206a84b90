"""The same rows by the same statements, but without our code: how much the server could take.

What ingest writes for some hundred batches is noted once, then replayed by bare connections, one
process each, on a copy of the database in which none of it has happened yet.
"""

from __future__ import annotations

import multiprocessing
import pickle
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.ids import new_id
from app.wire.messages import EnrolRequest
from app.wire.tokens import seal
from benchmarks.fleet import SimulatedTill
from benchmarks.load import SALES
from benchmarks.postgresql import Place, enrol_code, opened
from cloud.api.sync import _read_push
from cloud.bootstrap import Cloud
from cloud.db import rows
from cloud.services.enrol import enrol
from cloud.services.ingest import ingest
from cloud.services.tokens import DevicePrincipal

CONNECTIONS = 4
_WRITES = ("INSERT", "UPDATE")


@dataclass(frozen=True, slots=True)
class Written:
    """One statement that writes: a COPY with its rows, or any other with its parameters."""

    sql: str
    parameters: Any = None
    types: tuple[str, ...] = ()
    rows: list[Sequence[Any]] = field(default_factory=list)


def rate(place: Place, batches: int) -> float:
    """Return how many sales a second bare connections write, on databases made for this and dropped."""
    name = f"bare_{new_id()[-8:]}"
    base = place.settings.db_url.rsplit("/", 1)[0]
    with place.admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}_noted")
    with opened(replace(place.settings, db_url=f"{base}/{name}_noted")) as noting:
        tills = [_enrolled(noting, f"S{turn}") for turn in range(CONNECTIONS)]
        noting.db.engine.dispose()
        with place.admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {name}_noted")
        each = batches // CONNECTIONS
        noted = [_noted(noting, till, each) for till in tills]
    try:
        return each * CONNECTIONS * SALES / _replayed(f"{base}/{name}", noted)
    finally:
        with place.admin.connect() as connection:
            for done in (name, f"{name}_noted"):
                connection.exec_driver_sql(f"DROP DATABASE {done} WITH (FORCE)")


def _enrolled(cloud: Cloud, store: str) -> tuple[SimulatedTill, DevicePrincipal]:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()

    code = enrol_code(cloud, store)

    def join(connection: sa.Connection) -> SimulatedTill:
        asked = EnrolRequest(
            handshake=1,
            code=code,
            device_key=public,
            escrow=seal(b"k" * 32, cloud.keys.published().escrow.key),
            platform="benchmark",
            app_version="0",
            protection="file",
        )
        me = enrol(connection, cloud.keys, asked, now_ms=cloud.clock(), public_url="http://x")
        return SimulatedTill(me, key, "")

    till = cloud.db.write(join)
    me = till.me
    return till, DevicePrincipal(me.tenant, me.store, me.device, me.device_code, public, False)


def _noted(
    cloud: Cloud, who: tuple[SimulatedTill, DevicePrincipal], batches: int
) -> list[list[Written]]:
    """Let ingest write batches and return what it wrote, by batch."""
    till, device = who
    noted: list[list[Written]] = []
    original = rows._copy

    def copy(
        connection: sa.Connection,
        sql: str,
        types: Sequence[str],
        first: Sequence[Any],
        given: Sequence[Sequence[Any]],
    ) -> None:
        kept = [(*first, *row) for row in given]
        noted[-1].append(Written(sql, None, tuple(types), kept))
        original(connection, sql, types, first, given)

    @sa.event.listens_for(cloud.db.engine, "before_cursor_execute")
    def other(_c: Any, _cursor: Any, sql: str, parameters: Any, *_: Any) -> None:
        if sql.lstrip().startswith(_WRITES):
            noted[-1].append(Written(sql, parameters))

    rows._copy = copy
    try:
        for body in till.batches(batches, SALES, random.Random(3)):
            noted.append([])
            epoch, records = _read_push(body, cloud.settings.max_body, device)
            cloud.db.write(
                lambda c, e=epoch, r=records: ingest(c, device, e, r, now_ms=cloud.clock())  # type: ignore[misc]
            )
    finally:
        rows._copy = original
        sa.event.remove(cloud.db.engine, "before_cursor_execute", other)
    return noted


def _replayed(url: str, noted: list[list[list[Written]]]) -> float:
    """Replay each list by a process of its own; return the seconds of the slowest."""
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(len(noted))
    took = spawn.Queue()
    processes = [
        spawn.Process(target=_replay, args=(url, pickle.dumps(batches), together, took))
        for batches in noted
    ]
    for process in processes:
        process.start()
    seconds = [float(took.get(timeout=600)) for _ in processes]
    for process in processes:
        process.join()
    return max(seconds)


def _replay(url: str, pickled: bytes, together: Any, took: Any) -> None:
    batches: list[list[Written]] = pickle.loads(pickled)  # noqa: S301 - our own, from a moment ago
    made = sa.make_url(url)
    server = {"host": made.host, "port": made.port, "user": made.username}
    with psycopg.connect(**server, dbname=made.database) as line:
        together.wait()
        started = time.perf_counter()
        for batch in batches:
            with line.cursor() as cursor:
                for written in batch:
                    _write(cursor, written)
            line.commit()
        took.put(time.perf_counter() - started)


def _write(cursor: psycopg.Cursor[Any], written: Written) -> None:
    if not written.types:
        cursor.execute(written.sql, written.parameters)
        return
    with cursor.copy(written.sql) as copy:
        copy.set_types(written.types)
        for row in written.rows:
            copy.write_row(row)
