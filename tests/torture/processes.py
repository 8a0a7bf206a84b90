"""Children of one process, each with a line to its parent, over which it asks and promises things.

The parent imports everything once and forks for every run, so a run costs milliseconds; it never has
a thread or an open store of its own. Knows no till.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import struct
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.errors import RuleBroken, Trouble

_HEAD = struct.Struct(">I")
PATIENCE_S = 60
"""A child that is silent for so long hangs; it is ended and reported as stuck."""


class Line:
    """A child's line to its parent."""

    def __init__(self, end: socket.socket) -> None:
        self._end, self._turn = end, threading.Lock()

    def tell(self, topic: str, value: Any = None) -> None:
        """Say something that stays said, whatever happens to this process next."""
        with self._turn:
            _send(self._end, ("tell", topic, value))

    def ask(
        self,
        whom: str,
        method: str,
        *arguments: Any,
        sent: Callable[[], None] = lambda: None,
        **keywords: Any,
    ) -> Any:
        """Call a method of something that lives in the parent, where a kill does not reach it.

        `sent` runs when the request has left and nobody has waited for the answer yet. Raises what
        the method raised, if that is RuleBroken or Trouble.
        """
        with self._turn:
            _send(self._end, ("ask", whom, method, arguments, keywords))
            sent()
            answer = _receive(self._end)
        if answer is None:
            os._exit(1)  # the parent is gone
        outcome, value = answer
        if outcome == "trouble":
            code, retryable, facts = value
            raise Trouble(code, retryable=retryable, **facts)
        if outcome == "rule":
            code, facts = value
            raise RuleBroken(code, **facts)
        if outcome == "bug":
            raise RuntimeError(value)
        return value


@dataclass
class Ended:
    """What a child said until it ended, and how it ended."""

    told: list[tuple[str, Any]] = field(default_factory=list)
    killed: bool = False
    hung: bool = False

    def all(self, topic: str) -> list[Any]:
        """Return everything said on a topic, in order."""
        return [value for said, value in self.told if said == topic]

    def last(self, topic: str) -> Any:
        """Return what was said last on a topic. Raises LookupError with the child's own error."""
        found = self.all(topic)
        if not found:
            raise LookupError("\n".join(self.all("error")) or f"nothing was said about {topic}")
        return found[-1]


class Job(Protocol):
    """What a child does."""

    def __call__(self, line: Line, /) -> None: ...


def run_child(job: Job, **targets: Any) -> Ended:
    """Fork, let the child do `job`, serve its calls on `targets`, and return what it said."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        _live(job, Line(theirs))
    theirs.close()
    ours.settimeout(PATIENCE_S)
    ended = Ended()
    try:
        while (message := _receive(ours)) is not None:
            if message[0] == "tell":
                ended.told.append(message[1:])
            else:
                answer = _served(targets, *message[1:])
                with suppress(OSError):  # it may be dead by now; what it asked for is done
                    _send(ours, answer)
    except TimeoutError:
        ended.hung = True
        os.kill(child, signal.SIGKILL)
    finally:
        ours.close()
    _, status = os.waitpid(child, 0)
    ended.killed = os.WIFSIGNALED(status)
    return ended


def _live(job: Job, line: Line) -> None:
    try:
        job(line)
    except BaseException:
        line.tell("error", traceback.format_exc())
    finally:
        os._exit(0)


def _served(
    targets: dict[str, Any],
    whom: str,
    method: str,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
) -> Any:
    try:
        return "value", getattr(targets[whom], method)(*arguments, **keywords)
    except Trouble as trouble:
        return "trouble", (trouble.code, trouble.retryable, trouble.facts)
    except RuleBroken as rule:
        return "rule", (rule.code, rule.facts)
    except Exception:
        return "bug", traceback.format_exc()


def _send(end: socket.socket, message: Any) -> None:
    data = pickle.dumps(message)
    end.sendall(_HEAD.pack(len(data)) + data)


def _receive(end: socket.socket) -> Any:
    """Return the next message, None when the other side is gone, even in the middle of one."""
    head = _exactly(end, _HEAD.size)
    data = _exactly(end, _HEAD.unpack(head)[0]) if head else b""
    return pickle.loads(data) if data else None


def _exactly(end: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        try:
            more = end.recv(size - len(data))
        except ConnectionError:
            return b""
        if not more:
            return b""
        data += more
    return data


def in_copy(job: Callable[[], Any]) -> Any:
    """Do `job` in a copy of this process and return its result; what it changes here is forgotten.

    Raises LookupError with the copy's own error if it had no result.
    """
    return run_child(lambda line: line.tell("result", job())).last("result")
