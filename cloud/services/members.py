"""Members: personal data that travels by field, both ways, in a queue of its own.

What becomes of a change is decided at the `member_desk`. One phone number belongs to one member: who joins
twice gets an alias. Erasing empties the person everywhere, the history included.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from app.wire.messages import (
    ERASE,
    JOIN,
    MEMBERS,
    MemberChange,
    MemberRow,
    MembersPage,
    MembersPush,
    MembersPushAnswer,
)
from cloud.db.feed import next_change
from cloud.db.member_tables import member, member_phone
from cloud.db.rows import upsert
from cloud.errors import Refused
from cloud.services.feed import checked, page_of, read_cursor
from cloud.services.member_desk import MemberDesk
from cloud.services.member_rows import FIELDS, Values, values_of
from cloud.services.streams import member_row, stream_of
from cloud.services.tokens import DevicePrincipal

MAX_CHANGES = 500
MAX_ID = 64
MAX_VALUE = 10_000
_BATCH = 2_000


def push(
    connection: sa.Connection, sender: DevicePrincipal, request: MembersPush, *, now_ms: int
) -> MembersPushAnswer:
    """Take changes in, in order; each gets a verdict. Raises Refused 413 and 422."""
    if len(request.changes) > MAX_CHANGES:
        raise Refused(413, "too_big", f"at most {MAX_CHANGES} changes")
    for change in request.changes:
        _check_form(change)
    desk = MemberDesk(connection, sender, now_ms)
    return MembersPushAnswer(verdicts=[desk.take(change) for change in request.changes])


def pull(
    connection: sa.Connection,
    asking: DevicePrincipal,
    cursor: str,
    limit: int,
    *,
    now_ms: int,
    check: bool = False,
) -> MembersPage:
    """Return the next page of members of the brand. Raises Refused 410 and 422."""
    stream = stream_of(MEMBERS)
    start = read_cursor(connection, cursor, stream, now_ms=now_ms)
    rows, after, more = page_of(connection, stream, asking, start, limit)
    return MembersPage(
        rows=[member_row(row) for row in rows],
        cursor=after.text(),
        more=more,
        server_ms=now_ms,
        checksum=checked(connection, stream, asking, more=more, now_ms=now_ms) if check else "",
    )


def put_members(connection: sa.Connection, tenant_id: str, rows: Iterable[MemberRow]) -> int:
    """Publish members from elsewhere (import, demo), replacing those with the same reference."""
    change, count, batch = next_change(connection), 0, []
    for row in rows:
        batch.append(values_of(tenant_id, row, change))
        if len(batch) == _BATCH:
            count, batch = count + _put(connection, batch), []
    return count + _put(connection, batch)


def _put(connection: sa.Connection, batch: list[Values]) -> int:
    upsert(connection, member, batch)
    phones = [
        {key: values[key] for key in ("tenant_id", "phone", "member_ref")}
        for values in batch
        if values["phone"]
    ]
    upsert(connection, member_phone, phones)
    return len(batch)


def _check_form(change: MemberChange) -> None:
    ids = (change.change_id, change.member_ref, change.settled_ref or "none")
    sound = (
        all(0 < len(text) <= MAX_ID and "\0" not in text for text in ids)
        and change.field in (*FIELDS, JOIN, ERASE)
        and len(change.value) <= MAX_VALUE
        and 0 <= change.base_revision < 2**31
        and 0 <= change.settled_revision < 2**31
        and abs(change.t_ms) < 2**63
    )
    if not sound:
        raise Refused(422, "malformed", f"change {change.change_id[:MAX_ID]!r}")
