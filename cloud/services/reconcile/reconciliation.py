"""Brings bills in and compares them: fetched from the provider or read from a file, kept, compared with the
ledger, what was unheard taken as heard, differences and fees written down.

Providers are asked without holding a lock. Doing any of it again changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial

import sqlalchemy as sa

from app.errors import RuleBroken, Trouble
from cloud.db.base import Database
from cloud.errors import Refused
from cloud.gateways.base import (
    Answer,
    AttemptKey,
    Bill,
    BillLine,
    Money,
    ReadsBills,
    Standing,
    unresolved,
)
from cloud.gateways.bills import BillUnreadable, bounds
from cloud.gateways.registry import Gateways
from cloud.services import tasks
from cloud.services.giving_back import GivingBack
from cloud.services.live import Newsroom
from cloud.services.payments import Payments
from cloud.services.reconcile import bills, compare, differences, fees, ledger, refunds
from cloud.services.reconcile.account import Account
from cloud.services.reconcile.bills import Kept
from cloud.services.reconcile.compare import Comparison, Finding, Reason
from cloud.services.reconcile.ledger import NEAR_MS

log = logging.getLogger(__name__)

FETCHED = "fetched"
"""The source of a bill that came from the provider itself."""


_UNHEARD = frozenset({Reason.UNKNOWN_HERE, Reason.REFUND_UNKNOWN, Reason.REFUND_REFUSED})
"""What the ledger may be behind in: it is heard, and perhaps asked about first."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a bill brought: how many lines, whether it was new, and what its day's comparison changed.

    `unanswered` are findings nobody could be asked about: the day is to be compared once more.
    """

    account: str
    day: date
    revision: int
    lines: int
    fresh: bool
    found: int
    opened: int
    closed: int
    healed: int
    unanswered: int = 0


@dataclass(frozen=True, slots=True)
class _Heard:
    """Which lines of a bill were taken as heard, which are about money that the provider has reversed,
    perhaps on another day, and about which nobody could be asked now."""

    healed: set[int] = field(default_factory=set)
    gone: set[int] = field(default_factory=set)
    unanswered: set[int] = field(default_factory=set)


class Reconciliation:
    """The bills of one brand's accounts. Blocking; may be called from any thread."""

    def __init__(
        self,
        database: Database,
        gateways: Gateways,
        payments: Payments,
        giving_back: GivingBack,
        newsroom: Newsroom,
        tenant: str,
        is_shared: Callable[[str], bool],
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._database = database
        self._gateways = gateways
        self._payments = payments
        self._giving_back = giving_back
        self._newsroom = newsroom
        self._tenant = tenant
        self._is_shared = is_shared
        self._is_stopped = is_stopped

    def fetch(self, account: str, day: date) -> Result:
        """Fetch the bill of a past day and take it in.

        Raises Trouble(PAYMENT_UNRESOLVED) while the provider has none to give, also if it says there is
        none although money moved that day by our ledger; RuleBroken(PAYMENT_NOT_OFFERED) for one that
        bills nothing.
        """
        came = self._gateways.named(account).bill(day)
        if came.is_none and self._moved_on(account, came):
            raise unresolved(account, "no bill, and by our ledger money moved that day")
        return self.take(account, came, FETCHED)

    def _moved_on(self, account: str, came: Bill) -> bool:
        of, span = Account(self._tenant, account), bounds(came.day, came.zone)
        return self._database.read(
            lambda conn: bool(ledger.paid_on(conn, of, span) or refunds.done_on(conn, of, span))
        )

    def read(self, account: str, file: bytes, source: str, day: date | None = None) -> Result:
        """Take in a bill somebody downloaded, of the day it is itself of unless one is said.

        Raises Refused 422 `bill_unreadable`, saying why, when it is no bill of this account, not all of it,
        or another day's; nothing is changed then. Trouble for an account that is not connected.
        """
        gateway = self._gateways.named(account)
        if not isinstance(gateway, ReadsBills):
            raise Refused(422, "bill_unreadable", f"bills of {account} are not read from files")
        try:
            came = gateway.read_bill(file, day)
        except BillUnreadable as why:
            raise Refused(422, "bill_unreadable", str(why)) from why
        return self.take(account, came, source)

    def take(self, account: str, came: Bill, source: str) -> Result:
        """Keep a bill and compare its day, and the days beside it, which may have waited for it."""
        of, now_ms, parcel = (
            Account(self._tenant, account),
            self._payments.now_ms(),
            bills.pack(came),
        )
        kept = self._database.write(lambda conn: bills.keep(conn, of, parcel, source, now_ms))
        result = self._compare(kept)
        if kept.fresh:
            for day in (came.day - timedelta(1), came.day + timedelta(1)):
                beside = self._database.read(partial(bills.find, account=of, day=day))
                if beside is not None:
                    self._compare(beside)
        return result

    def compare_day(self, account: str, day: date) -> Result:
        """Compare a bill that is kept once more. Raises Refused 404 where there is none."""
        of = Account(self._tenant, account)
        kept = self._database.read(lambda conn: bills.find(conn, of, day))
        if kept is None:
            raise Refused(404, "no_bill", f"{account} {day}")
        return self._compare(kept)

    def _compare(self, kept: Kept) -> Result:
        def look(conn: sa.Connection) -> tuple[list[BillLine], Comparison, list[Finding]]:
            lines = bills.lines_of(conn, kept)
            books = ledger.books(conn, kept.account, kept.span, lines)
            earlier = bills.billed_before(conn, kept)
            shared = self._is_shared(kept.account.name)
            compared = compare.compare(lines, books, earlier=earlier, shared=shared)
            return lines, compared, _missing(conn, kept, lines)

        lines, compared, missing = self._database.read(look)
        heard = self._heal(kept.account, lines, compared.findings)
        findings = [each for each in compared.findings if each.no not in heard.gone] + missing
        now_ms = self._payments.now_ms()

        def write(conn: sa.Connection) -> differences.Changes:
            fees.book(conn, kept, lines, compared.placed)
            bills.note_compared(conn, kept, compared.foreign, 0 if heard.unanswered else now_ms)
            return differences.bring_up_to_date(
                conn, kept.account, kept.day, findings, heard.healed, now_ms
            )

        changes = self._database.write(write)
        self.tell(changes.stores)
        return Result(
            account=kept.account.name,
            day=kept.day,
            revision=kept.revision,
            lines=len(lines),
            fresh=kept.fresh,
            found=len(findings),
            opened=changes.opened,
            closed=changes.closed,
            healed=len(heard.healed),
            unanswered=len(heard.unanswered),
        )

    def _heal(
        self, account: Account, lines: Sequence[BillLine], findings: Iterable[Finding]
    ) -> _Heard:
        """Take what the ledger has not heard of as heard, as if its notice or answer had come. A stop waits
        for one question only; the rest has no answer then."""
        heard = _Heard()
        for each in findings:
            if each.reason not in _UNHEARD:
                continue
            if self._is_stopped():
                heard.unanswered.add(each.no)
                continue
            try:
                self._heal_one(heard, account, each, lines)
            except (RuleBroken, Trouble) as error:
                log.error("bill and books differ about %s: %s", each.attempt_id, error.code)
                heard.unanswered.add(each.no)
            except Exception:  # a bug with one finding must not keep the others of its day unheard
                log.exception("what a bill says of %s cannot be heard", each.attempt_id)
                heard.unanswered.add(each.no)
        return heard

    def _heal_one(
        self, heard: _Heard, account: Account, each: Finding, lines: Sequence[BillLine]
    ) -> None:
        key = AttemptKey(account.tenant, each.store, each.attempt_id)
        match each.reason:
            case Reason.UNKNOWN_HERE:
                booked = self._hear(account, key, lines[each.no])
                (heard.healed if booked else heard.gone).add(each.no)
            case Reason.REFUND_UNKNOWN if self._reversed(account, key):
                heard.gone.add(each.no)
            case Reason.REFUND_REFUSED:
                line = lines[each.no]
                self._giving_back.told(key, line.refund_number, line.amount, line.currency)
                heard.healed.add(each.no)

    def _hear(self, account: Account, key: AttemptKey, line: BillLine) -> bool:
        """Tell whether a payment is in the books now; it is not if its provider has reversed it."""
        money = Money(line.ref, line.amount, line.at_ms)
        return self._payments.heard(key, Answer(Standing.PAID, (money,)), account.name)

    def _reversed(self, account: Account, key: AttemptKey) -> bool:
        """Tell whether nothing was ever booked for an attempt, and its provider has reversed it."""
        if self._payments.find(key).received:
            return False
        return self._gateways.named(account.name).query(key).standing is Standing.REVERSED

    def tell(self, stores: Iterable[tuple[str, str]]) -> None:
        """Let the tills of these stores hear that tasks have changed."""
        tasks.tell(self._newsroom, stores)


def _missing(conn: sa.Connection, kept: Kept, lines: Sequence[BillLine]) -> list[Finding]:
    """Return what the ledger has of this day and no bill."""
    account, day, here = kept.account, kept.day, {line.ref for line in lines}
    paid = [each for each in ledger.paid_on(conn, account, kept.span) if each.ref not in here]
    given = refunds.done_on(conn, account, kept.span)
    kept_days = bills.days_kept(conn, account, day - timedelta(1), day + timedelta(1))

    def could_stand(at_ms: int) -> bool:
        """A payment near midnight may stand on the bill of the day beside."""
        before = at_ms - NEAR_MS < kept.span[0] and day - timedelta(1) not in kept_days
        return before or (at_ms + NEAR_MS >= kept.span[1] and day + timedelta(1) not in kept_days)

    return compare.missing(
        paid,
        given,
        billed=bills.billed(conn, account, [each.ref for each in paid]),
        refunded=bills.refunded(conn, account, [(g.attempt_id, g.number) for g in given]),
        could_stand=could_stand,
        # What was given back late stands on the next day's bill at some providers.
        refund_could_stand=lambda _at_ms: day + timedelta(1) not in kept_days,
    )
