"""Watches every statement the cloud executes: on a table that is spread over shards it must say on
which one, or say that it means all of them. What Citus would route, without Citus.

Statements of the tests themselves look at the books from outside and are not judged, nor are
migrations.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import operators
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.dml import Delete, Insert, Update
from sqlalchemy.sql.elements import BinaryExpression, BindParameter, BooleanClauseList, Grouping
from sqlalchemy.sql.selectable import (
    CompoundSelect,
    FromClause,
    Join,
    ScalarSelect,
    Select,
)
from sqlalchemy.sql.visitors import iterate

from cloud.db.base import metadata
from cloud.db.distribution import ACROSS, REASONS, Spread, role_of

_ROOT = Path(__file__).parents[2]
_CLOUD = str(_ROOT / "cloud")
_OURS = (_CLOUD, str(_ROOT / "tests"))
_UNJUDGED = ("/cloud/db/migrations/", "/cloud/services/cluster.py")

Conditions = list[sa.ColumnElement[Any]]


class UnroutedError(AssertionError):
    """A statement that would have to visit every shard."""


@contextmanager
def watched() -> Iterator[list[UnroutedError]]:
    """Judge every statement of the block, on any thread; yields what was found so far."""
    found: list[UnroutedError] = []

    def before(
        _connection: object, element: Executable, many: Any, one: Any, options: dict[str, Any]
    ) -> None:
        if not _is_judged():
            return
        reason = options.get(ACROSS) or element.get_execution_options().get(ACROSS)
        if reason is not None:
            assert reason in REASONS
            return
        try:
            judge(element, _names(many, one))
        except UnroutedError as error:
            found.append(error)
            raise

    def before_driver(
        _connection: object, _cursor: object, sql: str, _values: object, context: Any, _many: bool
    ) -> None:
        if context.compiled is None and _is_judged():
            try:
                judge_text(sql)
            except UnroutedError as error:
                found.append(error)
                raise

    sa.event.listen(sa.Engine, "before_execute", before)
    sa.event.listen(sa.Engine, "before_cursor_execute", before_driver)
    try:
        yield found
    finally:
        sa.event.remove(sa.Engine, "before_execute", before)
        sa.event.remove(sa.Engine, "before_cursor_execute", before_driver)


def _is_judged() -> bool:
    """Tell whether the nearest frame of ours belongs to the cloud."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(_OURS) and file != __file__:
            return file.startswith(_CLOUD) and not any(part in file for part in _UNJUDGED)
        frame = frame.f_back
    return False


def judge(element: Executable, given: set[str]) -> None:
    """Raise UnroutedError if a statement does not say its shard. `given` are the executed values'
    names."""
    match element:
        case Insert():
            _judge_insert(element, given)
        case Update() | Delete():
            _judge_parts(element, [element.table], list(element._where_criteria), [])
        case Select() | CompoundSelect():
            _judge_select(element, [])
        case sa.TextClause():
            judge_text(element.text)


def judge_text(sql: str) -> None:
    """Raise UnroutedError for plain SQL on a spread table that is no INSERT of its shard's value."""
    words = set(re.findall(r"\w+", sql))
    for table in metadata.tables.values():
        role = role_of(table)
        if table.name not in words or not isinstance(role, Spread):
            continue
        into = re.match(rf'\s*(?:INSERT INTO|COPY)\s+"?{table.name}"?\s*\(([^)]*)\)', sql, re.I)
        if into is None or role.column not in re.findall(r"\w+", into.group(1)):
            raise UnroutedError(f"{table.name} without {role.column}: {sql}")


def _judge_insert(element: Insert, given: set[str]) -> None:
    role = role_of(element.table)
    names = set(given)
    names |= {getattr(column, "name", str(column)) for column in element._values or {}}
    for row in element._multi_values:
        for values in row:
            names |= {getattr(column, "name", str(column)) for column in values}
    if element.select is not None:
        names |= set(element._select_names or ())
        _judge_select(element.select, [])
    if isinstance(role, Spread) and role.column not in names:
        raise UnroutedError(f"INSERT INTO {element.table.name} without {role.column}")


def _judge_select(element: Any, outer: Conditions) -> None:
    if isinstance(element, CompoundSelect):
        for part in element.selects:
            _judge_select(part, outer)
        return
    if isinstance(element, Grouping):
        _judge_select(element.element, outer)
        return
    _judge_parts(element, element.get_final_froms(), list(element._where_criteria), outer)


def _judge_parts(
    element: Any, froms: Iterable[FromClause], where: Conditions, outer: Conditions
) -> None:
    tables: list[FromClause] = []
    conditions = [*outer, *where]
    for each in froms:
        _flatten(each, tables, conditions)
    facts = [part for condition in conditions for part in _conjuncts(condition)]
    said = _said(facts)
    for table in tables:
        inside = _named(table)
        if isinstance(inside, Select | CompoundSelect):
            _judge_select(inside, conditions if isinstance(table, sa.Lateral) else [])
            continue
        role = role_of(inside)
        if isinstance(role, Spread) and table.c[role.column] not in said:
            raise UnroutedError(f"{table} without {role.column}: {element}")
    for inner in _inner_selects(element, where):
        _judge_select(inner, conditions)


def _named(table: FromClause) -> Any:
    """Return what an alias, a subquery or a lateral join is a name for."""
    inside: Any = table
    while not isinstance(inside, sa.Table | Select | CompoundSelect) and hasattr(inside, "element"):
        inside = inside.element
    return inside


def _flatten(each: FromClause, tables: list[FromClause], conditions: Conditions) -> None:
    if isinstance(each, Join):
        _flatten(each.left, tables, conditions)
        _flatten(each.right, tables, conditions)
        if each.onclause is not None:
            conditions.append(each.onclause)
    else:
        tables.append(each)


def _inner_selects(element: Any, where: Conditions) -> Iterator[Any]:
    """Yield selects inside conditions, columns and values."""
    parts = [*where, *getattr(element, "_raw_columns", ()), *(_values_of(element))]
    for part in parts:
        if isinstance(part, FromClause):
            continue
        for inner in iterate(part):
            if isinstance(inner, ScalarSelect):
                yield inner.element


def _values_of(element: Any) -> list[Any]:
    values = getattr(element, "_values", None) or {}
    return [value for value in values.values() if hasattr(value, "get_children")]


def _conjuncts(condition: Any) -> Iterator[Any]:
    """Yield what must hold, whatever else: an OR proves nothing."""
    if isinstance(condition, Grouping):
        yield from _conjuncts(condition.element)
    elif isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
        for part in condition.clauses:
            yield from _conjuncts(part)
    else:
        yield condition


def _said(facts: list[Any]) -> set[Any]:
    """Return the columns that have a given value, by themselves or through another column."""
    said: set[Any] = set()
    pairs: list[tuple[Any, Any]] = []
    for fact in facts:
        if not isinstance(fact, BinaryExpression):
            continue
        if fact.operator is operators.in_op and isinstance(fact.right, BindParameter | Grouping):
            said.add(fact.left)
        elif fact.operator is operators.eq:
            if isinstance(fact.right, BindParameter):
                said.add(fact.left)
            else:
                pairs.append((fact.left, fact.right))
    for _ in pairs:
        for left, right in pairs:
            if left in said or right in said:
                said |= {left, right}
    return said


def _names(many: Any, one: Any) -> set[str]:
    rows = [row for row in (many or ()) if isinstance(row, dict)]
    return {str(name) for name in (rows[0] if rows else one or {})}
