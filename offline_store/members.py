"""Members on this till: looked up by phone, name, pinyin or initials; changed at once and queued.

Personal data stays in these tables and out of every fact; erasing empties them without a trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from app.domain.member import Member
from app.domain.times import Moment
from app.errors import Code, Trouble
from app.ports import SnapshotPiece
from app.wire.checksum import member_sum
from app.wire.messages import (
    ERASE,
    JOIN,
    MEMBERS,
    UNREADABLE,
    MemberChange,
    MemberRow,
    MembersPage,
    MembersPushAnswer,
)
from app.wire.searchkeys import search_keys
from offline_store import device, feeds, member_lease, member_refusals, member_settled, scrubbing
from offline_store.rows import MEMBER_COLUMNS, member_of
from offline_store.search import (
    member_query_of,
    other_letters,
    phone_text,
    sound_tokens,
    words_of,
)

if TYPE_CHECKING:
    from sqlite3 import Connection

CURSOR = MEMBERS
_FIELDS = ("name", "phone", "tier", "note")
"""Fields a till may change."""

_MEMBER = f"SELECT {MEMBER_COLUMNS} FROM member m "  # noqa: S608 - our own columns
_CHANGE = f"SELECT {member_settled.COLUMNS} FROM member_change "  # noqa: S608 - our own columns
_PUT = (
    "INSERT INTO member (member_ref, revision, name, phone, tier, points, note, erased)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (member_ref) DO UPDATE SET"
    " revision = excluded.revision, name = excluded.name, phone = excluded.phone,"
    " tier = excluded.tier, points = excluded.points, note = excluded.note,"
    " erased = excluded.erased"
)
_INDEX = "INSERT INTO member_search (rowid, keys) VALUES (?, ?)"
_NUMBERS = (
    "SELECT m.member_ref, m.member_no FROM json_each(?) k"
    " CROSS JOIN member m ON m.member_ref = k.value"
)
_PENDING = (
    _CHANGE + "WHERE member_ref IN (SELECT value FROM json_each(?)) ORDER BY place"  # noqa: S608 - our own text
)
_decode = msgspec.json.Decoder(MemberRow).decode


# --- looking up ---------------------------------------------------------------------------------


def find(connection: Connection, text: str, limit: int) -> tuple[Member, ...]:
    """Return members by any part of the phone from three digits, or by name, pinyin or initials."""
    query, digits = member_query_of(text)
    if not query or member_lease.is_over(connection):
        return ()
    # Parts of three digits may lie apart in another number: the phone itself decides.
    contained = "".join(" AND instr(m.phone, ?) > 0" for _ in digits)
    rows = connection.execute(
        f"SELECT {MEMBER_COLUMNS} FROM member_search"  # noqa: S608 - our own text
        " CROSS JOIN member m ON m.member_no = member_search.rowid"
        f" WHERE member_search MATCH ?{contained} ORDER BY member_search.rowid LIMIT ?",
        (query, *digits, limit),
    ).fetchall()
    return tuple(member_of(row) for row in rows)


def by_ref(connection: Connection, member_ref: str) -> Member | None:
    """Return a member, also by a reference they had before the cloud knew them."""
    row = connection.execute(
        _MEMBER + "WHERE member_ref = ?", (real_ref(connection, member_ref),)
    ).fetchone()
    return member_of(row) if row else None


def real_ref(connection: Connection, member_ref: str) -> str:
    """Return the reference that stands for a member now."""
    row = connection.execute(
        "SELECT member_ref FROM member_alias WHERE alias = ?", (member_ref,)
    ).fetchone()
    return row[0] if row else member_ref


def all_refs(connection: Connection, member_ref: str) -> list[str]:
    """Return every reference the documents of a member may carry."""
    real = real_ref(connection, member_ref)
    rows = connection.execute("SELECT alias FROM member_alias WHERE member_ref = ?", (real,))
    return [real, *(row[0] for row in rows.fetchall())]


# --- changing -----------------------------------------------------------------------------------


def change(connection: Connection, change: MemberChange) -> None:
    """Apply a change here at once and queue it for the cloud. The same change twice is one."""
    added = connection.execute(
        "INSERT INTO member_change (change_id, member_ref, field, value, base_revision, t_ms)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (change_id) DO NOTHING",
        (
            change.change_id,
            real_ref(connection, change.member_ref),
            change.field,
            change.value,
            change.base_revision,
            change.t_ms,
        ),
    )
    if added.rowcount:
        _apply(connection, change)


def queue(connection: Connection, limit: int) -> tuple[MemberChange, ...]:
    """Return the oldest unsettled changes."""
    rows = connection.execute(_CHANGE + "ORDER BY place LIMIT ?", (limit,)).fetchall()
    return tuple(_change(row) for row in rows)


def kept(connection: Connection) -> tuple[MemberChange, ...]:
    """Return every change no cloud has taken: those in the queue, then those it refused."""
    refused = [_change(row) for row in member_refusals.changes(connection)]
    return (*queue(connection, -1), *refused)


def settle(connection: Connection, answer: MembersPushAnswer, newest_fact: int) -> None:
    """Take the cloud's verdicts: what is decided leaves the queue, an alias renames the member.

    What counts at the cloud is kept aside while a backup of it may lack it; `newest_fact` dates it. Where
    the server's value stands it comes with the next page. Until then the member keeps the
    revision the guide has seen, or a second try would overwrite a value nobody looked at.
    """
    for verdict in answer.verdicts:
        row = connection.execute(
            f"DELETE FROM member_change WHERE change_id = ? RETURNING {member_settled.COLUMNS}",  # noqa: S608 - our own columns
            (verdict.change_id,),
        ).fetchall()
        if not row:
            continue
        change = _change(row[0])
        member_ref = change.member_ref
        member_settled.keep(connection, change, verdict, newest_fact)
        if change.field == ERASE and verdict.verdict in ("applied", "duplicate"):
            erased = MemberRow(member_ref=member_ref, revision=verdict.revision, erased=True)
            put(connection, [erased])
            continue
        # Whatever the verdict: after a restore a reference may lead to somebody else than before.
        if verdict.member_ref not in ("", member_ref):
            _rename(connection, member_ref, verdict.member_ref)
        if verdict.revision and verdict.verdict in ("applied", "duplicate"):
            connection.execute(
                "UPDATE member SET revision = max(revision, ?) WHERE member_ref = ?",
                (verdict.revision, member_ref),
            )


def apply_page(connection: Connection, page: MembersPage, now: Moment) -> None:
    """Apply a page of members and its cursor. Changes still in the queue stay on top of it."""
    member_lease.followed(connection, now, to_its_end=not page.more)
    put(connection, page.rows)
    device.set_cursor(connection, CURSOR, page.cursor)


def forget_all(connection: Connection) -> None:
    """Forget every member at once, where nobody sells meanwhile; changes that are not sent yet stay.

    Scrubbing leaves no byte of them afterwards.
    """
    with scrubbing.thorough(connection):
        connection.execute("DELETE FROM member")
        connection.execute("INSERT INTO member_search (member_search) VALUES ('delete-all')")
    device.set_cursor(connection, CURSOR, "")
    feeds.clear(connection, CURSOR)
    scrubbing.begin(connection)


def apply_snapshot(connection: Connection, piece: SnapshotPiece) -> None:
    """Apply rows of a snapshot. Raises Trouble(CLOUD_MESSAGE_INVALID) for what is no member."""
    try:
        rows = [_decode(row.body) for row in piece.rows]
    except UNREADABLE as error:
        raise Trouble(Code.CLOUD_MESSAGE_INVALID, stream=CURSOR, detail=str(error)) from error
    put(connection, rows)


def tell_lost(connection: Connection, refs: Sequence[str], now: Moment) -> None:
    """Queue members whom the cloud no longer names, as they are here: it came back from a backup that
    lacks them, and whoever let them join may be gone."""
    for member in filter(None, (by_ref(connection, ref) for ref in refs)):
        if not member.revision or member_settled.is_erased(connection, member.member_ref):
            continue
        said = {name: getattr(member, name) for name in _FIELDS}
        member_settled.queue_lost(connection, member.member_ref, said, member.revision, now)


def put(connection: Connection, rows: Sequence[MemberRow]) -> None:
    """Take members over as the cloud has them."""
    if any(row.erased and _knows(connection, row.member_ref) for row in rows):
        scrubbing.begin(connection)
    feeds.note(connection, CURSOR, {row.member_ref: member_sum(row) for row in rows})
    newest = {row.member_ref: row for row in rows}
    kept = member_settled.without_erased(connection, list(newest.values()))
    taken = [_emptied(row) if row.erased else row for row in kept]
    refs = msgspec.json.encode([row.member_ref for row in taken]).decode()
    known = {row[0] for row in connection.execute(_NUMBERS, (refs,)).fetchall()}
    connection.executemany(_PUT, [_values(row) for row in taken])
    numbers = dict(connection.execute(_NUMBERS, (refs,)).fetchall())
    # A member who is new has no entry yet, and looking for one in the index costs more than making one.
    connection.executemany(
        "DELETE FROM member_search WHERE rowid = ?", [(numbers[ref],) for ref in known]
    )
    keys = ((numbers[row.member_ref], _keys_of(row)) for row in taken)
    connection.executemany(_INDEX, [entry for entry in keys if entry[1]])
    for erased in (row.member_ref for row in taken if row.erased):
        connection.execute("DELETE FROM member_change WHERE member_ref = ?", (erased,))
        connection.execute("DELETE FROM member_alias WHERE alias = ?", (erased,))
        member_refusals.forget(connection, erased)
        member_settled.forget(connection, erased)
    for change_row in connection.execute(_PENDING, (refs,)).fetchall():
        _apply(connection, _change(change_row))


def _emptied(row: MemberRow) -> MemberRow:
    return MemberRow(member_ref=row.member_ref, revision=row.revision, erased=True)


def _values(row: MemberRow) -> tuple[Any, ...]:
    return (
        *(row.member_ref, row.revision, row.name, row.phone),
        *(row.tier, row.points, row.note, row.erased),
    )


def _keys_of(row: MemberRow) -> str:
    # The tokens of a name travel with it; only what the cloud's version may not know is added here.
    words = [*row.search.split(), *other_letters(row.name)] if row.search else words_of(row.name)
    return _entry([*words, *sound_tokens(row.pinyin, row.initials)], row.phone)


def _entry(words: Sequence[str], phone: str) -> str:
    return " ".join([*dict.fromkeys(words), phone_text(phone.lstrip("+"))]).strip()


def _knows(connection: Connection, member_ref: str) -> bool:
    """Tell whether anything is kept of somebody, here or in the queue."""
    known = connection.execute(
        "SELECT 1 FROM member WHERE member_ref = ? AND erased = 0"
        " UNION ALL SELECT 1 FROM member_change WHERE member_ref = ? LIMIT 1",
        (member_ref, member_ref),
    )
    return known.fetchone() is not None or member_settled.knows(connection, member_ref)


def _apply(connection: Connection, change: MemberChange) -> None:
    member_ref = real_ref(connection, change.member_ref)
    if change.field == ERASE:
        _erase(connection, member_ref)
        return
    if change.field == JOIN:
        fields = msgspec.json.decode(change.value, type=dict[str, Any])
        connection.execute(
            "INSERT INTO member (member_ref, revision, name, phone, tier, points, note)"
            " VALUES (?, 0, '', '', '', 0, '') ON CONFLICT (member_ref) DO NOTHING",
            (member_ref,),
        )
    else:
        fields = {change.field: change.value}
    for name in _FIELDS:
        if name in fields:
            connection.execute(
                f"UPDATE member SET {name} = ? WHERE member_ref = ?",  # noqa: S608 - from _FIELDS
                (fields[name], member_ref),
            )
    if "name" in fields or "phone" in fields:
        _index_again(connection, member_ref)


def _erase(connection: Connection, member_ref: str) -> None:
    """Forget a person here; that they were there and are to be erased is all that stays to be sent."""
    connection.execute(
        "DELETE FROM member_search WHERE rowid IN"
        " (SELECT member_no FROM member WHERE member_ref = ? AND erased = 0)",
        (member_ref,),
    )
    connection.execute(
        "UPDATE member SET name = '', phone = '', tier = '', points = 0, note = '', erased = 1"
        " WHERE member_ref = ?",
        (member_ref,),
    )
    connection.execute(
        "DELETE FROM member_change WHERE member_ref = ? AND field NOT IN (?, ?)",
        (member_ref, JOIN, ERASE),
    )
    # Emptied, not dropped: it may be at the cloud already, whose answer says who they were there.
    connection.execute(
        "UPDATE member_change SET value = '{}' WHERE member_ref = ? AND field = ?",
        (member_ref, JOIN),
    )
    member_refusals.forget(connection, member_ref)
    member_settled.forget(connection, member_ref)
    scrubbing.begin(connection)


def _index_again(connection: Connection, member_ref: str) -> None:
    member = by_ref(connection, member_ref)
    if member is None:
        return
    keys = search_keys(member.name)
    sounds = sound_tokens(keys.pinyin, keys.initials)
    _index(connection, member_ref, [*words_of(member.name), *sounds], member.phone)


def _index(connection: Connection, member_ref: str, keys: Sequence[str], phone: str) -> None:
    (member_no,) = connection.execute(
        "SELECT member_no FROM member WHERE member_ref = ?", (member_ref,)
    ).fetchone()
    connection.execute("DELETE FROM member_search WHERE rowid = ?", (member_no,))
    entry = _entry(keys, phone)
    if entry:
        connection.execute(_INDEX, (member_no, entry))


def _rename(connection: Connection, alias: str, member_ref: str) -> None:
    """The cloud knew this person before: what was noted under our reference is theirs."""
    connection.execute("INSERT OR REPLACE INTO member_alias VALUES (?, ?)", (alias, member_ref))
    connection.execute(
        "UPDATE member_change SET member_ref = ? WHERE member_ref = ?", (member_ref, alias)
    )
    member_refusals.rename(connection, alias, member_ref)
    member_settled.rename(connection, alias, member_ref)
    known = connection.execute(
        "SELECT 1 FROM member WHERE member_ref = ?", (member_ref,)
    ).fetchone()
    if known:
        row = connection.execute(
            "DELETE FROM member WHERE member_ref = ? RETURNING member_no", (alias,)
        ).fetchall()
        connection.executemany("DELETE FROM member_search WHERE rowid = ?", row)
    else:
        connection.execute(
            "UPDATE member SET member_ref = ? WHERE member_ref = ?", (member_ref, alias)
        )


def _change(row: Sequence[Any]) -> MemberChange:
    change_id, member_ref, field, value, base_revision, t_ms, settled_ref, settled_revision = row
    return MemberChange(
        change_id=change_id,
        member_ref=member_ref,
        field=field,
        value=value,
        base_revision=base_revision,
        t_ms=t_ms,
        settled_ref=settled_ref,
        settled_revision=settled_revision,
    )
