"""The rows behind one member: theirs, their number and the references that lead to them. Every look-up
names the tenant and lies with its member, its number or its alias; knows nothing of who may change what.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from app.wire.checksum import member_sum
from app.wire.messages import MemberRow
from app.wire.searchkeys import search_keys
from cloud.db.distribution import across
from cloud.db.member_tables import member, member_alias, member_change, member_phone
from cloud.db.rows import insert
from cloud.services.streams import member_row

FIELDS = ("name", "phone", "tier", "note")
Values = dict[str, Any]


def with_keys(row: MemberRow) -> MemberRow:
    """Return a member with the search keys of the name."""
    return msgspec.structs.replace(row, **keys_of(row.name))


def keys_of(name: str) -> dict[str, str]:
    """Return the search keys of a name by column."""
    keys = search_keys(name)
    return {"search": keys.tokens, "pinyin": keys.pinyin, "initials": keys.initials}


def values_of(tenant_id: str, row: MemberRow, change: int) -> Values:
    """Return a member as a row of the table; every field is of the member's revision."""
    values = msgspec.structs.asdict(row)
    revisions = {f"{field}_revision": row.revision for field in FIELDS}
    summed = {"row_sum": member_sum(row), "change": change}
    return {"tenant_id": tenant_id, **summed, **values, **revisions}


class MemberRows:
    """Members of a tenant in one transaction, whose change number is `change`."""

    def __init__(self, connection: sa.Connection, tenant: str, change: int) -> None:
        self._connection, self._tenant, self._change = connection, tenant, change

    def find(self, member_ref: str) -> sa.Row[Any] | None:
        """Return a member, locked until the transaction ends."""
        query = sa.select(member).where(self._is(member_ref))
        return self._connection.execute(query.with_for_update()).first()

    def add(self, row: MemberRow, *, revisions: int) -> None:
        """Insert a member whose fields are all of one revision."""
        values = values_of(self._tenant, row, self._change)
        values |= {f"{field}_revision": revisions for field in FIELDS}
        self._connection.execute(sa.insert(member).values(values))

    def update(self, member_ref: str, **values: object) -> None:
        """Change a member; all tills are told them again, and the checksum follows."""
        self._connection.execute(
            sa.update(member).where(self._is(member_ref)).values(change=self._change, **values)
        )
        row = self.find(member_ref)
        if row is not None:
            self._connection.execute(
                sa.update(member)
                .where(self._is(member_ref))
                .values(row_sum=member_sum(member_row(row)))
            )

    def is_erased(self, member_ref: str) -> bool:
        """Tell whether somebody was erased; nobody is not."""
        query = sa.select(member.c.erased).where(self._is(member_ref))
        return bool(self._connection.scalar(query))

    def empty(self, member_ref: str, revision: int) -> None:
        """Erase a member: number, history and every field."""
        refs = [member_ref, *self._aliases(member_ref)]
        self._connection.execute(
            across(
                sa.delete(member_phone).where(
                    member_phone.c.tenant_id == self._tenant, member_phone.c.member_ref.in_(refs)
                ),
                "erasure",
            )
        )
        self._connection.execute(
            sa.update(member_change)
            .where(member_change.c.tenant_id == self._tenant, member_change.c.member_ref.in_(refs))
            .values(before="", value="")
        )
        blank = dict.fromkeys((*FIELDS, "search", "pinyin", "initials"), "")
        self.update(member_ref, revision=revision, erased=True, points=0, **blank)

    # --- numbers and aliases

    def claim(self, phone: str, member_ref: str) -> str:
        """Return who owns a number, which is `member_ref` if nobody did."""
        if not phone:
            return member_ref
        self._connection.execute(
            insert(self._connection, member_phone)
            .values(tenant_id=self._tenant, phone=phone, member_ref=member_ref)
            .on_conflict_do_nothing()
        )
        owner: str = self._connection.execute(
            sa.select(member_phone.c.member_ref).where(
                member_phone.c.tenant_id == self._tenant, member_phone.c.phone == phone
            )
        ).scalar_one()
        return owner

    def move_number(self, old: str, new: str, member_ref: str) -> bool:
        """Let a member's number be another. False, and nothing happens, if that is somebody else's."""
        if new == old:
            return True
        if new and self.claim(new, member_ref) != member_ref:
            return False
        self._connection.execute(
            sa.delete(member_phone).where(
                member_phone.c.tenant_id == self._tenant, member_phone.c.phone == old
            )
        )
        return True

    def resolved(self, member_ref: str) -> str:
        """Return the reference that stands for a member now."""
        found: str | None = self._connection.scalar(
            sa.select(member_alias.c.member_ref).where(
                member_alias.c.tenant_id == self._tenant, member_alias.c.alias_ref == member_ref
            )
        )
        return found or member_ref

    def lead(self, alias: str, member_ref: str) -> None:
        """Let a reference lead to a member from now on, if it leads nowhere yet."""
        self._connection.execute(
            insert(self._connection, member_alias)
            .values(tenant_id=self._tenant, alias_ref=alias, member_ref=member_ref)
            .on_conflict_do_nothing()
        )

    def lead_nowhere(self, alias: str) -> None:
        """Let a reference stand for itself again."""
        self._connection.execute(
            sa.delete(member_alias).where(
                member_alias.c.tenant_id == self._tenant, member_alias.c.alias_ref == alias
            )
        )

    def _aliases(self, member_ref: str) -> list[str]:
        query = sa.select(member_alias.c.alias_ref).where(
            member_alias.c.tenant_id == self._tenant, member_alias.c.member_ref == member_ref
        )
        return list(self._connection.scalars(across(query, "erasure")))

    def _is(self, member_ref: str) -> sa.ColumnElement[bool]:
        return sa.and_(member.c.tenant_id == self._tenant, member.c.member_ref == member_ref)
