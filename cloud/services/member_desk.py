"""Decides what becomes of one change of a member.

A change is applied if the till knew the field's newest revision or made it itself (what it changes twice
while offline arrives in order); otherwise the server's value stands and the other is kept in the history.

What was settled before we came back from a backup comes again with the revision it led to. Then the
highest revision of a field counts, whichever till comes first, and whom we do not know yet is made, to be
filled by whoever has the rest. Revisions of a new history begin above those any till has seen. An erasure
wins over everything, also when the erased member is not here.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from app.domain.member import MAX_NAME, MAX_NOTE, clean_text, normal_phone
from app.errors import RuleBroken
from app.wire.messages import ERASE, JOIN, UNREADABLE, MemberChange, MemberRow, MemberVerdict
from cloud.db.feed import next_change
from cloud.db.member_tables import member_change
from cloud.services.member_rows import FIELDS, MemberRows, Values, keys_of, with_keys
from cloud.services.tokens import DevicePrincipal

APPLIED, KEPT, ALIAS, DUPLICATE = "applied", "kept", "alias", "duplicate"
MAX_TIER = 20
MOST_LOST = 100_000
"""So many revisions of a member may lie between a backup and what a till has seen; a number further off
is no accident, and none may use them up."""


class Joined(msgspec.Struct, frozen=True):
    """The value of a change of the field "join"."""

    name: str = ""
    phone: str = ""
    tier: str = ""
    note: str = ""


class MemberDesk:
    """Takes the changes of one push, inside its transaction."""

    def __init__(self, connection: sa.Connection, sender: DevicePrincipal, now_ms: int) -> None:
        self._connection = connection
        self._sender = sender
        self._now_ms = now_ms
        self._rows = MemberRows(connection, sender.tenant, next_change(connection))

    def take(self, change: MemberChange) -> MemberVerdict:
        """Apply one change, or say why not; the same change again is known."""
        before = self._seen(change) or self._known_erasure(change)
        if before is not None:
            return before
        if change.field == JOIN:
            verdict, old = self._join(change), ""
        else:
            verdict, old = self._edit(change)
        if verdict.verdict == KEPT:
            # The till shows its own value and may be past this row: it comes again, to all of them.
            self._rows.update(verdict.member_ref)
        erased = verdict.verdict == KEPT and self._rows.is_erased(verdict.member_ref)
        self._remember(change, verdict, old, forget=erased or change.field == ERASE)
        return verdict

    def _seen(self, change: MemberChange) -> MemberVerdict | None:
        # It was kept under the member it was then about, which may be an alias' owner by now.
        told = {change.member_ref, change.settled_ref or change.member_ref}
        refs = told | {self._rows.resolved(ref) for ref in told}
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

    def _known_erasure(self, change: MemberChange) -> MemberVerdict | None:
        """Every till tells of every erasure once we begin another history: most are news to nobody."""
        if change.field != ERASE or not change.settled_revision:
            return None
        row = self._rows.find(change.member_ref)
        if row is None or not row.erased:
            return None
        return _verdict(change, DUPLICATE, row.member_ref, row.revision)

    def _join(self, change: MemberChange) -> MemberVerdict:
        first = change.settled_ref or change.member_ref
        known = self._rows.find(self._rows.resolved(first))
        if known is None:
            verdict = self._welcome(change, first)
        elif known.erased or not change.settled_revision or known.member_ref == change.member_ref:
            return self._fill(change, known)
        else:
            verdict = _verdict(change, ALIAS, known.member_ref, known.revision)
        if verdict.member_ref == change.member_ref:
            return verdict
        self._rows.lead(change.member_ref, verdict.member_ref)
        return msgspec.structs.replace(verdict, verdict=ALIAS)

    def _welcome(self, change: MemberChange, member_ref: str) -> MemberVerdict:
        """Make a new member, unless the number says that it is somebody known."""
        fields = _joined(change.value)
        owner = self._rows.claim(fields.phone, member_ref)
        if owner != member_ref:
            if member_ref != change.member_ref:
                self._rows.lead(member_ref, owner)
            there = self._rows.find(owner)
            return _verdict(change, ALIAS, owner, there.revision if there else 0)
        row = with_keys(msgspec.structs.replace(fields, member_ref=member_ref))
        # What somebody said who joined later is to give way to what the member's own joining said.
        self._rows.add(row, revisions=0 if change.settled_ref else 1)
        return _verdict(change, APPLIED, member_ref, 1)

    def _fill(self, change: MemberChange, row: sa.Row[Any]) -> MemberVerdict:
        """Give a member we know the fields of a joining we have lost, where nothing newer is known."""
        kept = _verdict(change, KEPT, row.member_ref, row.revision)
        settled = _credible(change.settled_revision, row)
        if row.erased or not settled:
            return kept
        said = _joined(change.value)
        fresh = {
            field: getattr(said, field)
            for field in FIELDS
            if row._mapping[f"{field}_revision"] < settled
        }
        if not self._rows.move_number(row.phone, fresh.get("phone", row.phone), row.member_ref):
            del fresh["phone"]
        if not fresh:
            return kept
        self._put(row, fresh, settled, max(row.revision + 1, settled))
        return _verdict(change, APPLIED, row.member_ref, settled)

    def _edit(self, change: MemberChange) -> tuple[MemberVerdict, str]:
        """Return the verdict and the value that was there before."""
        row = self._member_of(change)
        if row is None:
            return _verdict(change, KEPT, change.member_ref, 0), ""
        settled = _credible(change.settled_revision, row)
        seen = _credible(change.base_revision, row)
        revision = max(row.revision, seen, settled - 1) + 1
        if row.erased or change.field == ERASE:
            return self._erase(change, row, revision), ""
        old: str = row._mapping[change.field]
        value = _cleaned(change.field, change.value)
        if value is None or self._is_newer(change, row, settled):
            return _verdict(change, KEPT, row.member_ref, row.revision), old
        if change.field == "phone" and not self._rows.move_number(old, value, row.member_ref):
            return _verdict(change, KEPT, row.member_ref, row.revision), old
        self._put(row, {change.field: value}, settled or revision, revision)
        return _verdict(change, APPLIED, row.member_ref, settled or revision), old

    def _member_of(self, change: MemberChange) -> sa.Row[Any] | None:
        """Return whom a change is about; somebody we have lost is made, empty, to be filled by others."""
        rows, ref = self._rows, change.member_ref
        resolved = rows.resolved(ref)
        if change.settled_revision and change.field == ERASE and resolved != ref:
            # Who came back under another reference was not erased, but nothing leads from one to the other.
            rows.lead_nowhere(ref)
            resolved = ref
        row = rows.find(resolved)
        # Who was erased before we ever heard of them: their joining may still be on its way.
        if row is None and (change.settled_revision or change.field == ERASE):
            rows.add(MemberRow(member_ref=ref, revision=0), revisions=0)
            row = rows.find(ref)
        return row

    def _is_newer(self, change: MemberChange, row: sa.Row[Any], settled: int) -> bool:
        """Tell whether what is here of a field counts more than a change of it."""
        newest: int = row._mapping[f"{change.field}_revision"]
        if settled:
            return newest >= settled
        return newest > change.base_revision and not self._is_own(row.member_ref, newest)

    def _put(
        self, row: sa.Row[Any], fresh: dict[str, str], field_revision: int, revision: int
    ) -> None:
        values: Values = {**fresh, **{f"{field}_revision": field_revision for field in fresh}}
        if "name" in fresh:
            values |= keys_of(fresh["name"])
        self._rows.update(row.member_ref, revision=revision, **values)

    def _erase(self, change: MemberChange, row: sa.Row[Any], revision: int) -> MemberVerdict:
        if row.erased:
            return _verdict(change, KEPT, row.member_ref, row.revision)
        self._rows.empty(row.member_ref, revision)
        return _verdict(change, APPLIED, row.member_ref, revision)

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

    def _remember(
        self, change: MemberChange, verdict: MemberVerdict, old: str, *, forget: bool
    ) -> None:
        """Keep a change; with `forget` only that there was one."""
        self._connection.execute(
            sa.insert(member_change).values(
                tenant_id=self._sender.tenant,
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
        )


def _credible(revision: int, row: sa.Row[Any]) -> int:
    """Return a revision a till speaks of, 0 where no cloud of ours can have told it."""
    return revision if revision <= min(row.revision + MOST_LOST, 2**30) else 0


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
