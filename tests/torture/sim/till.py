"""One till: data, a clock, a process that may die, and the product's own sync engine and timetable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from app.domain.facts import Fact, fact_id
from app.errors import Code, Trouble
from app.ports import Identity, SyncStatus, UnitOfWork
from app.remote.http import Question
from app.remote.sync import CloudSync
from app.sync.engine import SyncEngine
from app.sync.enrol import TillDescription, enrol
from app.sync.epochs import RESTORED_STATE
from app.sync.report import SyncReport
from app.sync.schedule import Timetable
from app.wire.journal import record_hash
from app.wire.messages import EnrolAnswer, EnrolRequest, KeySet, MemberChange
from tests.fakes.clock import FakeClock
from tests.torture.sim import memory
from tests.torture.sim.cloud import PUBLIC_URL
from tests.torture.sim.network import Line, Network
from tests.torture.sim.store import SimStore

if TYPE_CHECKING:
    from sqlite3 import Connection

T = TypeVar("T")

KEEP_DAYS = 30
"""The fewest days SYNC.md lets a till keep its records; a shop keeps them longer."""

_DESCRIBED = TillDescription(platform="sim", app_version="1", protection="file")


Copy = tuple[str, bytes]
"""A record as a file may hold it: its id and its body."""


@dataclass(frozen=True, slots=True)
class Row:
    """A journal row as it lies in a till's file. `sound`: its hash is that of its bytes."""

    epoch: str
    seq: int
    rec_id: str
    body: bytes
    hash: bytes
    sound: bool


class SimTill:
    """A till that is switched on. What it holds is in `data` and survives `restart`."""

    def __init__(self, data: Connection, network: Network, clock: FakeClock) -> None:
        self.data, self.network, self.clock = data, network, clock
        self.code = ""
        self.backups: list[Connection] = []
        self.damaged: set[Copy] = set()
        """Records of which this file's copy, or one of its copies, lost a bit."""
        self._boots = 0
        self.restart()

    def restart(self) -> None:
        """Start the program anew on what the file holds."""
        self._boots += 1
        self.clock.boot_id = f"boot-{self._boots}"
        self.store = SimStore(self.data, self.clock)
        self.line = Line(self.network, self.identity.device)
        line = CloudSync(self.line)  # type: ignore[arg-type] # asked in the same way
        self.engine = SyncEngine(self.store, line, self.clock, app_version="1", keep_days=KEEP_DAYS)
        self.timetable = Timetable()

    @property
    def identity(self) -> Identity:
        """Who it is now."""
        return self.do(lambda uow: uow.identity())

    @property
    def status(self) -> SyncStatus:
        """How far behind the cloud it is."""
        return self.store.reader.sync_status()

    def do(self, job: Callable[[UnitOfWork], T]) -> T:
        """Run a job of the store and wait for it."""
        return self.store.run(job).result()

    # --- what a guide does ------------------------------------------------------------------------

    def record(self, fact: Fact) -> str:
        """Record a fact and return its id."""
        self.do(lambda uow: uow.record(fact))
        return fact_id(fact)

    def change_member(self, change: MemberChange) -> None:
        """Change a member here; the change is queued."""
        self.do(lambda uow: uow.change_member(change))

    def settled_changes(self) -> set[str]:
        """Return the ids of changes that it keeps for a cloud that comes back from a backup."""
        rows = self.data.execute("SELECT change_id FROM member_settled").fetchall()
        return {change_id for (change_id,) in rows}

    def enrol(self, new_code: Callable[[], str]) -> bool:
        """Become a device of the cloud; False if the answer did not come. The code is used again then."""
        self.code = self.code or new_code()
        try:
            enrol(
                self.store,
                _FirstContact(self.line),
                code=self.code,
                store_key=bytes(32),
                cloud_url=PUBLIC_URL,
                till=_DESCRIBED,
            )
        except Trouble as trouble:
            if trouble.code is Code.ENROL_CODE_INVALID:
                self.code = ""  # a restored cloud does not know it: people make another
            return False
        self.code = ""
        self.restart()
        return True

    # --- what the sync thread does ----------------------------------------------------------------

    def sync(
        self, draw: Callable[[float, float], float], *, hurried: bool = False
    ) -> SyncReport | None:
        """Run a round if one is due, as the worker does after a sale; None if it is not.

        `hurried` is a person who wants one, which only a wait the cloud asked for can keep.
        """
        now = self.clock.monotonic()
        if self.timetable.due_at(hurried=hurried, woken=True) > now:
            return None
        hello = self.timetable.hello_due(now)
        pull = self.timetable.pull_due(now, hurried=hurried)
        report = self.engine.run(hello=hello, pull=pull)
        self._plan(report, pulled=pull, draw=draw)
        return report

    def hear(self, stream: str) -> SyncReport:
        """Follow what the cloud told of, and send what there is, as the worker does on a hint."""
        return self.engine.run(hello=False, pull=False, streams=(stream,))

    def _plan(
        self, report: SyncReport, *, pulled: bool, draw: Callable[[float, float], float]
    ) -> None:
        now, trouble = self.clock.monotonic(), report.trouble
        if trouble is None:
            said = report.said_hello
            self.timetable = self.timetable.after_success(now, said_hello=said, pulled=pulled)
            return
        asked = trouble.facts.get("retry_after_s")
        self.timetable = self.timetable.after_trouble(
            now,
            draw,
            retryable=trouble.retryable,
            retry_after_s=asked if isinstance(asked, int) else 0,
        )

    # --- what happens to its data -----------------------------------------------------------------

    def back_up(self) -> None:
        """Put a copy aside; two are kept."""
        self.backups.append(memory.copy_of(self.data))
        del self.backups[:-2]

    def restore(self, which: int, *, knowingly: bool) -> None:
        """Let the file be an older copy of itself, and start.

        `knowingly`: by the program's own restore, which leaves a mark; otherwise behind its back.
        """
        memory.overwrite(self.data, self.backups[which])
        if knowingly:
            self.do(lambda uow: uow.set_state(RESTORED_STATE, "1"))
        self.restart()

    def clone(self) -> SimTill:
        """Return another tablet with a copy of this one's data."""
        clock = FakeClock(self.clock.wall_ms)
        clock.server_at_start = None
        other = SimTill(memory.copy_of(self.data), self.network, clock)
        other.code, other.damaged = self.code, set(self.damaged)
        return other

    def flip_a_bit(self, row: int, column: str, at: int) -> None:
        """Let a journal row lose a bit, behind its triggers."""
        rows = [row for row in self.journal() if row.sound]
        if not rows:
            return
        hit = rows[row % len(rows)]
        key = (hit.epoch, hit.seq)
        where = "WHERE epoch = ? AND seq = ?"
        (found,) = self.data.execute(f"SELECT {column} FROM journal {where}", key).fetchone()
        if not found:
            return
        spoilt = bytearray(found)
        spoilt[at % len(spoilt)] ^= 1 << at % 8
        trigger = "SELECT sql FROM sqlite_master WHERE name = 'journal_no_update'"
        (guard,) = self.data.execute(trigger).fetchone()
        self.data.execute("DROP TRIGGER journal_no_update")
        self.data.execute(f"UPDATE journal SET {column} = ? {where}", (bytes(spoilt), *key))
        self.data.execute(guard)
        self.damaged.add((hit.rec_id, hit.body))

    def whole(self) -> set[Copy]:
        """Return the records of which no copy here is known to be damaged."""
        return {(row.rec_id, row.body) for row in self.journal() if row.sound} - self.damaged

    def journal(self) -> Iterator[Row]:
        """Yield every row of every epoch, and whether it is whole."""
        rows = self.data.execute(
            "SELECT epoch, seq, rec_id, header, prev_hash, hash, body FROM journal ORDER BY rowid"
        )
        for epoch, seq, rec_id, header, prev, hash_, body in rows.fetchall():
            sound = record_hash(header, prev, body) == hash_
            yield Row(epoch, seq, rec_id, body, hash_, sound)

    def close(self) -> None:
        """Let go of all memory."""
        self.data.close()
        for backup in self.backups:
            backup.close()


class _FirstContact:
    """The port `Enrolment` on a till's line."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def keys(self) -> KeySet:
        """Ask for the cloud's keys."""
        return self._line.ask(Question("GET", "/v1/keys"), KeySet)

    def enrol(self, request: EnrolRequest) -> EnrolAnswer:
        """Use the code."""
        return self._line.ask(Question("POST", "/v1/enrol", request), EnrolAnswer)
