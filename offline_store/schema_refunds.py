"""Version 9 of a store: money on its way back by the way it came, step by step, and where each refund
stands now."""

from __future__ import annotations

STATEMENTS = (
    "CREATE TABLE refund_step ("
    " fact_no INTEGER PRIMARY KEY, step_id TEXT NOT NULL UNIQUE, number TEXT NOT NULL,"
    " step INTEGER NOT NULL, standing TEXT NOT NULL, UNIQUE (number, step)) STRICT",
    *(
        f"CREATE TRIGGER refund_step_no_{verb.lower()} BEFORE {verb} ON refund_step"
        " BEGIN SELECT RAISE(ABORT, 'facts are never changed'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    "CREATE TABLE money_back ("
    " number TEXT PRIMARY KEY, attempt_id TEXT NOT NULL, sale_id TEXT NOT NULL,"
    " refund_id TEXT NOT NULL, last_fact INTEGER NOT NULL, standing TEXT NOT NULL"
    ") STRICT, WITHOUT ROWID",
    "CREATE INDEX money_back_open ON money_back (last_fact)"
    " WHERE standing IN ('unknown', 'pending', 'stuck')",
    "CREATE INDEX money_back_attempt ON money_back (attempt_id)",
    "CREATE INDEX money_back_sale ON money_back (sale_id)",
    "CREATE INDEX money_back_refund ON money_back (refund_id) WHERE refund_id <> ''",
    "CREATE INDEX tender_attempt ON tender (attempt_id) WHERE attempt_id <> ''",
)
