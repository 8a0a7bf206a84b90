"""One till, two stores, two clouds: what must hold between a till and a cloud holds for the stand-ins
and for the real ones alike, the encrypted file and the served application included."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.devices.clock import SystemClock
from app.domain.ids import new_id
from app.errors import Code, Trouble
from app.ports import Clock, Store
from app.services.same_books import note_books, refuses_for_sure
from app.sync.engine import SyncEngine
from app.wire.messages import MemberChange
from offline_store import open_store
from tests.fakes.store import FakeStore
from tests.fakes.transport import BadLine, Fault
from tests.store.test_journal import tamper
from tests.sync.clouds import InMemory, RealServer, Side
from tests.sync.till import become_device, engine_of, record, stock


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    made = RealServer(tmp_path_factory.mktemp("cloud") / "data")
    made.start()
    yield made
    made.close()


@pytest.fixture(params=["memory", "server"])
def side(request: pytest.FixtureRequest) -> Side:
    if request.param == "memory":
        return InMemory()
    made: RealServer = request.getfixturevalue("server")
    return made


@dataclass
class Opened:
    """A store that may be closed and opened again, as a restart does."""

    file: Path | None
    key: bytes
    clock: Clock
    store: Store

    def reopen(self) -> Store:
        if self.file is not None:
            self.store.close()
            self.store = open_store(self.file, self.key, self.clock)
        return self.store


@pytest.fixture(params=["memory", "file"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    clock, key = SystemClock(), os.urandom(32)
    if request.param == "memory":
        made = Opened(None, key, clock, FakeStore())
    else:
        file = tmp_path / "store.db"
        made = Opened(file, key, clock, open_store(file, key, clock))
    yield made
    made.store.close()


@dataclass
class Pair:
    """A till and its cloud."""

    side: Side
    opened: Opened
    line: BadLine
    engine: SyncEngine

    @property
    def store(self) -> Store:
        return self.opened.store

    def record(self, count: int = 1) -> list[str]:
        return record(self.store, self.opened.clock, count)

    def restart(self) -> None:
        store = self.opened.reopen()
        self.line = BadLine(self.side.line(store, self.opened.clock))
        self.engine = engine_of(store, self.line, self.opened.clock)


@pytest.fixture
def pair(side: Side, opened: Opened) -> Pair:
    become_device(opened.store, side.enrolment(), side.code())
    line = BadLine(side.line(opened.store, opened.clock))
    return Pair(side, opened, line, engine_of(opened.store, line, opened.clock))


def test_everything_arrives_once_and_in_order(pair: Pair):
    ids = pair.record(450)
    report = pair.engine.run()
    assert (report.trouble, report.pushed, report.duplicates) == (None, 450, 0)
    assert pair.side.held(pair.store) == ids
    again = pair.engine.run()
    assert (again.trouble, again.changed) == (None, False)
    assert pair.side.held(pair.store) == ids


def test_what_was_recorded_before_enrolment_arrives_too(side: Side, opened: Opened):
    ids = record(opened.store, opened.clock, 3)
    become_device(opened.store, side.enrolment(), side.code())
    engine = engine_of(opened.store, side.line(opened.store, opened.clock), opened.clock)
    assert engine.run().trouble is None
    assert side.held(opened.store) == ids


@pytest.mark.fault(13, "the chip counts what waits; it is sent by itself")
def test_a_lost_request_is_sent_again(pair: Pair):
    ids = pair.record(3)
    pair.line.faults = [None, Fault.REQUEST_LOST]
    assert pair.engine.run().trouble is not None
    assert pair.side.held(pair.store) == []
    assert pair.engine.run().trouble is None
    assert pair.side.held(pair.store) == ids


@pytest.mark.fault(12, "nothing; the next round finds that all is there")
def test_a_lost_answer_adds_nothing_twice(pair: Pair):
    ids = pair.record(3)
    pair.line.faults = [None, Fault.ANSWER_LOST]
    assert pair.engine.run().trouble is not None
    ids += pair.record(2)
    assert pair.engine.run(hello=False).duplicates == 3
    assert pair.side.held(pair.store) == ids


def test_a_hello_tells_what_a_lost_answer_did_not(pair: Pair):
    ids = pair.record(3)
    pair.line.faults = [None, Fault.ANSWER_LOST]
    pair.engine.run()
    pair.line.batches.clear()
    assert pair.engine.run().pushed == 3
    assert pair.line.batches == []
    assert pair.side.held(pair.store) == ids


def test_a_refusal_counts_once_a_later_hello_has_shown_the_same_books(pair: Pair):
    pair.record(2)
    pair.engine.run()
    pair.store.run(lambda uow: note_books(uow, "r1")).result()
    refused = [pair.store.run(lambda uow: refuses_for_sure(uow, "r1")).result()]
    pair.restart()
    assert pair.engine.run(hello=False, pull=False).said_hello
    refused.append(pair.store.run(lambda uow: refuses_for_sure(uow, "r1")).result())
    assert refused == [False, True]
    assert not pair.engine.run(hello=False, pull=False).said_hello


@pytest.mark.fault(14, "nothing")
def test_a_push_delivered_twice_counts_once(pair: Pair):
    ids = pair.record(3)
    pair.line.faults = [None, Fault.DELIVERED_TWICE]
    assert pair.engine.run().trouble is None
    assert pair.side.held(pair.store) == ids


def test_a_till_killed_in_the_middle_resumes_where_it_was(pair: Pair):
    ids = pair.record(450)
    pair.line.faults = [None, None, Fault.ANSWER_LOST]
    pair.engine.run()
    assert len(pair.side.held(pair.store)) == 400
    pair.restart()
    assert pair.engine.run().trouble is None
    assert pair.side.held(pair.store) == ids


def test_a_line_that_was_down_all_day_is_caught_up_with(pair: Pair):
    pair.line.down = True
    ids: list[str] = []
    for _ in range(3):
        ids += pair.record(30)
        assert pair.engine.run().trouble is not None
    pair.line.down = False
    assert pair.engine.run().pushed == 90
    assert pair.side.held(pair.store) == ids


@pytest.mark.fault(24, "both tablets' sales are kept apart")
def test_a_copy_of_a_till_is_found_out_and_overwrites_nothing(side: Side, tmp_path: Path):
    clock, key = SystemClock(), os.urandom(32)
    file, copy = tmp_path / "store.db", tmp_path / "copy.db"
    with open_store(file, key, clock) as store:
        become_device(store, side.enrolment(), side.code())
        both = record(store, clock, 2)
        assert engine_of(store, side.line(store, clock), clock).run().trouble is None
    copy.write_bytes(file.read_bytes())
    with open_store(file, key, clock) as store, open_store(copy, key, clock) as clone:
        ours = record(store, clock, 1)
        theirs = record(clone, clock, 1)
        assert engine_of(store, side.line(store, clock), clock).run().trouble is None
        stray = engine_of(clone, side.line(clone, clock), clock)
        report = stray.run(hello=False, pull=False)
        assert (report.trouble, report.epoch) == (None, "forked")
        assert sorted(side.held(store)) == sorted(both + ours + theirs)
        # Both go on, each in its own epoch, and nobody forks again.
        both += ours + theirs
        ours, theirs = record(store, clock, 2), record(clone, clock, 2)
        assert engine_of(store, side.line(store, clock), clock).run().epoch == ""
        assert stray.run().epoch == ""
        assert sorted(side.held(store)) == sorted(both + ours + theirs)
        assert clone.reader.identity().epoch_ordinal == 2


@pytest.mark.fault(23, "the till goes on under a new series of receipt numbers")
def test_a_till_that_came_back_from_a_backup_goes_on_in_another_epoch(side: Side, tmp_path: Path):
    clock, key = SystemClock(), os.urandom(32)
    file, backup = tmp_path / "store.db", tmp_path / "backup.db"
    with open_store(file, key, clock) as store:
        become_device(store, side.enrolment(), side.code())
        ids = record(store, clock, 3)
        assert engine_of(store, side.line(store, clock), clock).run().trouble is None
        ids += record(store, clock, 2)
    backup.write_bytes(file.read_bytes())
    with open_store(file, key, clock) as store:
        lost_here = record(store, clock, 4)
        assert engine_of(store, side.line(store, clock), clock).run().trouble is None
    with open_store(backup, key, clock) as store:
        after = record(store, clock, 2)
        report = engine_of(store, side.line(store, clock), clock).run()
        assert (report.trouble, report.epoch) == (None, "restored")
        assert side.held(store) == [*ids, *lost_here, *after]
        assert store.verify_journal() is None
        more = record(store, clock, 1)
        report = engine_of(store, side.line(store, clock), clock).run()
        assert (report.trouble, report.epoch, report.pushed) == (None, "", 1)
        assert side.held(store) == [*ids, *lost_here, *after, *more]


@pytest.mark.fault(5, "the damaged record leaves sealed, with its number; later ones follow")
def test_a_damaged_record_goes_sealed_and_those_behind_it_leave(side: Side, tmp_path: Path):
    clock, key = SystemClock(), os.urandom(32)
    file = tmp_path / "store.db"
    with open_store(file, key, clock) as store:
        become_device(store, side.enrolment(), side.code())
        ids = record(store, clock, 5)
    tamper(file, "UPDATE journal SET body = CAST(body || ' ' AS BLOB) WHERE seq = 3", key=key)
    with open_store(file, key, clock) as store:
        engine = engine_of(store, side.line(store, clock), clock)
        report = engine.run()
        assert (report.trouble, report.sealed, report.exceptions) == (None, (3,), 1)
        ids += record(store, clock, 1)
        assert (engine.run().pushed, engine.run().pushed) == (1, 0)
        assert side.held(store) == [*ids[:2], *ids[3:]]


@pytest.mark.fault(5, "a copy of the till that has the record whole gives it back")
def test_a_clone_gives_back_what_its_twin_sent_sealed(side: Side, tmp_path: Path):
    clock, key = SystemClock(), os.urandom(32)
    file, copy = tmp_path / "store.db", tmp_path / "copy.db"
    with open_store(file, key, clock) as store:
        become_device(store, side.enrolment(), side.code())
        ids = record(store, clock, 5)
    copy.write_bytes(file.read_bytes())
    tamper(file, "UPDATE journal SET body = CAST(body || ' ' AS BLOB) WHERE seq IN (2, 3)", key=key)
    with open_store(file, key, clock) as store:
        assert engine_of(store, side.line(store, clock), clock).run().sealed == (2, 3)
    with open_store(copy, key, clock) as store:
        engine = engine_of(store, side.line(store, clock), clock)
        report = engine.run()
        assert (report.trouble, report.epoch, report.given_back) == (None, "", 2)
        assert sorted(side.held(store)) == sorted(ids)
        assert engine.run().given_back == 0


def test_a_lost_answer_to_another_epoch_opens_no_second_one(side: Side, tmp_path: Path):
    clock, key = SystemClock(), os.urandom(32)
    with open_store(tmp_path / "store.db", key, clock) as store:
        become_device(store, side.enrolment(), side.code())
        ids = record(store, clock, 2)
        store.run(lambda uow: uow.set_state("restored", "1")).result()
        line = BadLine(side.line(store, clock))
        line.faults = [None, Fault.ANSWER_LOST]
        engine = engine_of(store, line, clock)
        assert engine.run().trouble is not None
        assert engine.run().epoch == "restored"
        assert store.reader.identity().epoch_ordinal == 2
        assert side.held(store) == ids
        assert engine.run().epoch == ""


def test_a_code_opens_one_till_only(side: Side):
    code, first, second = side.code(), FakeStore(), FakeStore()
    become_device(first, side.enrolment(), code)
    with pytest.raises(Trouble) as caught:
        become_device(second, side.enrolment(), code)
    assert caught.value.code is Code.ENROL_CODE_INVALID
    assert not second.held.who.enrolled


def test_reference_comes_in_by_cursor(pair: Pair):
    pair.side.put_stock(stock(700))
    first = pair.engine.run()
    assert first.trouble is None
    assert first.pulled["stock"] >= 700
    assert pair.engine.run().pulled["stock"] == 0
    pair.side.put_stock(stock(2, first=10))
    assert pair.engine.run().pulled["stock"] == 2


def test_a_member_made_here_is_known_at_the_cloud_and_comes_back(pair: Pair):
    joined = MemberChange(
        change_id=new_id(),
        member_ref=new_id(),
        field="join",
        value='{"name":"林晓雨","phone":"","tier":"","note":""}',
        base_revision=0,
        t_ms=1,
    )
    pair.store.run(lambda uow: uow.change_member(joined)).result()
    pair.line.faults = [None, Fault.ANSWER_LOST]
    assert pair.engine.run().trouble is not None
    report = pair.engine.run()
    assert (report.trouble, report.members_sent) == (None, 1)
    assert pair.store.run(lambda uow: uow.member_queue(10)).result() == ()


@pytest.mark.fault(16, "the chip counts what waits; it is sent by itself when the cloud is well")
def test_a_server_stopped_while_the_shop_sells_gets_everything_when_it_returns(
    server: RealServer, opened: Opened
):
    become_device(opened.store, server.enrolment(), server.code())
    engine = engine_of(opened.store, server.line(opened.store, opened.clock), opened.clock)
    ids = record(opened.store, opened.clock, 2)
    assert engine.run().trouble is None
    server.stop()
    ids += record(opened.store, opened.clock, 5)
    report = engine.run()
    assert report.trouble is not None
    assert (report.trouble.code, report.trouble.retryable) == (Code.CLOUD_UNREACHABLE, True)
    server.start()
    ids += record(opened.store, opened.clock, 1)
    report = engine.run()
    assert (report.trouble, report.pushed) == (None, 6)
    assert server.held(opened.store) == ids
