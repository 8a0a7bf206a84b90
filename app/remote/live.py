"""The stream of hints from the cloud (server-sent events). What it says is never believed, only
asked about."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import msgspec
import requests

from app.errors import Code, Trouble
from app.remote.cloud import EnrolledCloud
from app.remote.http import outside_failures
from app.wire.messages import UNREADABLE, News

HEARTBEAT_S = 15.0
SILENCE_S = 2 * HEARTBEAT_S + 1.0
"""Two heartbeats missed: the line is dead even if it looks open."""
_LONGEST_LINE = 65_536


class CloudLive:
    """The port `LiveFeed`. `listen` belongs to the live thread, `close` may come from any other."""

    def __init__(self, cloud: EnrolledCloud, *, silence_s: float = SILENCE_S) -> None:
        self._cloud, self._silence_s = cloud, silence_s
        self._lock = threading.Lock()
        self._response: requests.Response | None = None
        self._closed = False

    def listen(self, stop: Callable[[], bool]) -> Iterator[News]:
        """Yield news until `stop()`, `close()` or the cloud ends the stream.

        `stop` is asked at every sign of life, heartbeats included. Raises Trouble when the
        connection fails; after a reconnect the state of what is waited for must be asked for.
        """
        response = self._cloud.listen("/v1/live", silence_s=self._silence_s)
        if not self._hold(response):
            return
        try:
            with outside_failures():
                for line in _lines(response):
                    if stop() or self._closed:
                        return
                    news = _news(line)
                    if news is not None:
                        yield news
        except Trouble:
            if not self._closed:
                raise
        finally:
            self._release()

    def close(self) -> None:
        """End a running `listen`, also one that is waiting for bytes; later ones end at once."""
        with self._lock:
            self._closed = True
            if self._response is not None:
                # Closing alone would not wake a thread that is inside recv.
                with suppress(ValueError, RuntimeError, OSError):
                    self._response.raw.shutdown()

    def _hold(self, response: requests.Response) -> bool:
        with self._lock:
            if self._closed:
                response.close()
                return False
            self._response = response
            return True

    def _release(self) -> None:
        with self._lock:
            if self._response is not None:
                self._response.close()
            self._response = None


def _lines(response: requests.Response) -> Iterator[bytes]:
    """Yield the lines of a stream as they arrive, heartbeats included."""
    rest = b""
    # requests' own iterators wait for whole chunks; this returns with whatever has arrived.
    while chunk := response.raw.read1(_LONGEST_LINE, decode_content=True):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise Trouble(Code.CLOUD_MESSAGE_INVALID, detail="line too long")
        yield from lines


def _news(line: bytes) -> News | None:
    """Return the news in a line; None for heartbeats, blank lines and what we do not understand."""
    if not line.startswith(b"data:"):
        return None
    try:
        return msgspec.json.decode(line[5:], type=News)
    except UNREADABLE:
        return None
