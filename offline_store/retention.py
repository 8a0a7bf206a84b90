"""Which records this file may let go of: old ones that no copy the cloud could come back from lacks.

Three conditions, all of them: acknowledged, contained in the oldest backup the cloud could still restore,
and older than the shop keeps them here. The newest record never goes, because it carries the chain, nor
does one that an unsettled payment still needs. Triggers hold the first two against every other hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.wire.journal import read_header
from offline_store.identity import Epoch, all_epochs
from offline_store.journal import head

if TYPE_CHECKING:
    from sqlite3 import Connection

_UNSETTLED = (
    "SELECT min(last_fact) FROM (SELECT last_fact FROM attempt"
    " WHERE state IN ('created', 'waiting', 'unknown') UNION ALL SELECT last_fact FROM attempt"
    " WHERE state <> 'refunded'"
    " AND (odd = 1 OR (has_sale = 0 AND state IN ('confirmed', 'refund_pending')))"
    " UNION ALL SELECT last_fact FROM money_back WHERE standing IN ('unknown', 'pending', 'stuck'))"
)


def note_durable(connection: Connection, epoch: str, seq: int) -> None:
    """Remember up to where the cloud would hold an epoch even after a restore; it may go back."""
    connection.execute(
        "UPDATE epoch SET durable_seq = ? WHERE epoch = ? AND durable_seq <> ?", (seq, epoch, seq)
    )


def keep_from(connection: Connection, epoch: str, seq: int) -> None:
    """Keep a record and what follows it although the cloud said it could not lose them: its backups
    hold it sealed. In the epoch that goes on, the cloud's next word counts again."""
    connection.execute(
        "UPDATE epoch SET durable_seq = ?2 - 1 WHERE epoch = ?1 AND durable_seq >= ?2", (epoch, seq)
    )


def prune(connection: Connection, before_ms: int, most: int) -> int:
    """Let go of at most `most` records made before `before_ms` (Unix ms); return how many went."""
    row = connection.execute(_UNSETTLED).fetchone()
    for epoch in reversed(all_epochs(connection)):
        bound = min(epoch.acked_seq, epoch.durable_seq, head(connection, epoch).seq - 1)
        if row[0] is not None:
            bound = min(bound, row[0] - epoch.fact_offset - 1)
        gone = _prune_epoch(connection, epoch, bound, before_ms, most)
        if gone:
            return gone
    return 0


def _prune_epoch(
    connection: Connection, epoch: Epoch, bound: int, before_ms: int, most: int
) -> int:
    seq, hash_ = epoch.start
    rows = connection.execute(
        "SELECT j.seq, j.header, j.hash, n.prev_hash FROM journal j"
        " JOIN journal n ON n.epoch = j.epoch AND n.seq = j.seq + 1"
        " WHERE j.epoch = ? AND j.seq > ? AND j.seq <= ? ORDER BY j.seq LIMIT ?",
        (epoch.epoch, seq, bound, most),
    ).fetchall()
    for found, header, own, following in rows:
        # Damage stays where it is, and so does all behind it: the chain could not be checked past it.
        if found != seq + 1 or own != following or not _is_old(header, before_ms):
            break
        seq, hash_ = found, own
    if seq == epoch.pruned_seq:
        return 0
    connection.execute(
        "UPDATE epoch SET pruned_seq = ?, pruned_hash = ? WHERE epoch = ?",
        (seq, hash_, epoch.epoch),
    )
    connection.execute(
        "DELETE FROM journal WHERE epoch = ? AND seq > ? AND seq <= ?",
        (epoch.epoch, epoch.pruned_seq, seq),
    )
    return seq - epoch.pruned_seq


def _is_old(header: bytes, before_ms: int) -> bool:
    try:
        return read_header(header).t_est_server < before_ms
    except ValueError:
        return False
