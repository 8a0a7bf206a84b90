"""Reads from our ledger what was given back at an account."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import sqlalchemy as sa

from cloud.services.reconcile.compare import Given, RefundKey

if TYPE_CHECKING:
    from cloud.services.reconcile.ledger import Account


def of_attempts(
    conn: sa.Connection, account: Account, ids: Iterable[str]
) -> dict[RefundKey, Given]:
    """Return all refunds of these attempts, done or not."""
    return {}


def done_on(conn: sa.Connection, account: Account, span: tuple[int, int]) -> list[Given]:
    """Return the refunds the provider confirmed in [begin, end)."""
    return []
