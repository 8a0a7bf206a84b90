"""One JSON object per log line. A line never holds what somebody typed, sent or is called.

Of an exception it says its class and where it came from, never its words: those may quote a value.
"""

from __future__ import annotations

import datetime
import logging
import sys
import traceback
from contextvars import ContextVar
from typing import Any, TextIO

import msgspec

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The request that is being served here; its lines can be found by it."""

_KEPT = ("device", "method", "route", "status", "ms")
"""What a caller may say besides its message, by `extra=`."""
_FRAMES = 12


class JsonLines(logging.Formatter):
    """Writes records as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        at = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line: dict[str, Any] = {
            "at": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "of": record.name,
            "says": record.getMessage(),
        }
        if request := request_id.get():
            line["request"] = request
        line |= {name: vars(record)[name] for name in _KEPT if name in vars(record)}
        if record.exc_info and record.exc_info[1] is not None:
            line |= _failure(record.exc_info[1])
        return msgspec.json.encode(line).decode()


def configure(*, requests: bool, stream: TextIO = sys.stderr) -> None:
    """Let every logger of this process write JSON lines to a stream; without `requests` only what
    somebody should look at."""
    level = logging.INFO if requests else logging.WARNING
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for loud in ("alembic", "asyncio"):
        logging.getLogger(loud).setLevel(logging.WARNING)


def _failure(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    where = [f"{frame.filename.rsplit('/', 3)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
    cause = error.__cause__ or error.__context__
    found = {"error": type(error).__qualname__, "where": where}
    return found | ({"cause": type(cause).__qualname__} if cause is not None else {})
