"""Hints to whoever listens: a till on its store's topic, a customer's page on its attempt's.

News are hints, never proof, so a slow listener gets only the newest per subject. `LocalNewsroom`
serves one process; `shared_live` joins those of several behind the same Protocol.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from typing import Protocol

from app.wire.messages import News


class NewsroomClosed(Exception):  # noqa: N818 - an end, not an error
    """The newsroom has ended this subscription; a listener ends its stream."""


def store_topic(tenant: str, store: str) -> str:
    """Return the topic every till of a store listens to."""
    return f"store/{tenant}/{store}"


MOST_LISTENERS = 100
"""Listeners to one topic. Behind the newest there may be forgotten pages and dead lines, so the
oldest makes room; whoever still lives subscribes again."""


def attempt_topic(attempt_id: str) -> str:
    """Return the topic of one attempt; the page that shows the order listens to it."""
    return f"attempt/{attempt_id}"


class Subscription(Protocol):
    """One listener's inbox. Used on the event loop that subscribed."""

    async def next(self, timeout_s: float) -> News | None:
        """Return the next news, or None when `timeout_s` passed without any.

        Raises NewsroomClosed once the newsroom is closed.
        """

    def cancel(self) -> None:
        """Stop listening. Idempotent."""


class Newsroom(Protocol):
    """Carries hints from whoever changes an attempt to whoever watches it."""

    def open(self) -> None:
        """Begin to hear what happens in other processes."""

    def publish(self, topics: Iterable[str], news: News, *, but: str = "") -> None:
        """Deliver to all current listeners, once each, except those named `but`, who brought the
        news. Never waits; callable from any thread."""

    def subscribe(self, topics: Iterable[str], name: str = "") -> Subscription:
        """Start listening from now on. Call it on a running event loop."""

    def close(self) -> None:
        """End every subscription, so that a server can stop while streams are open. Idempotent."""

    @property
    def listeners(self) -> int:
        """How many listen now, in this process."""


class _Inbox:
    """A mailbox of at most one letter per (kind, subject)."""

    def __init__(self, room: LocalNewsroom, topics: frozenset[str], name: str) -> None:
        self.topics, self.name = topics, name
        self._room = room
        self._loop = asyncio.get_running_loop()
        self._letters: dict[tuple[str, str], News] = {}
        self._arrived = asyncio.Event()
        self._closed = False

    def put(self, news: News | None) -> None:
        """Deliver from any thread; None closes the mailbox."""
        try:
            self._loop.call_soon_threadsafe(self._take_in, news)
        except RuntimeError:  # the loop has ended, and with it its listener
            self.cancel()

    def _take_in(self, news: News | None) -> None:
        if news is None:
            self._closed = True
        else:
            self._letters.pop((news.kind, news.subject), None)
            self._letters[news.kind, news.subject] = news
        self._arrived.set()

    async def next(self, timeout_s: float) -> News | None:
        """Return the oldest waiting letter; see `Subscription`."""
        if not self._letters and not self._closed:
            try:
                await asyncio.wait_for(self._arrived.wait(), timeout_s)
            except TimeoutError:
                return None
        self._arrived.clear()
        if self._letters:
            return self._letters.pop(next(iter(self._letters)))
        if self._closed:
            raise NewsroomClosed
        return None

    def cancel(self) -> None:
        """Leave the room."""
        self._room.forget(self)


class LocalNewsroom:
    """A newsroom inside one process."""

    def __init__(self) -> None:
        self._inboxes: dict[_Inbox, None] = {}  # in the order they came
        self._lock = threading.Lock()
        self._closed = False

    def open(self) -> None:
        """There is no other process."""

    def publish_to_all(self, news: News) -> None:
        """Deliver to every inbox, whatever it listens to."""
        with self._lock:
            inboxes = list(self._inboxes)
        for inbox in inboxes:
            inbox.put(news)

    def publish(self, topics: Iterable[str], news: News, *, but: str = "") -> None:
        """Deliver to every inbox that listens to one of `topics`."""
        for inbox in self._listening(set(topics)):
            if not but or inbox.name != but:
                inbox.put(news)

    def subscribe(self, topics: Iterable[str], name: str = "") -> Subscription:
        """Return a new inbox; cancel it when done."""
        inbox = _Inbox(self, frozenset(topics), name)
        with self._lock:
            self._inboxes[inbox] = None
            closed = self._closed
        if closed:
            inbox.put(None)
        for topic in inbox.topics:
            for oldest in self._listening({topic})[:-MOST_LISTENERS]:
                oldest.cancel()
                oldest.put(None)
        return inbox

    def _listening(self, topics: set[str]) -> list[_Inbox]:
        with self._lock:
            return [inbox for inbox in self._inboxes if inbox.topics & topics]

    def forget(self, inbox: _Inbox) -> None:
        """Remove an inbox; unknown ones are ignored."""
        with self._lock:
            self._inboxes.pop(inbox, None)

    def close(self) -> None:
        """End all streams, present and future."""
        with self._lock:
            self._closed = True
            inboxes = list(self._inboxes)
        for inbox in inboxes:
            inbox.put(None)

    @property
    def listeners(self) -> int:
        """How many listen now."""
        with self._lock:
            return len(self._inboxes)
