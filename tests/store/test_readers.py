"""Reading beside the writer, errors sorted where they are born, and closing."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from app.errors import Code, Trouble
from offline_store.connection import open_writer, sorted_error
from tests.store.conftest import Opener
from tests.store.shop import KEY, sale_of


def code_of(trouble) -> Code:
    return trouble.value.code


def test_each_thread_reads_on_a_connection_of_its_own(store):
    readers = [store.reader]

    def other() -> None:
        readers.append(store.reader)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert readers[0] is store.reader
    assert readers[0] is not readers[1]


def test_a_reader_cannot_write(store):
    with pytest.raises(Exception, match="readonly"):
        store.reader._connection.execute("DELETE FROM draft")


def test_a_reader_waits_for_a_lock_no_longer_than_a_frame(store, file: Path):
    store.reader.identity()
    blocker = open_writer(file, KEY)
    try:
        assert store.reader._connection.execute("PRAGMA busy_timeout").fetchone() == (20,)
    finally:
        blocker.close()


def test_a_locked_file_is_trouble_that_may_pass(store, file: Path, monkeypatch):
    def locked(*_):
        raise _sqlite_error(5)

    monkeypatch.setattr("offline_store.goods.sku", locked)
    with pytest.raises(Trouble) as trouble:
        store.reader.sku("x")
    assert code_of(trouble) is Code.STORE_BUSY
    assert trouble.value.retryable
    monkeypatch.setattr("offline_store.documents.references_and_nets", locked)
    with pytest.raises(Trouble):
        list(store.reader.references_and_nets())


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (5, Code.STORE_BUSY),
        (6, Code.STORE_BUSY),
        (8, Code.STORE_READ_ONLY),
        (10, Code.STORE_DAMAGED),
        (778, Code.STORE_DAMAGED),
        (11, Code.STORE_DAMAGED),
        (13, Code.STORE_FULL),
        (14, Code.STORE_READ_ONLY),
        (26, Code.STORE_DAMAGED),
    ],
)
def test_errors_of_sqlite_are_sorted_where_they_are_born(number, code):
    trouble = sorted_error(_sqlite_error(number))
    assert isinstance(trouble, Trouble)
    assert trouble.code is code


def test_an_error_in_our_own_sql_stays_a_bug():
    error = _sqlite_error(1)
    assert sorted_error(error) is error
    plain = ValueError()
    assert sorted_error(plain) is plain


def test_a_closed_store_answers_nothing(opened: Opener):
    store = opened()
    reader = store.reader
    store.close()
    store.close()
    for ask in (
        lambda: store.run(lambda uow: None),
        lambda: store.reader,
        store.verify_journal,
        reader.identity,
    ):
        with pytest.raises(Trouble) as trouble:
            ask()
        assert code_of(trouble) is Code.STORE_BUSY


def test_closing_moves_everything_into_the_one_file(opened: Opener, file: Path):
    store = opened()
    store.run(lambda uow: uow.record(sale_of())).result()
    store.close()
    assert sorted(path.name for path in file.parent.iterdir()) == ["till.db", "till.db.lock"]


def _sqlite_error(number: int) -> Exception:
    from offline_store.connection import SqliteError

    error = SqliteError("made for a test")
    error.sqlite_errorcode = number  # type: ignore[attr-defined]
    return error


def test_closing_waits_for_a_look_up_on_another_thread(opened: Opener, monkeypatch):
    """SQLite's library crashes where a connection is closed under a running query."""
    store = opened()
    inside, go_on = threading.Event(), threading.Event()

    def slow(connection, sku_id):
        inside.set()
        assert go_on.wait(20)
        return connection.execute("SELECT count(*) FROM sku").fetchone()

    monkeypatch.setattr("offline_store.goods.sku", slow)
    with ThreadPoolExecutor(2) as pool:
        reader = pool.submit(lambda: store.reader).result()
        looking: Future[object] = pool.submit(reader.sku, "A")
        assert inside.wait(20)
        closing = pool.submit(store.close)
        go_on.set()
        assert looking.result(20) == (0,)
        closing.result(20)
    with pytest.raises(Trouble) as caught:
        reader.sku("A")
    assert (caught.value.code, caught.value.facts["closed"]) == (Code.STORE_BUSY, True)
