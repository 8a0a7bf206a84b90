"""The one thread that writes: order, results after COMMIT, and what an unknown COMMIT means."""

from __future__ import annotations

import errno
import threading

import pytest

from app.errors import Code, RuleBroken, Trouble
from app.ports import Priority
from offline_store.connection import WRITER_BUSY_MS, SqliteError, open_reader, open_writer
from offline_store.lock import StoreLock
from offline_store.worker import _checkpoint
from tests.store.shop import KEY, sale_of

PATIENCE_S = 30.0


def test_a_sale_goes_before_screens_and_screens_before_sync(store):
    gate = threading.Event()
    order: list[str] = []
    first = store.run(lambda uow: gate.wait(10))
    jobs = [
        store.run(lambda uow, name=name: order.append(name), priority=priority)
        for name, priority in [
            ("sync 1", Priority.SYNC),
            ("screen", Priority.SCREEN),
            ("sync 2", Priority.SYNC),
            ("sale 1", Priority.SALE),
            ("sale 2", Priority.SALE),
        ]
    ]
    gate.set()
    for job in (first, *jobs):
        job.result(10)
    assert order == ["sale 1", "sale 2", "screen", "sync 1", "sync 2"]


def test_all_jobs_run_on_one_thread_that_is_not_the_callers(store):
    idents = {store.run(lambda uow: threading.get_ident()).result() for _ in range(3)}
    assert len(idents) == 1
    assert threading.get_ident() not in idents


def test_a_result_is_there_only_after_it_can_be_read(store):
    for _ in range(20):
        sale = sale_of()
        store.run(lambda uow, sale=sale: uow.record(sale)).result()
        assert store.reader.document(sale.sale_id) is not None


def test_closing_finishes_what_was_taken_on(opened):
    store = opened()
    gate = threading.Event()
    store.run(lambda uow: gate.wait(10))
    sales = [sale_of() for _ in range(5)]
    jobs = [
        store.run(lambda uow, sale=sale: uow.record(sale), priority=Priority.SYNC) for sale in sales
    ]
    gate.set()
    store.close()
    assert [job.result(0).seq for job in jobs] == [1, 2, 3, 4, 5]


def test_a_job_called_off_before_its_turn_never_runs(store):
    gate = threading.Event()
    store.run(lambda uow: gate.wait(10))
    ran: list[int] = []
    job = store.run(lambda uow: ran.append(1))
    assert job.cancel()
    gate.set()
    store.run(lambda uow: None).result(10)
    assert ran == []


def test_a_bug_in_a_job_reaches_the_caller_and_the_thread_lives_on(store):
    def bug(uow):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.run(bug).result()
    assert store.run(lambda uow: 1).result() == 1


class FailingCommit:
    """A connection whose COMMIT says that it failed, though it may have succeeded.

    With `stuck`, the ROLLBACK that follows fails as well. The one opened in its place is well.
    """

    def __init__(self, connection, *, really: bool, stuck: bool = False) -> None:
        self._connection, self._really = connection, really
        self.failing = ["COMMIT", "ROLLBACK"] if stuck else ["COMMIT"]

    def execute(self, sql, values=()):
        if sql in self.failing:
            self.failing.remove(sql)
            if self._really:
                self._connection.execute(sql)
            error = SqliteError("disk I/O error")
            error.sqlite_errorcode = 10  # type: ignore[attr-defined]
            raise error
        return self._connection.execute(sql, values)

    def __getattr__(self, name):
        return getattr(self._connection, name)


@pytest.fixture
def commit_fails(opened, monkeypatch):
    def open_one(*, really: bool, stuck: bool = False):
        from offline_store import store as module

        made = module.OfflineStore._open_unit
        well: list[bool] = []

        def open_unit(self):
            connection, unit = made(self)
            if well:
                return connection, unit
            well.append(True)
            return FailingCommit(connection, really=really, stuck=stuck), unit

        monkeypatch.setattr(module.OfflineStore, "_open_unit", open_unit)
        return opened()

    return open_one


def test_a_commit_that_failed_but_happened_is_a_success(commit_fails):
    store = commit_fails(really=True)
    sale = sale_of()
    mark = store.run(lambda uow: uow.record(sale)).result()
    assert store.reader.document(sale.sale_id) == sale
    assert store.run(lambda uow: uow.head()).result() == mark


def test_a_commit_that_failed_is_a_failure_and_can_be_tried_again(commit_fails):
    store = commit_fails(really=False)
    sale = sale_of()
    with pytest.raises(Trouble) as trouble:
        store.run(lambda uow: uow.record(sale)).result()
    assert trouble.value.code is Code.STORE_DAMAGED
    assert store.reader.document(sale.sale_id) is None
    assert store.run(lambda uow: uow.record(sale)).result().seq == 1
    assert store.verify_journal() is None


def test_a_disk_that_cannot_even_roll_back_claims_no_sale_and_breaks_no_chain(commit_fails, caplog):
    store = commit_fails(really=False, stuck=True)
    first, second = sale_of(), sale_of()
    with pytest.raises(Trouble):
        store.run(lambda uow: uow.record(first)).result()
    assert "could not roll back" in caplog.text
    assert store.run(lambda uow: uow.record(second)).result().seq == 1
    assert store.reader.document(first.sale_id) is None
    assert store.verify_journal() is None


@pytest.mark.fault(
    8, "the sale is refused; the file is opened anew and checked before the next one"
)
def test_after_a_failure_of_the_disk_nothing_is_tried_on_the_old_connection(commit_fails):
    store = commit_fails(really=False)

    def connection():
        return store.run(lambda uow: id(uow._connection)).result()

    with pytest.raises(Trouble):
        store.run(lambda uow: uow.record(sale_of())).result()
    first = connection()
    assert connection() == first
    assert store.run(lambda uow: uow.record(sale_of())).result().seq == 1


@pytest.mark.fault(8, "every sale is refused until the disk is well again")
def test_a_disk_that_stays_broken_refuses_every_sale_until_it_is_well(commit_fails):
    store = commit_fails(really=True)
    opened_anew = store._worker._open_unit
    broken = [Trouble(Code.STORE_DAMAGED), Trouble(Code.STORE_DAMAGED)]

    def open_unit():
        if broken:
            raise broken.pop()
        return opened_anew()

    store._worker._open_unit = open_unit
    sale = sale_of()
    for _ in range(2):
        with pytest.raises(Trouble) as trouble:
            store.run(lambda uow: uow.record(sale)).result()
        assert trouble.value.code is Code.STORE_DAMAGED
    # The first COMMIT had happened, which nobody could know then: the sale is there, once.
    with pytest.raises(RuleBroken) as rule:
        store.run(lambda uow: uow.record(sale)).result()
    assert rule.value.code is Code.SALE_ALREADY_RECORDED
    assert store.verify_journal() is None


def test_a_reopening_that_the_system_refuses_answers_and_is_tried_again(commit_fails, monkeypatch):
    store = commit_fails(really=True)
    known = StoreLock.key_is_known
    broken = [OSError(errno.EIO, "made for a test"), OSError(errno.EIO, "made for a test")]

    def key_is_known(self, key):
        if broken:
            raise broken.pop()
        return known(self, key)

    monkeypatch.setattr(StoreLock, "key_is_known", key_is_known)
    sale = sale_of()
    for left in (1, 0):
        with pytest.raises(Trouble) as trouble:
            store.run(lambda uow: uow.record(sale)).result(PATIENCE_S)
        assert (trouble.value.code, len(broken)) == (Code.STORE_DAMAGED, left)
    with pytest.raises(RuleBroken):  # the first COMMIT had happened
        store.run(lambda uow: uow.record(sale)).result(PATIENCE_S)
    assert store.run(lambda uow: uow.record(sale_of())).result(PATIENCE_S).seq == 2


def test_a_bug_in_the_reopening_answers_and_ends_no_thread(commit_fails, caplog):
    store = commit_fails(really=False)
    opened_anew = store._worker._open_unit
    broken = [ZeroDivisionError(), ZeroDivisionError()]

    def open_unit():
        if broken:
            raise broken.pop()
        return opened_anew()

    store._worker._open_unit = open_unit
    for wrong in (Trouble, ZeroDivisionError):
        with pytest.raises(wrong):
            store.run(lambda uow: uow.record(sale_of())).result(PATIENCE_S)
    assert "a job failed on the store thread" in caplog.text
    assert store.run(lambda uow: uow.record(sale_of())).result(PATIENCE_S).seq == 1


def test_a_full_disk_is_trouble_where_the_fact_is_recorded(store):
    """A service that minds what went wrong must not take a full disk for a flaw of its sale."""
    seen: list[Trouble] = []

    def minding(uow):
        uow._connection.execute("PRAGMA max_page_count = 1")
        try:
            for _ in range(500):
                uow.record(sale_of())
        except Trouble as trouble:
            seen.append(trouble)
            raise

    with pytest.raises(Trouble):
        store.run(minding).result()
    assert [trouble.code for trouble in seen] == [Code.STORE_FULL]


def test_a_commit_without_facts_that_failed_is_never_called_a_success(commit_fails):
    store = commit_fails(really=True)
    with pytest.raises(Trouble):
        store.run(lambda uow: uow.set_state("a", "1")).result()


@pytest.mark.fault(
    9, "the sale waits a moment and is recorded, or is refused and can be tried again"
)
def test_a_file_locked_by_another_is_trouble_that_may_pass(store, file):
    store.run(lambda uow: uow._connection.execute("PRAGMA busy_timeout = 1")).result()
    other = open_writer(file, KEY)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Trouble) as trouble:
        store.run(lambda uow: uow.record(sale_of())).result()
    assert trouble.value.code is Code.STORE_BUSY
    assert trouble.value.retryable
    other.execute("ROLLBACK")
    other.close()
    assert store.run(lambda uow: uow.record(sale_of())).result().seq == 1


@pytest.mark.fault(6, "the sale is refused, nothing is booked; with room again the same till sells")
def test_a_full_disk_refuses_the_sale_and_leaves_the_store_usable(store):
    def limit(pages: int) -> None:
        store.run(lambda uow: uow._connection.execute(f"PRAGMA max_page_count = {pages}")).result()

    pages = store.run(lambda uow: uow._connection.execute("PRAGMA page_count").fetchone()).result()
    limit(pages[0])
    with pytest.raises(Trouble) as trouble:
        store.run(lambda uow: [uow.record(sale_of()) for _ in range(500)]).result()
    assert trouble.value.code is Code.STORE_FULL
    limit(10**6)
    assert store.verify_journal() is None
    store.run(lambda uow: uow.record(sale_of())).result()
    assert store.verify_journal() is None


def test_an_idle_thread_moves_the_wal_into_the_file(store, file, monkeypatch):
    done = threading.Event()

    def checkpoint(connection, how):
        if how == "PASSIVE":
            done.set()

    monkeypatch.setattr("offline_store.worker._checkpoint", checkpoint)
    store.run(lambda uow: uow.record(sale_of())).result()
    assert done.wait(10)


def test_a_checkpoint_that_fails_is_no_trouble_for_anybody(commit_fails, caplog):
    class Broken:
        def execute(self, sql):
            raise SqliteError("made for a test")

    _checkpoint(Broken(), "PASSIVE")  # type: ignore[arg-type]
    assert "checkpoint failed" in caplog.text


class Watched:
    """A connection that tells how long a checkpoint would have waited for readers (ms)."""

    def __init__(self, connection) -> None:
        self._connection = connection
        self.patience_ms: list[int] = []

    def execute(self, sql):
        if "wal_checkpoint" in sql:
            self.patience_ms += self._connection.execute("PRAGMA busy_timeout").fetchone()
        return self._connection.execute(sql)


def test_a_checkpoint_waits_for_no_reader_while_the_till_runs(store, file):
    reader = open_reader(file, KEY)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM journal").fetchone()  # as a backup does, for minutes
    store.run(lambda uow: uow.record(sale_of())).result()
    writer = open_writer(file, KEY)
    watched = Watched(writer)
    assert not _checkpoint(watched, "TRUNCATE")  # type: ignore[arg-type]
    reader.close()
    assert _checkpoint(watched, "TRUNCATE", patient=True)  # type: ignore[arg-type]
    assert watched.patience_ms == [0, WRITER_BUSY_MS]
    writer.close()


def synchronous(store, priority) -> int:
    """Return the level of the next job's transaction: 1 is NORMAL, 2 is FULL."""
    level = store.run(
        lambda uow: uow._connection.execute("PRAGMA synchronous").fetchone(), priority=priority
    )
    return level.result()[0]


def test_only_what_can_be_fetched_again_is_left_unsynced(store):
    levels = [synchronous(store, priority) for priority in (Priority.FILL, *Priority)]
    assert levels == [1, 2, 2, 2, 1]


def fill(store, kilobytes: int) -> None:
    def write(uow) -> None:
        uow._connection.execute("CREATE TABLE IF NOT EXISTS heap (grain BLOB)")
        uow._connection.execute("INSERT INTO heap VALUES (randomblob(?))", (kilobytes * 1024,))

    store.run(write, priority=Priority.FILL).result()


def test_a_fill_moves_its_log_little_by_little(store, file):
    for _ in range(60):
        fill(store, 200)
    log = file.with_name(f"{file.name}-wal")
    assert log.stat().st_size < 3_000_000
    assert file.stat().st_size > 8_000_000


def test_after_a_fill_that_could_not_be_moved_nothing_is_recorded_in_the_same_file(
    store, monkeypatch, caplog
):
    def fail(connection, least):
        raise SqliteError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr("offline_store.worker.move_log", fail)
        fill(store, 1)
    store.run(lambda uow: uow.record(sale_of())).result()
    assert "the store is opened again" in caplog.text
    assert store.verify_journal() is None


def test_a_rule_broken_in_a_job_is_not_logged_as_a_bug(store, caplog):
    def refuse(uow):
        raise RuleBroken(Code.CART_EMPTY)

    with pytest.raises(RuleBroken):
        store.run(refuse).result()
    assert caplog.records == []
