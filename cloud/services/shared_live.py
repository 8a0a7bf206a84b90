"""The newsroom of several processes: news are delivered here at once and carried to the others as texts.

A line that was down is healed by "hello": everybody who listens asks anew for what they wait for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from app.wire.messages import News
from cloud.services.live import LocalNewsroom, Subscription


class Line(Protocol):
    """Carries short texts to the other processes, and theirs to us."""

    def open(self) -> None:
        """Begin to listen."""

    def send(self, text: str) -> None:
        """Say something to the others. Never waits; any thread."""

    def close(self) -> None:
        """Let go of the line."""


OpenLine = Callable[[Callable[[str], None], Callable[[], None]], Line]
"""Makes a line from (what to do with a text, what to do when texts may have been lost)."""


class _Letter(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    topics: list[str]
    kind: str
    subject: str = ""
    version: int = 0
    but: str = ""


class SharedNewsroom:
    """A newsroom that several processes have in common; see `Newsroom`."""

    def __init__(self, line: OpenLine) -> None:
        self._here = LocalNewsroom()
        self._line = line(self._heard, self._missed)

    def open(self) -> None:
        """Begin to hear the other processes."""
        self._line.open()

    def publish(self, topics: Iterable[str], news: News, *, but: str = "") -> None:
        """Deliver here, and let the other processes deliver there."""
        topics = list(topics)
        self._here.publish(topics, news, but=but)
        letter = _Letter(topics, news.kind, news.subject, news.version, but)
        self._line.send(msgspec.json.encode(letter).decode())

    def subscribe(self, topics: Iterable[str], name: str = "") -> Subscription:
        """Start listening from now on."""
        return self._here.subscribe(topics, name)

    def close(self) -> None:
        """End every subscription of this process and let go of the line."""
        self._here.close()
        self._line.close()

    @property
    def listeners(self) -> int:
        """How many listen now, in this process."""
        return self._here.listeners

    def _heard(self, text: str) -> None:
        try:
            letter = msgspec.json.decode(text, type=_Letter)
        except msgspec.DecodeError:
            self._missed()  # a newer program's letter; at least they ask
            return
        news = News(kind=letter.kind, subject=letter.subject, version=letter.version)
        self._here.publish(letter.topics, news, but=letter.but)

    def _missed(self) -> None:
        self._here.publish_to_all(News(kind="hello"))
