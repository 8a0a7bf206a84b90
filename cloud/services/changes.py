"""The one way by which the ledger of payments changes: a transaction, and word of it after the commit, never
before. Knows no provider, no page and no request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from cloud.db.base import Database
from cloud.services import attempts, money_tasks, tasks
from cloud.services.attempts import Ledger
from cloud.services.live import Newsroom
from cloud.services.money_facts import Own

T = TypeVar("T")


class Changes:
    """Changes of attempts and of the tasks that hang on them. May be used from any thread."""

    def __init__(self, database: Database, newsroom: Newsroom, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._newsroom = newsroom
        self._now_ms = now_ms

    def make(self, work: Callable[[Ledger], T]) -> T:
        """Run `work` in a transaction, which may be more than once, and review the tasks of all it touched;
        then tell whoever waits for these attempts and tasks. Raises what `work` raises, with nothing changed.
        """

        def run(conn: sa.Connection) -> tuple[T, Ledger, set[Own]]:
            ledger = Ledger(conn, self._now_ms(), [])
            result = work(ledger)
            return result, ledger, money_tasks.note_changes(conn, ledger.touched(), ledger.now_ms)

        result, ledger, stores = self._database.write(run)
        attempts.tell(self._newsroom, ledger.changed)
        tasks.tell(self._newsroom, stores)
        return result
