"""The named steps of a till, seen without a line of code in the product.

What happens in the database is named by SQLite's own trace callback, statement by statement; what
happens around it by wrapping a few functions of the child's copy of the program. Both exist only
in processes that ask for it, so production pays nothing. Between two statements the disk's calls are
steps of their own (shim.c).
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

_WORD = re.compile(r"[\w.]+")
_VERBS = dict.fromkeys(("COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SELECT"), 1)
_VERBS |= {"BEGIN": 2, "UPDATE": 2}


class Steps:
    """Names the steps one after another, and kills the process at one of them."""

    def __init__(self, kill_at: int = 0, tell: Callable[[str], None] | None = None) -> None:
        """`kill_at` counts from 1, 0 lets the process live; `tell` hears the last step's name."""
        self.names: list[str] = []
        self._kill_at, self._tell, self._armed = kill_at, tell, False

    def arm(self) -> None:
        """Count from now on."""
        self._armed = True

    def __call__(self, name: str) -> None:
        """A step is reached."""
        if not self._armed:
            return
        self.names.append(name)
        if len(self.names) == self._kill_at:
            if self._tell is not None:
                self._tell(name)
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """Watch every store that this process opens from now on."""
        from offline_store import backup, store, worker

        step = self

        def traced(open_writer: Any) -> Any:
            def opened(*arguments: Any) -> Any:
                connection = open_writer(*arguments)
                connection.set_trace_callback(lambda sql: step(statement_name(sql)))
                return connection

            return opened

        class SteppedFuture(Future[Any]):
            """A future whose result is one step away from whoever waits."""

            def set_result(self, result: Any) -> None:
                step("committed, not answered")
                super().set_result(result)

        patched: Any = store
        patched.open_writer = traced(patched.open_writer)
        patched = backup
        patched.open_writer = traced(patched.open_writer)
        patched = worker
        patched.Future = SteppedFuture


def statement_name(sql: str) -> str:
    """Return what a statement is called: its verb and its table, without values."""
    words = _WORD.findall(sql[:200])
    if not words:
        return "statement"
    if sql.startswith("--"):
        return "trigger"
    verb = words[0].upper()
    if verb == "SELECT":
        tables = re.findall(r"\bFROM\s+(\w+)", sql[:400])
        return f"SELECT {tables[0]}" if tables else "SELECT"
    return " ".join(words[: _VERBS.get(verb, 3)])
