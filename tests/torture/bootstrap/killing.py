"""One till that is filled by a real cloud and killed at random moments: while it fills, follows, sweeps
and, after the cloud was restored, fills again. It sells one piece in every life."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from app.devices.clock import SystemClock
from app.sync.engine import SyncEngine
from offline_store import OfflineStore, open_store
from tests.sync.clouds import ROOT, RealServer
from tests.sync.shop import figures, member_rows, sku_rows
from tests.sync.till import become_device
from tests.torture.tally import Failure, Tally

ROWS = 1_500
"""Of goods, figures and members each: some seconds of download."""
LONGEST_LIFE_S = 0.8
KILLED = "kill -9 during the first download"

PROGRAM = """
import sys
from pathlib import Path
from app.devices.clock import SystemClock
from app.sync.engine import SyncEngine
from offline_store import open_store
from tests.sync.clouds import line_to
from tests.sync.till import record

file, key, url = sys.argv[1:]
clock = SystemClock()
with open_store(Path(file), bytes.fromhex(key), clock) as store:
    engine = SyncEngine(store, line_to(url, store, clock), clock, app_version="0.2.0", snapshots=True)
    print("open", *record(store, clock, 1), flush=True)
    report = engine.run()
    assert report.trouble is None, report
    print("whole", flush=True)
"""


class Download:
    """The till, its cloud, and what it was promised."""

    def __init__(self, folder: Path, seed: int, tally: Tally) -> None:
        self.server = RealServer(folder / "cloud")
        self.file, self.key = folder / "till.db", os.urandom(32)
        self._seed, self._tally, self._clock = seed, tally, SystemClock()
        self._chance = random.Random(seed)
        self._sold: list[str] = []
        self._reached = (0, 0)

    def prepare(self) -> None:
        """Stock the cloud and enrol the till."""
        self.server.start()
        self.server.put_skus(sku_rows(ROWS))
        self.server.put_stock(figures(ROWS))
        self.server.put_members(member_rows(ROWS))
        with self._opened() as store:
            become_device(store, self.server.enrolment(), self.server.code())

    def live(self) -> None:
        """Let the till live until it is killed or its shop is here; then the cloud begins anew."""
        command = [sys.executable, "-c", PROGRAM, str(self.file), self.key.hex(), self.server.url]
        till = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert till.stdout is not None
        opened, *sold = till.stdout.readline().split()
        assert opened == "open"
        self._sold += sold
        with suppress(subprocess.TimeoutExpired):
            till.wait(self._chance.uniform(0, LONGEST_LIFE_S))
        till.send_signal(signal.SIGKILL)
        whole = till.stdout.read() == "whole\n"
        till.stdout.close()
        till.wait(30)
        self._tally.runs += 1
        self._tally.faults[KILLED] += not whole
        with self._opened() as store:
            self._look_back(store)

    def end(self) -> None:
        """Let the till run undisturbed and compare it with its cloud."""
        with self._opened() as store:
            line = self.server.line(store, self._clock)
            engine = SyncEngine(store, line, self._clock, app_version="0.2.0", snapshots=True)
            report = engine.run()
            rows = store.reader._connection.execute
            goods = dict(rows("SELECT sku_id, list_price FROM sku").fetchall())
            (found,) = rows("SELECT count(*) FROM member_search").fetchone()
            at_cloud = set(self.server.held(store))
            tally = self._tally
            tally.records += 3 * ROWS + len(self._sold)
            tally.lost += sum(row.sku_id not in goods for row in sku_rows(ROWS))
            tally.lost += abs(ROWS - found) + len(set(self._sold) - at_cloud)
            tally.altered += sum(row.list_price != goods.get(row.sku_id) for row in sku_rows(ROWS))
            tally.altered += len(report.mismatched) + wrong_accounts(store)
            tally.stuck += sum(not feed.is_whole for feed in store.reader.feeds())
            tally.stuck += store.reader.sync_status().unsent
            if report.trouble is not None or store.verify_journal() is not None:
                tally.failures.append(Failure(self._seed, f"{report.trouble}"))

    def _opened(self) -> OfflineStore:
        return open_store(self.file, self.key, self._clock)

    def _look_back(self, store: OfflineStore) -> None:
        """Rows that were stored must not be fetched again: what was reached never goes back."""
        feeds = store.reader.feeds()
        now = (sum(f.filling or f.complete for f in feeds), sum(f.taken for f in feeds))
        if now < self._reached:
            self._tally.failures.append(Failure(self._seed, f"{self._reached} became {now}"))
        self._reached = now
        if all(feed.is_whole for feed in feeds):
            self.server.void_cursors()


def wrong_accounts(store: OfflineStore) -> int:
    """Return how many feeds have a total, a count or a generation that their rows have not."""
    query = (
        "SELECT s.total, s.held, s.complete, coalesce(sum(r.sum), 0), count(r.key),"
        " coalesce(min(r.generation), s.complete) FROM feed_state s"
        " LEFT JOIN feed_row r ON r.feed_no = s.feed_no GROUP BY s.feed_no"
    )
    found = store.reader._connection.execute(query).fetchall()
    return sum(row[:3] != row[3:] for row in found)


def kill_and_resume(folder: Path, kills: int, tally: Tally) -> None:
    """Kill one till so many times and count what became of it."""
    download = Download(folder, tally.seed, tally)
    try:
        download.prepare()
        while tally.faults[KILLED] < kills:
            download.live()
        download.end()
    finally:
        download.server.close()
