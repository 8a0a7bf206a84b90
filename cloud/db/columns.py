"""The few kinds of column the cloud's tables are made of, and how rows are named by them. Nothing is
ever NULL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Integer,
    LargeBinary,
    Table,
    Text,
    and_,
)


def text(name: str, **options: Any) -> Column[str]:
    """Text."""
    return Column(name, Text, nullable=False, **options)


def key(*names: str) -> list[Column[str]]:
    """Text columns of a primary key."""
    return [text(name, primary_key=True) for name in names]


def whole(name: str, **options: Any) -> Column[int]:
    """A whole number of 64 bits: amounts, counts of pieces, times."""
    return Column(name, BigInteger, nullable=False, autoincrement=False, **options)


def small(name: str, **options: Any) -> Column[int]:
    """A whole number of 32 bits: positions, versions, rates."""
    return Column(name, Integer, nullable=False, autoincrement=False, **options)


def flag(name: str) -> Column[bool]:
    """Yes or no."""
    return Column(name, Boolean(create_constraint=False), nullable=False)


def blob(name: str) -> Column[bytes]:
    """Bytes kept as they came."""
    return Column(name, LargeBinary, nullable=False)


def rows_of(table: Table, **values: str) -> ColumnElement[bool]:
    """Return the condition for the rows of a table that have these values."""
    return and_(*(table.c[name] == value for name, value in values.items()))
