"""Version 2 of a store: epochs that follow one another, and a journal that may let go of its oldest
records once every copy the cloud could come back from holds them.
"""

from __future__ import annotations

STATEMENTS = (
    "ALTER TABLE epoch ADD COLUMN opening INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE epoch ADD COLUMN pruned_seq INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE epoch ADD COLUMN pruned_hash BLOB NOT NULL DEFAULT x''",
    "ALTER TABLE epoch ADD COLUMN durable_seq INTEGER NOT NULL DEFAULT 0",
    "CREATE TRIGGER epoch_opening_kept BEFORE UPDATE OF opening ON epoch"
    " BEGIN SELECT RAISE(ABORT, 'only its mark at the cloud may move'); END",
    # The two conditions of retention that a file can check by itself; age is the third.
    "CREATE TRIGGER epoch_pruned BEFORE UPDATE OF pruned_seq ON epoch"
    " WHEN new.pruned_seq < old.pruned_seq"
    " OR new.pruned_seq > min(new.acked_seq, new.durable_seq)"
    " BEGIN SELECT RAISE(ABORT, 'the cloud could still lose these records'); END",
    "DROP TRIGGER journal_no_delete",
    "CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal"
    " WHEN NOT EXISTS (SELECT 1 FROM epoch e"
    "  WHERE e.epoch = old.epoch AND old.seq <= e.pruned_seq)"
    " BEGIN SELECT RAISE(ABORT, 'facts are never changed'); END",
)
