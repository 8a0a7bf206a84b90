"""Members: personal data that travels by field, both ways, in a queue of its own.

A change is applied if the till knew the field's newest revision or made it itself (what it changes
twice while offline arrives in order), otherwise the server's value stands and the other is kept in the
history. One phone number belongs to one member: who joins twice gets
an alias. Erasing empties the person everywhere, the history included.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from app.domain.member import MAX_NAME, MAX_NOTE, clean_text, normal_phone
from app.errors import RuleBroken
from app.wire.checksum import member_sum
from app.wire.messages import (
    MEMBERS,
    UNREADABLE,
    MemberChange,
    MemberRow,
    MembersPage,
    MembersPush,
    MembersPushAnswer,
    MemberVerdict,
)
from app.wire.searchkeys import search_keys
from cloud.db.distribution import across
from cloud.db.feed import next_change
from cloud.db.member_tables import member, member_alias, member_change, member_phone
from cloud.db.rows import insert, upsert
from cloud.errors import Refused
from cloud.services.feed import checked, page_of, read_cursor
from cloud.services.streams import member_row, stream_of
from cloud.services.tokens import DevicePrincipal

APPLIED, KEPT, ALIAS, DUPLICATE = "applied", "kept", "alias", "duplicate"
FIELDS = ("name", "phone", "tier", "note")
MAX_CHANGES = 500
MAX_TIER = 20
MAX_ID = 64
MAX_VALUE = 10_000
_BATCH = 2_000

Values = dict[str, Any]


class Joined(msgspec.Struct, frozen=True):
    """The value of a change of the field "join"."""

    name: str = ""
    phone: str = ""
    tier: str = ""
    note: str = ""


def push(
    connection: sa.Connection, sender: DevicePrincipal, request: MembersPush, *, now_ms: int
) -> MembersPushAnswer:
    """Take changes in, in order; each gets a verdict. Raises Refused 413 and 422."""
    if len(request.changes) > MAX_CHANGES:
        raise Refused(413, "too_big", f"at most {MAX_CHANGES} changes")
    for change in request.changes:
        _check_form(change)
    desk = _Desk(connection, sender, now_ms)
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
        batch.append(_values_of(tenant_id, row, change))
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
    ids = (change.change_id, change.member_ref)
    sound = (
        all(0 < len(text) <= MAX_ID and "\0" not in text for text in ids)
        and change.field in (*FIELDS, "join", "erase")
        and len(change.value) <= MAX_VALUE
        and 0 <= change.base_revision < 2**31
        and abs(change.t_ms) < 2**63
    )
    if not sound:
        raise Refused(422, "malformed", f"change {change.change_id[:MAX_ID]!r}")


class _Desk:
    """Takes the changes of one push, inside its transaction."""

    def __init__(self, connection: sa.Connection, sender: DevicePrincipal, now_ms: int) -> None:
        self._connection = connection
        self._sender = sender
        self._now_ms = now_ms
        self._change = next_change(connection)

    def take(self, change: MemberChange) -> MemberVerdict:
        """Apply one change, or say why not; the same change again is known."""
        before = self._seen(change)
        if before is not None:
            return before
        if change.field == "join":
            verdict, old = self._join(change), ""
        else:
            verdict, old = self._edit(change)
        if verdict.verdict == KEPT:
            # The till shows its own value and may be past this row: it comes again, to all of them.
            self._update(verdict.member_ref)
        erased = verdict.verdict == KEPT and self._is_erased(verdict.member_ref)
        self._remember(change, verdict, old, forget=erased or change.field == "erase")
        return verdict

    def _seen(self, change: MemberChange) -> MemberVerdict | None:
        # It was kept under the member it was then about, which may be an alias' owner by now.
        refs = [change.member_ref, self._resolved(change.member_ref)]
        row = self._connection.execute(
            sa.select(member_change).where(
                member_change.c.tenant_id == self._sender.tenant,
                member_change.c.member_ref.in_(refs),
                member_change.c.change_id == change.change_id,
            )
        ).first()
        if row is None:
            return None
        # A lost answer must not lose what it said.
        verdict = row.verdict if row.verdict in (ALIAS, KEPT) else DUPLICATE
        return _verdict(change, verdict, row.member_ref, row.revision)

    def _join(self, change: MemberChange) -> MemberVerdict:
        known = self._member(self._resolved(change.member_ref))
        if known is not None:
            return _verdict(change, KEPT, known.member_ref, known.revision)
        fields = _joined(change.value)
        owner = self._claim(fields.phone, change.member_ref)
        if owner != change.member_ref:
            self._insert(member_alias, alias_ref=change.member_ref, member_ref=owner)
            first = self._member(owner)
            return _verdict(change, ALIAS, owner, first.revision if first else 0)
        row = _with_keys(msgspec.structs.replace(fields, member_ref=change.member_ref))
        values = _values_of(self._sender.tenant, row, self._change)
        self._connection.execute(sa.insert(member).values(values))
        return _verdict(change, APPLIED, change.member_ref, 1)

    def _edit(self, change: MemberChange) -> tuple[MemberVerdict, str]:
        """Return the verdict and the value that was there before."""
        row = self._member(self._resolved(change.member_ref))
        if row is None:
            return _verdict(change, KEPT, change.member_ref, 0), ""
        if row.erased or change.field == "erase":
            return self._erase(change, row), ""
        old: str = row._mapping[change.field]
        value = _cleaned(change.field, change.value)
        newest: int = row._mapping[f"{change.field}_revision"]
        newer = newest > change.base_revision and not self._is_own(row.member_ref, newest)
        if value is None or newer or not self._phone_free(change.field, old, value, row):
            return _verdict(change, KEPT, row.member_ref, row.revision), old
        revision = row.revision + 1
        values: Values = {change.field: value, f"{change.field}_revision": revision}
        if change.field == "name":
            keys = search_keys(value)
            values |= {"search": keys.tokens, "pinyin": keys.pinyin, "initials": keys.initials}
        self._update(row.member_ref, revision=revision, **values)
        return _verdict(change, APPLIED, row.member_ref, revision), old

    def _erase(self, change: MemberChange, row: sa.Row[Any]) -> MemberVerdict:
        if row.erased:
            return _verdict(change, KEPT, row.member_ref, row.revision)
        tenant = self._sender.tenant
        refs = [row.member_ref, *self._aliases(row.member_ref)]
        self._connection.execute(
            across(
                sa.delete(member_phone).where(
                    member_phone.c.tenant_id == tenant, member_phone.c.member_ref.in_(refs)
                ),
                "erasure",
            )
        )
        self._connection.execute(
            sa.update(member_change)
            .where(member_change.c.tenant_id == tenant, member_change.c.member_ref.in_(refs))
            .values(before="", value="")
        )
        empty = dict.fromkeys((*FIELDS, "search", "pinyin", "initials"), "")
        self._update(row.member_ref, revision=row.revision + 1, erased=True, points=0, **empty)
        return _verdict(change, APPLIED, row.member_ref, row.revision + 1)

    def _is_own(self, member_ref: str, revision: int) -> bool:
        """Tell whether the asking till itself brought a member to this revision."""
        own = sa.exists().where(
            member_change.c.tenant_id == self._sender.tenant,
            member_change.c.member_ref == member_ref,
            member_change.c.revision == revision,
            member_change.c.verdict == APPLIED,
            member_change.c.device_id == self._sender.device,
        )
        return bool(self._connection.scalar(sa.select(own)))

    def _phone_free(self, field: str, old: str, value: str | None, row: sa.Row[Any]) -> bool:
        """Move the number over if the field is a phone. False if it is another member's."""
        if field != "phone" or value == old:
            return True
        if value and self._claim(value, row.member_ref) != row.member_ref:
            return False
        self._connection.execute(
            sa.delete(member_phone).where(
                member_phone.c.tenant_id == self._sender.tenant, member_phone.c.phone == old
            )
        )
        return True

    def _claim(self, phone: str, member_ref: str) -> str:
        """Return who owns the number, which is `member_ref` if nobody did."""
        if not phone:
            return member_ref
        tenant = self._sender.tenant
        self._connection.execute(
            insert(self._connection, member_phone)
            .values(tenant_id=tenant, phone=phone, member_ref=member_ref)
            .on_conflict_do_nothing()
        )
        owner: str = self._connection.execute(
            sa.select(member_phone.c.member_ref).where(
                member_phone.c.tenant_id == tenant, member_phone.c.phone == phone
            )
        ).scalar_one()
        return owner

    def _resolved(self, member_ref: str) -> str:
        found: str | None = self._connection.scalar(
            sa.select(member_alias.c.member_ref).where(
                member_alias.c.tenant_id == self._sender.tenant,
                member_alias.c.alias_ref == member_ref,
            )
        )
        return found or member_ref

    def _aliases(self, member_ref: str) -> list[str]:
        query = sa.select(member_alias.c.alias_ref).where(
            member_alias.c.tenant_id == self._sender.tenant,
            member_alias.c.member_ref == member_ref,
        )
        return list(self._connection.scalars(across(query, "erasure")))

    def _member(self, member_ref: str) -> sa.Row[Any] | None:
        query = sa.select(member).where(
            member.c.tenant_id == self._sender.tenant, member.c.member_ref == member_ref
        )
        return self._connection.execute(query.with_for_update()).first()

    def _update(self, member_ref: str, **values: object) -> None:
        self._connection.execute(
            sa.update(member)
            .where(member.c.tenant_id == self._sender.tenant, member.c.member_ref == member_ref)
            .values(change=self._change, **values)
        )
        self._sum_up(member_ref)

    def _sum_up(self, member_ref: str) -> None:
        """Let the checksum follow what a member has become."""
        row = self._member(member_ref)
        if row is not None:
            self._connection.execute(
                sa.update(member)
                .where(member.c.tenant_id == self._sender.tenant, member.c.member_ref == member_ref)
                .values(row_sum=member_sum(member_row(row)))
            )

    def _insert(self, table: sa.Table, **values: object) -> None:
        self._connection.execute(sa.insert(table).values(tenant_id=self._sender.tenant, **values))

    def _is_erased(self, member_ref: str) -> bool:
        query = sa.select(member.c.erased).where(
            member.c.tenant_id == self._sender.tenant, member.c.member_ref == member_ref
        )
        return bool(self._connection.scalar(query))

    def _remember(
        self, change: MemberChange, verdict: MemberVerdict, old: str, *, forget: bool
    ) -> None:
        """Keep a change; with `forget` only that there was one."""
        self._insert(
            member_change,
            change_id=change.change_id,
            member_ref=verdict.member_ref,
            field=change.field,
            before="" if forget else old,
            value="" if forget else change.value.replace("\0", ""),
            base_revision=change.base_revision,
            revision=verdict.revision,
            verdict=verdict.verdict,
            store_id=self._sender.store,
            device_id=self._sender.device,
            t_ms=change.t_ms,
            received_ms=self._now_ms,
        )


def _verdict(change: MemberChange, verdict: str, member_ref: str, revision: int) -> MemberVerdict:
    return MemberVerdict(
        change_id=change.change_id, verdict=verdict, member_ref=member_ref, revision=revision
    )


def _cleaned(field: str, value: str) -> str | None:
    """Return a field as it may be stored, None if it may not."""
    try:
        match field:
            case "name":
                return clean_text(value, limit=MAX_NAME)
            case "note":
                return clean_text(value, limit=MAX_NOTE)
            case "tier":
                return clean_text(value, limit=MAX_TIER)
            case _:
                return normal_phone(value) if value else ""
    except RuleBroken:
        return None


def _joined(value: str) -> MemberRow:
    """Read a new member's fields; what cannot be stored is left empty, the member still counts."""
    try:
        joined = msgspec.json.decode(value, type=Joined)
    except (*UNREADABLE, UnicodeEncodeError):
        joined = Joined()
    return MemberRow(
        member_ref="",
        revision=1,
        name=_cleaned("name", joined.name) or "",
        phone=_cleaned("phone", joined.phone) or "",
        tier=_cleaned("tier", joined.tier) or "",
        note=_cleaned("note", joined.note) or "",
    )


def _with_keys(row: MemberRow) -> MemberRow:
    keys = search_keys(row.name)
    return msgspec.structs.replace(
        row, search=keys.tokens, pinyin=keys.pinyin, initials=keys.initials
    )


def _values_of(tenant_id: str, row: MemberRow, change: int) -> Values:
    values = msgspec.structs.asdict(row)
    revisions = {f"{field}_revision": row.revision for field in FIELDS}
    summed = {"row_sum": member_sum(row), "change": change}
    return {"tenant_id": tenant_id, **summed, **values, **revisions}
