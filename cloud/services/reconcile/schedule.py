"""Decides which bills are due, and fetches them: yesterday's of every account once providers have them, and
what is still lacking of the week before; after a failure again and again, at growing intervals.

What was fetched stands in the database, so a cloud that was off makes up for it; only the intervals are
forgotten with the process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from app.domain.times import SHOP_ZONE
from app.errors import RuleBroken, Trouble
from cloud.errors import Refused
from cloud.services.reconcile.differences import WEEK
from cloud.services.reconcile.reconciliation import Result

log = logging.getLogger(__name__)

READY_MINUTES = 10 * 60 + 30
"""Minutes after midnight in China from which yesterday's bill is asked for: Alipay has it from about nine,
WeChat Pay from about ten."""
FIRST_WAIT_MS = 5 * 60_000
LONGEST_WAIT_MS = 3 * 60 * 60_000


def days_due(now_ms: int, first: date) -> list[date]:
    """Return the days whose bills providers have by now, the newest first, none before `first`."""
    now = datetime.fromtimestamp(now_ms / 1000, SHOP_ZONE)
    ready = now.hour * 60 + now.minute >= READY_MINUTES
    newest = now.date() - timedelta(1 if ready else 2)
    days = [newest - timedelta(back) for back in range(WEEK)]
    return [day for day in days if day >= first]


@dataclass(slots=True)
class _Failures:
    count: int
    again_ms: int


@dataclass
class Rounds:
    """Fetches what is due, one round after the other. Not for several threads at once."""

    accounts: Callable[[], Iterable[str]]
    """Names of the accounts whose providers bill."""
    kept: Callable[[str, date, date], set[date]]
    """Of which days in a span there is a bill of an account, and was compared."""
    fetch: Callable[[str, date], Result]
    """Bring a day's bill in, or finish what was begun with it."""
    now_ms: Callable[[], int]
    first: date
    """The first day of this cloud: before it there is nothing to compare with."""
    is_stopped: Callable[[], bool] = lambda: False
    """Whether the cloud stops: then no further bill is begun."""
    _failed: dict[tuple[str, date], _Failures] = field(default_factory=dict)

    def run(self) -> list[Result]:
        """Fetch every bill that is due and not in its time of waiting; return what came."""
        came: list[Result] = []
        days = days_due(self.now_ms(), self.first)
        if not days:
            return came
        for account in self.accounts():
            there = self.kept(account, days[-1], days[0])
            for day in days:
                waits = self._failed.get((account, day))
                if day in there or (waits and self.now_ms() < waits.again_ms):
                    continue
                if self.is_stopped():
                    return came
                result = self._try(account, day)
                if result is not None:
                    came.append(result)
        return came

    def _wait(self, account: str, day: date) -> int:
        """Leave a bill alone for a while; return how often it failed."""
        failures = self._failed.setdefault((account, day), _Failures(0, 0))
        wait_ms = min(FIRST_WAIT_MS << min(failures.count, 10), LONGEST_WAIT_MS)
        failures.count += 1
        failures.again_ms = self.now_ms() + wait_ms
        return failures.count

    def _try(self, account: str, day: date) -> Result | None:
        try:
            result = self.fetch(account, day)
        except (Trouble, RuleBroken, Refused) as error:
            facts = getattr(error, "facts", {})
            said = facts.get("detail", "") or type(error).__name__
            log.warning(
                "no bill of %s for %s yet (%s): %s", account, day, self._wait(account, day), said
            )
            return None
        except Exception:  # a bug with one bill must not keep all others from being fetched
            log.exception("bill of %s for %s failed (%s)", account, day, self._wait(account, day))
            return None
        if result.unanswered:
            log.warning(
                "%s findings of %s for %s have no answer yet (%s)",
                result.unanswered,
                account,
                day,
                self._wait(account, day),
            )
        else:
            self._failed.pop((account, day), None)
        level = logging.WARNING if result.opened else logging.INFO
        log.log(
            level,
            "bill of %s for %s: %s lines, %s differences open, %s payments newly heard of",
            account,
            day,
            result.lines,
            result.opened,
            result.healed,
        )
        return result
