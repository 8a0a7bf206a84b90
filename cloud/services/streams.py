"""What each stream is made of: its table, its key, whose rows a till may see, and how a row travels.

Feeds, snapshots and checksums are told from here, so they cannot disagree about a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec
import sqlalchemy as sa

from app.errors import Code
from app.wire.checksum import PIECES_WEIGH, PRIME
from app.wire.messages import MEMBERS, MemberRow, StockRow
from app.wire.tasks import KEPT_DAYS, SETTLED
from cloud.db.distribution import across
from cloud.db.member_tables import member
from cloud.db.tables import config, person, sku, stock
from cloud.db.task_tables import task
from cloud.errors import Refused
from cloud.services.tasks import task_row
from cloud.services.tokens import DevicePrincipal

DAY_MS = 86_400_000
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream. `body_of` gives a row's body as it travels; `leaves_tombstones` says whether its rows
    can go and are then told as deleted; `only` narrows them to a till's own, `across` is the reason for
    which they are read from all shards. A stream without `row_sum` has neither checksum nor snapshot. Keys
    of several parts are joined by a slash. `own` says which rows a snapshot tells first, `told` what
    `body_of` reads of a row besides its key."""

    name: str
    table: sa.Table
    keys: tuple[sa.Column[str], ...]
    body_of: Callable[[sa.Row[Any]], bytes]
    row_sum: sa.ColumnElement[int] | None
    leaves_tombstones: bool = True
    only: Callable[[DevicePrincipal, int], sa.ColumnElement[bool]] | None = None
    across: str = ""
    own: tuple[sa.Column[str], Callable[[DevicePrincipal], str]] | None = None
    told: tuple[str, ...] = ("body",)

    def rows_for(self, asking: DevicePrincipal, begun_ms: int) -> list[sa.ColumnElement[bool]]:
        """Return the conditions under which a till that began to follow at a time is told a row, whether
        it is there or gone."""
        mine = [self.table.c.tenant_id == asking.tenant]
        return [*mine, self.only(asking, begun_ms)] if self.only else mine

    def there_for(self, asking: DevicePrincipal, now_ms: int) -> list[sa.ColumnElement[bool]]:
        """Return the conditions of the rows a till should hold."""
        gone = [sa.not_(self.table.c.deleted)] if self.leaves_tombstones else []
        return [*self.rows_for(asking, now_ms), *gone]

    def spread(self, query: sa.Select[Any]) -> sa.Select[Any]:
        """Return a query of this stream, allowed to visit every shard where its rows lie apart."""
        return across(query, self.across) if self.across else query

    def columns(self) -> list[sa.Column[Any]]:
        """Return what a row's key and body are made of; reading more is a third of a snapshot's price."""
        keys = [key.name for key in self.keys]
        return [self.table.c[name] for name in dict.fromkeys((*keys, *self.told))]

    def key_of(self, row: sa.Row[Any]) -> str:
        """Return a row's key as it travels."""
        return "/".join([getattr(row, key.name) for key in self.keys])

    def stretches(
        self, asking: DevicePrincipal, after: str
    ) -> list[tuple[sa.ColumnElement[bool], ...]]:
        """Return the conditions of the stretches of a snapshot that are left after a key, "" for the
        beginning: what is the asking store's own comes before the rest. Raises Refused 422."""
        place = self.place_of(after) if after else None
        rest = () if place is None else (sa.tuple_(*self.keys) > sa.tuple_(*place),)
        if self.own is None:
            return [rest]
        column, name_of = self.own
        name = name_of(asking)
        if place is None:
            return [(column == name,), (column != name,)]
        if place[[key.name for key in self.keys].index(column.name)] == name:
            return [(column == name, *rest), (column != name,)]
        return [(column != name, *rest)]

    def place_of(self, key: str) -> tuple[str, ...]:
        """Return a key's parts. Raises Refused 422 for what is no key of this stream."""
        parts = tuple(key.split("/", len(self.keys) - 1))
        if len(parts) != len(self.keys) or "\0" in key:
            raise Refused(422, "malformed", "key")
        return parts


_member_fields = attrgetter(*MemberRow.__struct_fields__)


def member_row(row: sa.Row[Any]) -> MemberRow:
    """Return a member as it travels."""
    return MemberRow(**dict(zip(MemberRow.__struct_fields__, _member_fields(row), strict=True)))


def _of_today(asking: DevicePrincipal, begun_ms: int) -> sa.ColumnElement[bool]:
    """Tasks of the asking till's own store, but those settled long before it began to follow: any other
    it may have seen open."""
    forgotten = (
        (task.c.kind == kind) & (task.c.settled_ms <= begun_ms - days * DAY_MS)
        for kind, days in KEPT_DAYS.items()
    )
    return sa.and_(
        task.c.store_id == asking.store,
        sa.or_(task.c.state != SETTLED, ~sa.or_(*forgotten)),
    )


def _of_our_people(asking: DevicePrincipal, _now_ms: int) -> sa.ColumnElement[bool]:
    return person.c.store_id.in_(("", asking.store))


def stream_of(name: str) -> Stream:
    """Return a stream by name. Raises Refused 404."""
    found = _STREAMS.get(name)
    if found is None:
        raise Refused(404, Code.CLOUD_REFUSED, f"stream {name[:40]!r}")
    return found


def all_streams() -> tuple[Stream, ...]:
    """Return every stream."""
    return tuple(_STREAMS.values())


def checksum(
    connection: sa.Connection, stream: Stream, asking: DevicePrincipal, *, now_ms: int
) -> str:
    """Return the sum over all rows a till should hold, as the snapshot of this transaction has them."""
    query = sa.select(sa.func.sum(stream.row_sum)).where(*stream.there_for(asking, now_ms))
    return str(int(connection.scalar(stream.spread(query)) or 0))


def _stock_body(row: sa.Row[Any]) -> bytes:
    return _encode(
        StockRow(
            store=row.store_id, sku_id=row.sku_id, quantity=row.quantity, as_of_ms=row.as_of_ms
        )
    )


def _stock_sum() -> sa.ColumnElement[int]:
    """`stock_sum` in SQL; a remainder keeps its sign there, so it is lifted first."""
    pieces = (stock.c.quantity % PRIME + PRIME) % PRIME
    since = (stock.c.as_of_ms % PRIME + PRIME) % PRIME
    return stock.c.mark * ((pieces * PIECES_WEIGH + since) % PRIME) % PRIME


_STREAMS = {
    stream.name: stream
    for stream in (
        Stream("config", config, (config.c.name,), lambda row: bytes(row.body), config.c.row_sum),
        Stream(
            "people",
            person,
            (person.c.person_id,),
            lambda row: bytes(row.body),
            person.c.row_sum,
            only=_of_our_people,
        ),
        Stream("catalog", sku, (sku.c.sku_id,), lambda row: bytes(row.body), sku.c.row_sum),
        Stream(
            "stock",
            stock,
            (stock.c.store_id, stock.c.sku_id),
            _stock_body,
            _stock_sum(),
            leaves_tombstones=False,
            across="brand stock",
            own=(stock.c.store_id, attrgetter("store")),
            told=("quantity", "as_of_ms"),
        ),
        Stream(
            "tasks",
            task,
            (task.c.task_id,),
            lambda row: _encode(task_row(row._mapping)),
            None,
            leaves_tombstones=False,
            only=_of_today,
        ),
        Stream(
            MEMBERS,
            member,
            (member.c.member_ref,),
            lambda row: _encode(member_row(row)),
            member.c.row_sum,
            leaves_tombstones=False,
            across="brand members",
            told=MemberRow.__struct_fields__,
        ),
    )
}
