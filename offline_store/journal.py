"""The journal table: appending, reading on, acknowledging.

It knows where a record stands in the chain, never what a fact means. Walking whole chains is next door
in `verifying`, letting go of old records in `retention`, another epoch in `epochs`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from itertools import islice
from typing import TYPE_CHECKING

from app.domain.times import Moment
from app.errors import Code, Trouble
from app.ports import JournalMark, Unsent
from app.wire.journal import (
    HASH_BYTES,
    VERSION,
    Damaged,
    Header,
    Kept,
    Record,
    header_bytes,
    is_sound,
    journal_again,
    lost_hash,
    read_chain,
    read_header,
    record_hash,
)
from app.wire.versions import SCHEMA
from offline_store.identity import Epoch, all_epochs, current_epoch

if TYPE_CHECKING:
    from sqlite3 import Connection

_INSERT = "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_READ_ON = (
    "SELECT seq, header, prev_hash, hash, body FROM journal"
    " WHERE epoch = ? AND seq > ? ORDER BY seq LIMIT ?"
)
_PAGE = 500


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
        mark = end(self._connection, self.epoch)
        self.seq, self.hash = mark.seq, mark.hash

    def start(self) -> None:
        """Begin the chain of the newest epoch, in which nothing is yet."""
        self.epoch = current_epoch(self._connection)
        self.seq, self.hash = self.epoch.start

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

    def copy_from(self, old: Epoch, after_seq: int, upto_seq: int) -> None:
        """Journal the records of an older epoch after `after_seq` again, in order, in this one.

        A damaged one stays damaged: a new hash over what is left of it would call it sound.
        """
        prev = hash_at(self._connection, old, after_seq) or lost_hash(old.epoch, after_seq)
        while after_seq < upto_seq:
            rows = []
            for place in read_on(self._connection, old, after_seq, prev, upto_seq, _PAGE):
                rows.append(self._again(place))
                after_seq, prev = place.seq, place.hash
            if not rows:
                return
            self._connection.executemany(_INSERT, rows)

    def _again(self, place: Record | Damaged) -> tuple[object, ...]:
        chain, seq, prev = self.epoch.chain, self.seq + 1, self.hash
        if isinstance(place, Damaged):
            self.seq, self.hash = seq, lost_hash(chain.epoch, seq)
            name = f"damaged-{chain.epoch}-{seq}"
            return (chain.epoch, seq, name, "", place.header, prev, self.hash, place.body)
        again = journal_again(place, chain, seq, prev)
        self.seq, self.hash = seq, again.hash
        said = again.header
        data = header_bytes(said)
        return (chain.epoch, seq, said.rec_id, said.kind, data, prev, again.hash, again.body)


def head(connection: Connection, epoch: Epoch) -> JournalMark:
    """Return the place of the last record that is there, the epoch's start if none is."""
    row = connection.execute(
        "SELECT seq, hash FROM journal WHERE epoch = ? ORDER BY seq DESC LIMIT 1", (epoch.epoch,)
    ).fetchone()
    return JournalMark(epoch.epoch, *(row or epoch.start))


def end(connection: Connection, epoch: Epoch) -> JournalMark:
    """Return the place the next record follows: the last record's, also of one that is lost.

    A journal whose end was cut off goes on behind what its facts and its mark at the cloud say there
    was, so that no number is given twice.
    """
    last = head(connection, epoch)
    if last.seq <= epoch.acked_seq:  # what the cloud confirmed; ours may have rotted
        last = JournalMark(epoch.epoch, epoch.acked_seq, epoch.acked_hash)
    known = newest_fact(connection) - epoch.fact_offset
    if last.seq < known or len(last.hash) != HASH_BYTES:
        seq = max(last.seq, known)
        last = JournalMark(epoch.epoch, seq, lost_hash(epoch.epoch, seq))
    return last


NUMBERED = ("document", "payment_step", "refund_step")
"""The tables that hold a row for each fact, under its number."""


def newest_fact(connection: Connection) -> int:
    """Return the highest number of a fact in this file, 0 before the first."""
    every = [
        f"(SELECT coalesce(max(fact_no), 0) FROM {table})"  # noqa: S608 - our own names
        for table in NUMBERED
    ]
    return int(connection.execute(f"SELECT max({', '.join(every)})").fetchone()[0])


def read_on(
    connection: Connection, epoch: Epoch, after_seq: int, prev_hash: bytes, upto_seq: int, most: int
) -> Iterator[Record | Damaged]:
    """Yield what stands at the places after one, at most `most` of them and none beyond `upto_seq`."""
    # One row more than is asked for: it says how the chain goes on from the last one.
    rows = connection.execute(_READ_ON, (epoch.epoch, after_seq, most + 1)).fetchall()
    places = read_chain(map(_kept, rows), epoch.epoch, prev_hash, after_seq)
    for place in islice(places, most):
        if place.seq > upto_seq:
            return
        yield place


def _kept(row: tuple[int, bytes, bytes, bytes, bytes]) -> Kept:
    return Kept(*row)


def hash_at(connection: Connection, epoch: Epoch, seq: int) -> bytes | None:
    """Return our hash at a place of an epoch, None where we have none.

    A whole record right behind the place has the word; the hash kept there may have rotted.
    """
    if seq == epoch.start[0]:
        return epoch.start[1]
    if seq == epoch.acked_seq:
        return epoch.acked_hash
    rows = connection.execute(
        "SELECT seq, header, prev_hash, hash, body FROM journal"
        " WHERE epoch = ? AND seq BETWEEN ? AND ? + 1 ORDER BY seq",
        (epoch.epoch, seq, seq),
    ).fetchall()
    kept = {row[0]: _kept(row) for row in rows}
    behind, here = kept.get(seq + 1), kept.get(seq)
    if is_sound(behind):
        return behind.prev_hash
    return here.hash if here else None


def sound_at(connection: Connection, places: Iterable[JournalMark]) -> tuple[Record, ...]:
    """Return the records whose hashes these places are said to have, as far as we have them whole; the
    later places of an epoch first.

    What is said of a place may be a guess. A whole record right behind it knows better.
    """
    found: list[Record] = []
    known: dict[tuple[str, int], bytes] = {}
    for place in sorted(places, key=lambda place: (place.epoch, -place.seq)):
        at = (place.epoch, place.seq)
        record = _sound(connection, *at, {place.hash, known.get(at, b"")})
        if record is not None:
            found.append(record)
            known[place.epoch, place.seq - 1] = record.prev_hash
    return tuple(found)


def _sound(connection: Connection, epoch: str, seq: int, hashes: Set[bytes]) -> Record | None:
    """Return the record at a place if it has one of these hashes: that proves its bytes, while what our
    own columns say of hashes may have rotted."""
    row = connection.execute(
        "SELECT j.header, j.body, j.prev_hash, p.hash FROM journal j"
        " LEFT JOIN journal p ON p.epoch = j.epoch AND p.seq = j.seq - 1"
        " WHERE j.epoch = ? AND j.seq = ?",
        (epoch, seq),
    ).fetchone()
    data, body, *before = row or (b"", b"")
    for prev in before:
        if len(prev or b"") == HASH_BYTES:
            hash_ = record_hash(data, prev, body)
            if hash_ in hashes:
                return Record(read_header(data), prev, body, hash_)
    return None


def oldest_unsent_ms(connection: Connection, epoch: Epoch) -> int:
    """Return when the first record the cloud does not hold was made (Unix ms), 0 if it holds all or
    that record says nothing any more."""
    return _made_ms(
        connection.execute(
            "SELECT header FROM journal WHERE epoch = ? AND seq = ?",
            (epoch.epoch, epoch.acked_seq + 1),
        ).fetchone()
    )


def newest_ms(connection: Connection, epoch: Epoch) -> int:
    """Return when the last record was made (Unix ms), 0 before the first of an epoch."""
    return _made_ms(
        connection.execute(
            "SELECT header FROM journal WHERE epoch = ? ORDER BY seq DESC LIMIT 1", (epoch.epoch,)
        ).fetchone()
    )


def _made_ms(row: tuple[bytes] | None) -> int:
    try:
        return read_header(row[0]).t_est_server if row else 0
    except ValueError:  # damaged: the chain's own check says so
        return 0


def read_fact(connection: Connection, fact_no: int) -> tuple[Header, bytes]:
    """Return header and body of a fact's newest record.

    Raises Trouble: RECORD_ARCHIVED where only the cloud still has it, JOURNAL_BROKEN where it is damaged.
    """
    found = connection.execute(
        "SELECT e.pruned_seq >= ?1 - e.fact_offset, j.header, j.prev_hash, j.hash, j.body"
        " FROM epoch e"
        " LEFT JOIN journal j ON j.epoch = e.epoch AND j.seq = ?1 - e.fact_offset"
        " WHERE e.fact_offset + e.opening < ?1 ORDER BY e.place DESC LIMIT 1",
        (fact_no,),
    ).fetchone()
    pruned, data, *hashes, body = found or (False, None, b"", b"", b"")
    if data is None:
        raise Trouble(Code.RECORD_ARCHIVED if pruned else Code.JOURNAL_BROKEN, fact_no=fact_no)
    try:
        header = read_header(data)
        if record_hash(data, hashes[0], body) != hashes[1]:
            raise ValueError("the bytes do not give the hash")
    except ValueError as error:
        raise Trouble(Code.JOURNAL_BROKEN, fact_no=fact_no) from error
    return header, body


def unsent(connection: Connection, *, max_records: int, max_bytes: int) -> Unsent:
    """Return places the cloud does not hold, in order: at least one if there is any, then as many
    as fit both limits (bytes of headers and bodies)."""
    epoch = current_epoch(connection)
    after = JournalMark(epoch.epoch, epoch.acked_seq, epoch.acked_hash)
    return batch_after(connection, epoch, after, max_records=max_records, max_bytes=max_bytes)


def batch_after(
    connection: Connection, epoch: Epoch, after: JournalMark, *, max_records: int, max_bytes: int
) -> Unsent:
    """Return the places that follow one of an epoch, within the same limits."""
    upto = head(connection, epoch).seq
    chosen: list[Record | Damaged] = []
    size = 0
    for place in read_on(connection, epoch, after.seq, after.hash, upto, max_records):
        size += 200 + len(place.body)
        if chosen and size > max_bytes:
            break
        chosen.append(place)
    return Unsent(after.hash, tuple(chosen))


def stretches(connection: Connection) -> tuple[tuple[JournalMark, JournalMark], ...]:
    """Return each enrolled epoch of the present device, the oldest first: the place before its first
    kept record, and its last."""
    epochs = all_epochs(connection)
    return tuple(
        (JournalMark(each.epoch, *each.start), head(connection, each))
        for each in reversed(epochs)
        if each.enrolled and each.chain.device == epochs[0].chain.device
    )


def mark_received(connection: Connection, seq: int, hash_: bytes) -> bool:
    """Set the acknowledged mark, forward or (a restored server) back, if the hash is ours."""
    epoch = current_epoch(connection)
    if seq == 0:
        hash_ = hash_ or epoch.chain.genesis()  # the cloud has no hash for "nothing yet"
    if hash_at(connection, epoch, seq) != hash_ and _walked_to(connection, epoch, seq) != hash_:
        return False
    connection.execute(
        "UPDATE epoch SET acked_seq = ?, acked_hash = ? WHERE epoch = ?",
        (seq, hash_, epoch.epoch),
    )
    return True


def _walked_to(connection: Connection, epoch: Epoch, seq: int) -> bytes | None:
    """Return the hash the chain goes on from after `seq`, where the kept one has rotted or is gone:
    what was sent sealed has the hash that was said for it."""
    after, prev = epoch.acked_seq, epoch.acked_hash
    while after < seq:
        before = after
        for place in read_on(connection, epoch, after, prev, seq, _PAGE):
            after, prev = place.seq, place.hash
        if after == before:
            return None
    return prev if after == seq else None
