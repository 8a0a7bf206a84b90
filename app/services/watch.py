"""Watching open payments: the cloud's live hints when they flow, questions at intervals when not.

Runs on the live thread. Nothing here decides anything: each hint and each interval only leads to
`Payments.refresh`, whose recorded answer is what counts.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from app.errors import Trouble
from app.ports import LiveFeed, Store
from app.services.late_money import untold
from app.services.payments import PaymentNews, Payments
from app.services.questions import Questions
from app.services.refund_watch import RefundWatch
from app.wire.refunds import NEWS_KIND as REFUND

log = logging.getLogger(__name__)

ASK_EVERY_S = 3.0
"""Between questions about an open payment while no hints flow."""

CALM_EVERY_S = 20.0
"""Between questions while hints flow; a hint may still be lost."""

FEED_RETRY_S = 3.0

LATE_EVERY_S = 600.0
"""Between rounds of questions about attempts that closed unpaid: money may come late while nobody
listens."""

LATE_AT_ONCE = 2
"""So few of them are asked about at a time, or a customer who wants to pay would wait behind them."""


class PaymentWatch:
    """Keeps asking about attempts until each has an answer that ends it.

    `on_news` is called with every answer, `on_reference` when the cloud says a stream changed,
    `on_turn` when hints that flowed have stopped or flow again, so that somebody finds out whether
    the cloud is gone or back; all on a thread of this class or of the network pool. `refunds` are
    followed in the same turns.
    """

    def __init__(
        self,
        store: Store,
        payments: Payments,
        feed: LiveFeed,
        on_news: Callable[[PaymentNews], None],
        on_reference: Callable[[str], None] = lambda stream: None,
        on_turn: Callable[[], None] = lambda: None,
        refunds: RefundWatch | None = None,
    ) -> None:
        self._store = store
        self._payments = payments
        self._feed = feed
        self._questions = Questions("attempt", payments.refresh, on_news, self._is_own)
        self._on_reference = on_reference
        self._on_turn = on_turn
        self._refunds = refunds
        self._silent = False
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._live = threading.Event()
        self._late: list[str] = []
        self._late_at = 0.0
        self._threads = (
            threading.Thread(target=self._listen, name="live", daemon=True),
            threading.Thread(target=self._ask, name="payment-watch", daemon=True),
        )

    def start(self) -> None:
        """Begin to watch; attempts left open by an earlier run are asked about at once."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Ask about open attempts now."""
        self._wake.set()

    def stop(self) -> None:
        """End both threads."""
        self._stop.set()
        self._questions.close()
        if self._refunds is not None:
            self._refunds.close()
        self._wake.set()
        self._feed.close()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=5)

    @property
    def is_live(self) -> bool:
        """Hints are flowing."""
        return self._live.is_set()

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                for news in self._feed.listen(self._stop.is_set):
                    self._live.set()
                    if news.kind == "payment":
                        self._questions.hinted(news.subject)
                    elif news.kind == REFUND and self._refunds is not None:
                        self._refunds.hinted(news.subject)
                    elif news.kind == "reference":
                        self._on_reference(news.subject)
                    elif news.kind == "hello":
                        self.wake()
                        if self._silent:
                            self._silent = False
                            self._on_turn()
            except Trouble:
                pass
            except Exception:  # a bug in whoever was told; hints must go on
                log.exception("the stream of hints broke")
            if self._live.is_set():
                self._live.clear()
                self._silent = True
                self.wake()  # what the hints would have told is asked for now
                if not self._stop.is_set():
                    self._on_turn()
            self._stop.wait(FEED_RETRY_S)

    def _ask(self) -> None:
        while not self._stop.is_set():
            try:
                for attempt_id in self._worth_asking():
                    self._questions.ask(attempt_id)
                if self._refunds is not None:
                    self._refunds.turn()
            except Trouble as trouble:  # the store is busy; the next round asks again
                log.warning("open payments could not be read: %s", trouble.code)
            except Exception:  # a bug, but the thread that learns of money must outlive it
                log.exception("open payments could not be asked about")
            self._wake.wait(CALM_EVERY_S if self.is_live else ASK_EVERY_S)
            self._wake.clear()

    def _worth_asking(self) -> list[str]:
        """Return open attempts, and a few of those that closed unpaid not long ago, in turn."""
        found = [attempt.attempt_id for attempt in self._store.reader.open_attempts()]
        if not self._late and time.monotonic() >= self._late_at:
            kept = dict.fromkeys((*untold(self._store.reader), *self._payments.frozen()))
            self._late = [attempt for attempt in kept if attempt not in found]
            self._late_at = time.monotonic() + LATE_EVERY_S
        found += self._late[:LATE_AT_ONCE]
        del self._late[:LATE_AT_ONCE]
        return found

    def _is_own(self, attempt_id: str) -> bool:
        """What other tills of the store show is theirs to ask about."""
        return self._store.reader.attempt(attempt_id) is not None
