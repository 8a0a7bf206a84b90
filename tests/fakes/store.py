"""The store's side of sync in memory: a real journal, an outbox, cursors and members. No SQL.

Only what sync and enrolment ask of `Store` and `UnitOfWork` is here; everything else is tested on
real files. A job that raises leaves nothing behind, as a rolled back transaction would.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TypeVar

import msgspec

from app.domain.facts import Fact, fact_id
from app.domain.ids import new_epoch, new_id
from app.domain.times import Moment
from app.ports import (
    Identity,
    JournalMark,
    Priority,
    Reader,
    UnitOfWork,
    Unsent,
)
from app.wire.bodies import EpochOpenedV1
from app.wire.codec import encode
from app.wire.journal import (
    VERSION,
    Chain,
    Damaged,
    Header,
    Kept,
    Record,
    header_bytes,
    journal_again,
    make_record,
    read_chain,
)
from app.wire.messages import (
    EnrolAnswer,
    MemberChange,
    MembersPushAnswer,
    PublicKey,
)
from app.wire.upkeep import DayBooks, EpochAnswer
from app.wire.versions import SCHEMA
from tests.fakes.account import FakeAccount

T = TypeVar("T")

_COPIED = (
    *("records", "states", "cursors", "members", "changes", "refused", "pinned", "alarms"),
    *("feed_states", "begun"),
)


@dataclass
class FakeUnitOfWork(FakeAccount):
    """What one till holds. Methods are those of the port `UnitOfWork` that sync asks for."""

    who: Identity
    records: list[Record] = field(default_factory=list)
    received: int = 0
    states: dict[str, str] = field(default_factory=dict)
    changes: list[MemberChange] = field(default_factory=list)
    refused: list[MemberChange] = field(default_factory=list)
    key: bytes = b""
    pinned: dict[str, bytes] = field(default_factory=dict)
    ended: tuple[JournalMark, ...] = ()
    durable: int = 0
    revoked: bool = False
    alarms: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def chain(self) -> Chain:
        return Chain(self.who.tenant, self.who.store, self.who.device, self.who.epoch)

    def record(self, fact: Fact) -> JournalMark:
        kind, body = encode(fact)
        prev = self.records[-1].hash if self.records else self.chain.genesis()
        header = replace(
            _header(self.who, fact.at),
            seq=len(self.records) + 1,
            rec_id=fact_id(fact),
            kind=kind,
            schema_ver=SCHEMA[kind],
            actor=fact.actor,
        )
        self.records.append(make_record(header, prev, body))
        return self.head()

    def state(self, key: str) -> str:
        return self.states.get(key, "")

    def set_state(self, key: str, value: str) -> None:
        self.states[key] = value
        if not value:
            del self.states[key]

    def change_member(self, change: MemberChange) -> None:
        self.changes.append(change)

    def identity(self) -> Identity:
        return self.who

    def is_revoked(self) -> bool:
        return self.revoked

    def set_revoked(self, revoked: bool) -> None:
        self.revoked = revoked
        if revoked:
            self.members = {}
            self.cursors.pop("members", None)

    def device_key(self) -> bytes:
        return self.key

    def device_secret(self) -> bytes:
        return self.secret

    def cloud_keys(self) -> dict[str, bytes]:
        return dict(self.pinned)

    def enrol(self, answer: EnrolAnswer, device_key: bytes, cloud_url: str) -> Identity:
        self.who = Identity(
            tenant=answer.tenant,
            store=answer.store,
            device=answer.device,
            device_code=answer.device_code,
            epoch=answer.epoch,
            epoch_ordinal=answer.epoch_ordinal,
            enrolled=True,
            public_url=answer.public_url,
            timeline=answer.timeline,
            cloud_url=cloud_url,
        )
        self.key, self.secret = device_key, answer.secret
        self.pinned = {key.kid: key.key for key in answer.keys.signing}
        old, self.records, self.received = self.records, [], 0
        prev = self.chain.genesis()
        for seq, record in enumerate(old, 1):
            self.records.append(journal_again(record, self.chain, seq, prev))
            prev = self.records[-1].hash
        return self.who

    def head(self) -> JournalMark:
        return self._mark(len(self.records))

    def acked(self) -> JournalMark:
        return self._mark(self.received)

    def unsent(self, *, max_records: int, max_bytes: int) -> Unsent:
        batch: list[Record | Damaged] = []
        size = 0
        kept = [
            Kept(r.seq, header_bytes(r.header), r.prev_hash, r.hash, r.body)
            for r in self.records[self.received :]
        ]
        mark = self.acked()
        for place in read_chain(kept, mark.epoch, mark.hash, mark.seq):
            size += len(place.body)
            if len(batch) == max_records or (batch and size > max_bytes):
                break
            batch.append(place)
        return Unsent(mark.hash, tuple(batch))

    def mark_received(self, seq: int, hash_: bytes, at_ms: int) -> bool:
        if seq > len(self.records) or self._mark(seq).hash != hash_:
            return False
        self.received = seq
        return True

    def raise_alarm(self, code: str, subject: str, detail: str, at_ms: int) -> None:
        self.alarms[code, subject] = detail

    def give_back(self, places: Sequence[JournalMark]) -> tuple[Record, ...]:
        wanted = {place.hash for place in places}
        kept = [r for r in self.records if r.hash in wanted]
        return tuple(r for r in kept if make_record(r.header, r.prev_hash, r.body) == r)

    def note_durable(self, seq: int) -> None:
        self.durable = seq

    def prune(self, before_ms: int, most: int) -> int:
        return 0  # what may go is tested on real files

    def epoch_marks(self) -> tuple[JournalMark, ...]:
        return (self.acked(), *self.ended)

    def open_epoch(self, answer: EpochAnswer, reason: str, at: Moment) -> None:
        if self.who.epoch == answer.epoch:
            return
        ended, old = self.acked(), self.records
        proven = self._proven(answer)
        self.ended = (ended, *self.ended)
        self.who = replace(
            self.who,
            epoch=answer.epoch,
            epoch_ordinal=answer.ordinal,
            timeline=answer.timeline,
        )
        opened = EpochOpenedV1(
            id=new_id(),
            reason=reason,
            old_epoch=ended.epoch,
            old_seq=len(old),
            old_hash="",
        )
        header = replace(
            old[0].header if old else _header(self.who, at),
            epoch=answer.epoch,
            seq=1,
            rec_id=opened.id,
            kind="epoch_opened",
        )
        body = msgspec.json.encode(opened)
        self.records, self.received = [make_record(header, self.chain.genesis(), body)], 0
        for record in old[proven:]:
            if record.header.kind != "epoch_opened":
                prev = self.records[-1]
                again = journal_again(record, self.chain, prev.seq + 1, prev.hash)
                self.records.append(again)
        self.states["restored"] = self.states["epoch.request"] = ""

    def _proven(self, answer: EpochAnswer) -> int:
        for mark in answer.held:
            if mark.epoch == self.who.epoch:
                ours = mark.hwm <= len(self.records) and self._mark(mark.hwm).hash.hex()
                if ours == mark.hwm_hash:
                    return mark.hwm
                return self.received if mark.at_mark == self.acked().hash.hex() else 0
        return 0

    def pin_cloud(self, timeline: str, keys: Sequence[PublicKey]) -> None:
        self.who = replace(self.who, timeline=timeline)
        if keys:
            self.pinned = {key.kid: key.key for key in keys}

    def day_books(self, since: str) -> tuple[DayBooks, ...]:
        return ()

    def member_queue(self, limit: int) -> tuple[MemberChange, ...]:
        return tuple(self.changes[:limit])

    def settle_members(self, answer: MembersPushAnswer) -> None:
        settled = {verdict.change_id for verdict in answer.verdicts}
        self.changes = [change for change in self.changes if change.change_id not in settled]

    def set_member_change_aside(self, change_id: str, code: str, at_ms: int) -> None:
        self.refused += [change for change in self.changes if change.change_id == change_id]
        self.changes = [change for change in self.changes if change.change_id != change_id]

    def retry_refused_members(self) -> None:
        self.changes, self.refused = [*self.changes, *self.refused], []

    def queue_settled_members(self, most: int) -> bool:
        return False  # what is kept and sent again is tested on real files

    def tidy_members(self) -> bool:
        return False

    def _mark(self, seq: int) -> JournalMark:
        hash_ = self.records[seq - 1].hash if seq else self.chain.genesis()
        return JournalMark(self.who.epoch, seq, hash_)


def _header(who: Identity, at: Moment) -> Header:
    """Return a header that says who and when, and not yet what."""
    return Header(
        v=VERSION,
        tenant=who.tenant,
        store=who.store,
        device=who.device,
        epoch=who.epoch,
        seq=1,
        rec_id="",
        kind="",
        schema_ver=1,
        t_device=at.wall_ms,
        t_mono=at.mono_ms,
        boot_id=at.boot_id,
        t_est_server=at.server_ms,
        t_quality=at.quality.value,
        actor="",
    )


class FakeStore:
    """The port `Store` for sync. Jobs run at once on the calling thread.

    `jobs` counts them; `before_job` may raise what a store in trouble raises, or kill a test's till.
    """

    def __init__(self) -> None:
        self.held = FakeUnitOfWork(Identity("", "local", "", "00", new_epoch(), 0, False))
        self.jobs = 0
        self.priorities: list[Priority] = []
        self.before_job: Callable[[int], None] = lambda number: None
        self.drain_only = False
        self._one_at_a_time = threading.RLock()
        self.copied: list[Record] = []

    @property
    def reader(self) -> Reader:
        raise NotImplementedError("sync writes its look-ups into jobs")

    def run(
        self, job: Callable[[UnitOfWork], T], *, priority: Priority = Priority.SCREEN
    ) -> Future[T]:
        answer: Future[T] = Future()
        with self._one_at_a_time:
            self._do(job, priority, answer)
        return answer

    def _do(self, job: Callable[[UnitOfWork], T], priority: Priority, answer: Future[T]) -> None:
        self.jobs += 1
        self.priorities.append(priority)
        work = copy.copy(self.held)
        for name in _COPIED:
            setattr(work, name, copy.copy(getattr(work, name)))
        work.rows = {stream: dict(rows) for stream, rows in work.rows.items()}
        work.came = {stream: dict(rows) for stream, rows in work.came.items()}
        try:
            self.before_job(self.jobs)
            result = job(work)  # type: ignore[arg-type] # the part of the port that sync asks for
        except BaseException as error:
            answer.set_exception(error)
        else:
            self.held = work
            answer.set_result(result)

    def damage(self, seq: int) -> None:
        """Change the body of a record behind everybody's back."""
        record = self.held.records[seq - 1]
        self.held.records[seq - 1] = replace(record, body=record.body + b" ")

    def sound_copies(self, damaged: Sequence[Damaged]) -> tuple[Record, ...]:
        wanted = {each.hash for each in damaged}
        return tuple(record for record in self.copied if record.hash in wanted)

    def verify_journal(self) -> int | None:
        raise NotImplementedError("the chain is verified on real files")

    def close(self) -> None:
        pass
