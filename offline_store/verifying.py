"""Walks the journal's chains: all of them, or the end before the till sells. Changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.wire.journal import read_header, record_hash
from offline_store.identity import Epoch, all_epochs, current_epoch
from offline_store.journal import head, newest_fact

if TYPE_CHECKING:
    from sqlite3 import Connection

_PAGE = 500
TAIL = 200


def first_broken_seq(connection: Connection) -> int | None:
    """Check every epoch of the journal; return the first broken seq, the current epoch's first.

    The whole chain is read in pages, so no read transaction stays open. A chain begins at its genesis,
    or where older records were let go. A journal that ends before the facts do has lost its end, and
    the missing seq is named.
    """
    epochs = all_epochs(connection)
    for epoch in epochs:
        broken = _broken_after(connection, epoch.epoch, *epoch.start)
        if broken is not None:
            return broken
    return _lost_end(connection, epochs[0])


def tail_broken_seq(connection: Connection) -> int | None:
    """Check the last records only: what must be sound before the till sells."""
    epoch = current_epoch(connection)
    first, prev = epoch.start
    start = max(head(connection, epoch).seq - TAIL, first)
    if start > first:
        row = connection.execute(
            "SELECT hash FROM journal WHERE epoch = ? AND seq = ?", (epoch.epoch, start)
        ).fetchone()
        if row is None:
            return start
        prev = row[0]
    broken = _broken_after(connection, epoch.epoch, start, prev)
    return broken if broken is not None else _lost_end(connection, epoch)


def _broken_after(connection: Connection, epoch: str, seq: int, prev: bytes) -> int | None:
    while True:
        rows = connection.execute(
            "SELECT seq, rec_id, kind, header, prev_hash, hash, body FROM journal"
            " WHERE epoch = ? AND seq > ? ORDER BY seq LIMIT ?",
            (epoch, seq, _PAGE),
        ).fetchall()
        if not rows:
            return None
        for row in rows:
            seq += 1
            if not _is_sound(row, epoch, seq, prev):
                return seq
            prev = row[5]


def _is_sound(
    row: tuple[int, str, str, bytes, bytes, bytes, bytes], epoch: str, seq: int, prev: bytes
) -> bool:
    """Tell whether a row continues the chain and its columns say what its hashed header says."""
    found_seq, rec_id, kind, header, prev_hash, hash_, body = row
    if found_seq != seq or prev_hash != prev or record_hash(header, prev, body) != hash_:
        return False
    try:
        said = read_header(header)
    except ValueError:
        return False
    return (said.epoch, said.seq, said.rec_id, said.kind) == (epoch, seq, rec_id, kind)


def _lost_end(connection: Connection, epoch: Epoch) -> int | None:
    last = head(connection, epoch).seq
    missing = last < max(newest_fact(connection) - epoch.fact_offset, epoch.acked_seq)
    return last + 1 if missing else None
