"""The journal table: appending, reading on, acknowledging, verifying.

It knows where a record stands in the chain, never what a fact means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.times import Moment
from app.errors import Code, Trouble
from app.ports import JournalMark, Unsent
from app.wire.journal import (
    VERSION,
    Header,
    Record,
    header_bytes,
    journal_again,
    read_header,
    record_hash,
)
from app.wire.versions import SCHEMA
from offline_store.identity import Epoch, current_epoch

if TYPE_CHECKING:
    from sqlite3 import Connection

_COLUMNS = "header, prev_hash, hash, body"
_INSERT = "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_PAGE = 500
TAIL = 200


class Journal:
    """The open end of the chain, on the store thread. After a rollback it is wrong until `reload`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.epoch: Epoch
        self.seq: int
        self.hash: bytes
        self.reload()

    def reload(self) -> None:
        """Read again what the file says."""
        self.epoch = current_epoch(self._connection)
        mark = head(self._connection, self.epoch)
        self.seq, self.hash = mark.seq, mark.hash

    @property
    def mark(self) -> JournalMark:
        """The last record's place."""
        return JournalMark(self.epoch.epoch, self.seq, self.hash)

    @property
    def next_fact(self) -> int:
        """The number the next fact will have in this file."""
        return self.epoch.fact_offset + self.seq + 1

    def append(self, rec_id: str, kind: str, body: bytes, at: Moment, actor: str) -> None:
        """Chain one record on."""
        chain = self.epoch.chain
        header = Header(
            v=VERSION,
            tenant=chain.tenant,
            store=chain.store,
            device=chain.device,
            epoch=chain.epoch,
            seq=self.seq + 1,
            rec_id=rec_id,
            kind=kind,
            schema_ver=SCHEMA[kind],
            t_device=at.wall_ms,
            t_mono=at.mono_ms,
            boot_id=at.boot_id,
            t_est_server=at.server_ms,
            t_quality=at.quality.value,
            actor=actor,
        )
        data = header_bytes(header)
        hash_ = record_hash(data, self.hash, body)
        self._connection.execute(
            _INSERT,
            (chain.epoch, self.seq + 1, rec_id, kind, data, self.hash, hash_, body),
        )
        self.seq += 1
        self.hash = hash_

    def copy_from(self, old: Epoch, after_seq: int) -> None:
        """Journal the records of an older epoch after `after_seq` again, in order, in this one."""
        while records := read_on(self._connection, old.epoch, after_seq, _PAGE):
            rows = []
            for record in records:
                again = journal_again(record, self.epoch.chain, self.seq + 1, self.hash)
                self.seq, self.hash = self.seq + 1, again.hash
                rows.append(
                    (
                        again.header.epoch,
                        again.header.seq,
                        again.header.rec_id,
                        again.header.kind,
                        header_bytes(again.header),
                        again.prev_hash,
                        again.hash,
                        again.body,
                    )
                )
            self._connection.executemany(_INSERT, rows)
            after_seq += len(records)


def head(connection: Connection, epoch: Epoch) -> JournalMark:
    """Return the last record's place in an epoch, its genesis if it is empty."""
    row = connection.execute(
        "SELECT seq, hash FROM journal WHERE epoch = ? ORDER BY seq DESC LIMIT 1", (epoch.epoch,)
    ).fetchone()
    seq, hash_ = row or (0, epoch.chain.genesis())
    return JournalMark(epoch.epoch, seq, hash_)


def read_on(connection: Connection, epoch: str, after_seq: int, limit: int) -> list[Record]:
    """Return the records that follow a place."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM journal WHERE epoch = ? AND seq > ? ORDER BY seq LIMIT ?",  # noqa: S608 - our own constant
        (epoch, after_seq, limit),
    ).fetchall()
    return [Record(_header(h), prev, body, hash_) for h, prev, hash_, body in rows]


def oldest_unsent_ms(connection: Connection, epoch: Epoch) -> int:
    """Return when the first record the cloud does not hold was made (Unix ms), 0 if it holds all."""
    row = connection.execute(
        "SELECT header FROM journal WHERE epoch = ? AND seq = ?", (epoch.epoch, epoch.acked_seq + 1)
    ).fetchone()
    return _header(row[0]).t_est_server if row else 0


def newest_ms(connection: Connection, epoch: Epoch) -> int:
    """Return when the last record was made (Unix ms), 0 before the first of an epoch."""
    row = connection.execute(
        "SELECT header FROM journal WHERE epoch = ? ORDER BY seq DESC LIMIT 1", (epoch.epoch,)
    ).fetchone()
    return _header(row[0]).t_est_server if row else 0


def _header(data: bytes) -> Header:
    """Read a kept header. Raises Trouble(JOURNAL_BROKEN)."""
    try:
        return read_header(data)
    except ValueError as error:
        raise Trouble(Code.JOURNAL_BROKEN) from error


def read_fact(connection: Connection, fact_no: int) -> tuple[Header, bytes]:
    """Return header and body of a fact's newest record. Raises Trouble(JOURNAL_BROKEN)."""
    row = connection.execute(
        "SELECT j.header, j.body FROM epoch e"
        " JOIN journal j ON j.epoch = e.epoch AND j.seq = ?1 - e.fact_offset"
        " WHERE e.fact_offset < ?1 ORDER BY e.place DESC LIMIT 1",
        (fact_no,),
    ).fetchone()
    if row is None:
        raise Trouble(Code.JOURNAL_BROKEN, fact_no=fact_no)
    return _header(row[0]), row[1]


def unsent(connection: Connection, *, max_records: int, max_bytes: int) -> Unsent:
    """Return records the cloud does not hold, in order: at least one if there is any, then as many
    as fit both limits (bytes of headers and bodies)."""
    epoch = current_epoch(connection)
    chosen: list[Record] = []
    size = 0
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM journal WHERE epoch = ? AND seq > ? ORDER BY seq LIMIT ?",  # noqa: S608 - our own constant
        (epoch.epoch, epoch.acked_seq, max_records),
    )
    for header, prev, hash_, body in rows:
        size += len(header) + len(body)
        if chosen and size > max_bytes:
            break
        chosen.append(Record(_header(header), prev, body, hash_))
    rows.close()
    return Unsent(epoch.acked_hash, tuple(chosen))


def mark_received(connection: Connection, seq: int, hash_: bytes) -> bool:
    """Set the acknowledged mark, forward or (a restored server) back, if the hash is ours."""
    epoch = current_epoch(connection)
    if seq == 0:
        ours: bytes | None = epoch.chain.genesis()
        hash_ = hash_ or epoch.chain.genesis()  # the cloud has no hash for "nothing yet"
    else:
        row = connection.execute(
            "SELECT hash FROM journal WHERE epoch = ? AND seq = ?", (epoch.epoch, seq)
        ).fetchone()
        ours = row[0] if row else None
    if ours != hash_:
        return False
    connection.execute(
        "UPDATE epoch SET acked_seq = ?, acked_hash = ? WHERE epoch = ?",
        (seq, hash_, epoch.epoch),
    )
    return True


def first_broken_seq(connection: Connection) -> int | None:
    """Check every epoch of the journal; return the first broken seq, the current epoch's first.

    The whole chain is read in pages, so no read transaction stays open. A journal that ends before
    the facts do has lost its end, and the missing seq is named.
    """
    newest = current_epoch(connection)
    epochs = [
        (row[0], row[1], row[2], row[3])
        for row in connection.execute(
            "SELECT tenant, store, device, epoch FROM epoch ORDER BY place DESC"
        ).fetchall()
    ]
    for tenant, store, device, epoch in epochs:
        chain = type(newest.chain)(tenant, store, device, epoch)
        broken = _broken_after(connection, epoch, 0, chain.genesis())
        if broken is not None:
            return broken
    return _lost_end(connection, newest)


def tail_broken_seq(connection: Connection) -> int | None:
    """Check the last records only: what must be sound before the till sells."""
    epoch = current_epoch(connection)
    start = max(head(connection, epoch).seq - TAIL, 0)
    prev = epoch.chain.genesis()
    if start:
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
    facts = connection.execute(
        "SELECT max((SELECT coalesce(max(fact_no), 0) FROM document),"
        " (SELECT coalesce(max(fact_no), 0) FROM payment_step))"
    ).fetchone()[0]
    missing = last < max(facts - epoch.fact_offset, epoch.acked_seq)
    return last + 1 if missing else None
