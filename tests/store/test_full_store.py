"""What must stay quick in a store that has been selling for years: answered from an index alone."""

from __future__ import annotations

from offline_store.connection import open_reader
from tests.store.shop import DAY, KEY, do, sale_of


def test_the_books_of_a_month_never_read_the_documents_themselves(store, file):
    do(store, "record", sale_of())
    head = do(store, "head")
    do(store, "mark_received", head.seq, head.hash, 1)
    heard: list[str] = []
    trace = "set_trace_callback"
    store.run(lambda uow: getattr(uow._connection, trace)(heard.append)).result()
    (books,) = do(store, "day_books", DAY)
    store.run(lambda uow: getattr(uow._connection, trace)(None)).result()
    assert books.documents == 1
    (asked,) = [sql for sql in heard if "GROUP BY business_date" in sql]
    reader = open_reader(file, KEY)
    steps = [row[3] for row in reader.execute(f"EXPLAIN QUERY PLAN {asked}").fetchall()]
    reader.close()
    assert "COVERING INDEX document_books" in steps[0]
