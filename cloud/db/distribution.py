"""Where the rows of a table lie once there is more than one machine (Citus): each table says it itself.

A role stands in `Table.info`. Facts lie by store, members by member; what every node needs is copied to
all of them (reference). Knows the rules of keys that follow from it; must not know a single table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

_ROLE = "distribution"
ACROSS = "guidepos_across"
"""Execution option of a statement that is meant to visit every shard: its reason."""

S = TypeVar("S", bound=sa.Executable)


@dataclass(frozen=True, slots=True)
class Spread:
    """Rows lie on the shard of `column`'s value; tables of one `group` lie together by it."""

    column: str
    group: str


@dataclass(frozen=True, slots=True)
class Everywhere:
    """A reference table: small, seldom written, the whole of it on every node."""


Role = Spread | Everywhere

BY_STORE: dict[Any, Any] = {_ROLE: Spread("store_id", "store")}
BY_MEMBER: dict[Any, Any] = {_ROLE: Spread("member_ref", "member")}
BY_ALIAS: dict[Any, Any] = {_ROLE: Spread("alias_ref", "member")}
"""An alias is a member reference too: it lies where that member would."""
BY_PHONE: dict[Any, Any] = {_ROLE: Spread("phone", "phone")}
"""A number is unique only where all rows of that number meet, which is not where its member lies."""
BY_ACCOUNT: dict[Any, Any] = {_ROLE: Spread("account", "account")}
"""What a provider bills is of one merchant account and of many stores."""
REFERENCE: dict[Any, Any] = {_ROLE: Everywhere()}

REASONS = {
    "sweep": "closes overdue payments of all stores; by index, a few rows, from one place",
    "export": "a report over all stores, asked for by a person at the command line",
    "metrics": "figures of the whole cloud for whoever watches it, a few times a minute",
    "office": "an operator looks over all stores at the command line",
    "brand stock": "a till shows what the brand's other stores have",
    "brand members": "a till may know the members of the whole brand",
    "bill": "the make-believe provider's account of a day, over all its merchants; once a day",
    "bills": "a provider's bill is compared with the payments of all stores that use the account, daily",
    "backup": "a backup is of all stores, and is noted with the marks of all",
    "restore": "a database that came back from a backup renumbers its feeds, once",
    "catching up": "records that waited for a newer version are looked for when it starts; by index",
    "erasure": "forgetting a person has to find every alias; rare",
}
"""Why a statement may visit every shard. Nothing that happens once per sale may be here."""


def role_of(table: sa.FromClause) -> Role | None:
    """Return where a table's rows lie, None if it does not say."""
    role: Role | None = table.info.get(_ROLE) if isinstance(table, sa.Table) else None
    return role


def across(statement: S, reason: str) -> S:
    """Return a statement that may visit every shard. Raises KeyError for a reason that is not listed."""
    if reason not in REASONS:
        raise KeyError(reason)
    return statement.execution_options(**{ACROSS: reason})


def faults(metadata: sa.MetaData) -> list[str]:
    """Return what keeps the tables from being distributed, one sentence each; empty if nothing does.

    Citus: primary keys, unique constraints and foreign keys of a distributed table contain its
    distribution column, and a foreign key stays in its co-location group or leads to a reference table
    (https://docs.citusdata.com/en/stable/develop/reference_ddl.html).
    """
    found: list[str] = []
    for table in metadata.sorted_tables:
        match role_of(table):
            case None:
                found.append(f"{table.name} does not say where its rows lie")
            case Spread() as role if role.column not in table.c:
                found.append(f"{table.name} has no column {role.column}")
            case role:
                found += _faulty_uniques(table, role)
                found += _faulty_references(table, role)
    return found


def _faulty_uniques(table: sa.Table, role: Role) -> Iterator[str]:
    if not isinstance(role, Spread):
        return
    if not table.primary_key.columns:
        yield f"{table.name} has no primary key"
    for name, columns in _uniques(table):
        if role.column not in columns:
            yield f"{name} of {table.name} lacks {role.column}"


def _uniques(table: sa.Table) -> Iterator[tuple[str, list[str]]]:
    for constraint in table.constraints:
        if isinstance(constraint, sa.PrimaryKeyConstraint | sa.UniqueConstraint):
            columns = constraint.columns.keys()
            if columns:
                yield str(constraint.name or "a unique constraint"), columns
    for index in table.indexes:
        if index.unique:
            yield str(index.name), index.columns.keys()


def _faulty_references(table: sa.Table, role: Role) -> Iterator[str]:
    for constraint in table.foreign_key_constraints:
        target = role_of(constraint.referred_table)
        leads = f"a foreign key of {table.name} to {constraint.referred_table.name}"
        if isinstance(target, Everywhere):
            continue
        if not isinstance(role, Spread) or not isinstance(target, Spread):
            yield f"{leads} leads from what every node has to what one has"
        elif role.group != target.group:
            yield f"{leads} crosses co-location groups"
        else:
            pairs = [(e.parent.name, e.column.name) for e in constraint.elements]
            if (role.column, target.column) not in pairs:
                yield f"{leads} lacks {role.column}"
