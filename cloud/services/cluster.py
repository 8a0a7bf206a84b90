"""Spreads the tables over the machines of a Citus cluster, as each table says of itself.

The one place that calls Citus' functions
(https://docs.citusdata.com/en/stable/develop/api_udf.html). Run again it does what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from cloud.db.distribution import Everywhere, Spread, faults, role_of
from cloud.errors import Refused

NO_COORDINATOR = "no_coordinator"


@dataclass(frozen=True, slots=True)
class Spreading:
    """What was done: the version of Citus, "" without the extension, and the tables newly spread."""

    version: str
    tables: tuple[str, ...] = ()


def distribute(connection: sa.Connection, metadata: sa.MetaData, shards: int = 0) -> Spreading:
    """Give every table its role in the cluster, all in this transaction; `shards` 0 is Citus' choice.

    Without the extension nothing is done. Raises Refused 409: `no_coordinator` when the node we speak
    to is not known to the cluster as its coordinator, for then our feeds could skip rows.
    """
    version = _version(connection)
    if not version:
        return Spreading("")
    _check(connection, metadata)
    done = set(connection.scalars(sa.text("SELECT logicalrelid::text FROM pg_dist_partition")))
    missing = [table for table in metadata.sorted_tables if table.name not in done]
    if missing:
        _prepare(connection, shards)
        _spread(connection, metadata, missing)
    return Spreading(version, tuple(table.name for table in missing))


def _version(connection: sa.Connection) -> str:
    if connection.dialect.name == "sqlite":
        return ""
    query = sa.text("SELECT extversion FROM pg_extension WHERE extname = 'citus'")
    return connection.scalar(query) or ""


def _check(connection: sa.Connection, metadata: sa.MetaData) -> None:
    wrong = faults(metadata)
    if wrong:
        raise ValueError("; ".join(wrong))
    known = sa.text("SELECT count(*) FROM pg_dist_node WHERE groupid = 0")
    if not connection.scalar(known):
        detail = "first run: SELECT citus_set_coordinator_host('address of this node')"
        raise Refused(409, NO_COORDINATOR, detail)


def _prepare(connection: sa.Connection, shards: int) -> None:
    settings = {
        # One after the other, because reference tables and shards change in one transaction.
        "citus.multi_shard_modify_mode": "sequential",
        # Ours refuse changes to history; they touch no other row, so they are safe on a shard.
        "citus.enable_unsafe_triggers": "on",
    }
    if shards:
        settings["citus.shard_count"] = str(shards)
    for name, value in settings.items():
        connection.execute(sa.select(sa.func.set_config(name, value, True)))


_KEYS = sa.text(
    """
    SELECT conrelid::regclass::text AS "table", quote_ident(conname) AS name,
        pg_get_constraintdef(oid) AS definition
    FROM pg_constraint
    WHERE contype = 'f' AND (
        conrelid::regclass::text = ANY (:missing) OR confrelid::regclass::text = ANY (:missing)
    )
    ORDER BY conrelid::regclass::text, conname
    """
)


def _spread(connection: sa.Connection, metadata: sa.MetaData, missing: list[sa.Table]) -> None:
    """Foreign keys step aside meanwhile: a local table may not refer to a distributed one."""
    keys = connection.execute(_KEYS, {"missing": [table.name for table in missing]}).all()
    for foreign in keys:
        connection.execute(sa.text(f"ALTER TABLE {foreign.table} DROP CONSTRAINT {foreign.name}"))
    heads = {
        role.group: table.name
        for table in reversed(metadata.sorted_tables)
        if table not in missing and isinstance(role := role_of(table), Spread)
    }
    for table in sorted(missing, key=lambda table: isinstance(role_of(table), Spread)):
        _place(connection, table, heads)
    for foreign in keys:
        add = f"ADD CONSTRAINT {foreign.name} {foreign.definition}"
        connection.execute(sa.text(f"ALTER TABLE {foreign.table} {add}"))


def _place(connection: sa.Connection, table: sa.Table, heads: dict[str, str]) -> None:
    """Make one table what it says it is; the first of a group founds it, the others lie with that."""
    match role_of(table):
        case Everywhere():
            connection.execute(
                sa.text("SELECT create_reference_table(CAST(:name AS regclass))"),
                {"name": table.name},
            )
        case Spread(column, group):
            connection.execute(
                sa.text(
                    "SELECT create_distributed_table"
                    "(CAST(:name AS regclass), :column, colocate_with => :with)"
                ),
                {"name": table.name, "column": column, "with": heads.get(group, "none")},
            )
            heads.setdefault(group, table.name)
