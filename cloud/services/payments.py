"""Jobs of a payment: register an order, send the customer to a wallet, hear, close, expire, tell.

Providers are asked without holding a lock; what they say is applied under the attempt's row lock, so
whichever of till, customer, provider and clock comes first wins and nobody's money is dropped. Knows
no HTTP and no provider in particular.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial

import sqlalchemy as sa

from app.domain.payment import CLOSED_UNPAID, Event, State, Way
from app.errors import Code, RuleBroken, Trouble
from app.wire.proofs import PROOF_MS
from cloud.db.base import Database
from cloud.gateways.base import (
    PENDING,
    Answer,
    AttemptKey,
    Charge,
    Money,
    Standing,
    Started,
    unresolved,
)
from cloud.gateways.registry import Gateways
from cloud.services import (
    attempts,
    by_hand,
    orphans,
    overdue,
    reversing,
    tasks,
    turns,
)
from cloud.services.afterwards import LastLooks, LostSales, look_for_orphans
from cloud.services.attempts import Attempt, Ledger, Vouched
from cloud.services.changes import Changes
from cloud.services.closing import Closing
from cloud.services.judging import ORPHAN_MS
from cloud.services.live import Newsroom
from cloud.services.reversing import NOBODY_KNOWS, Asked
from cloud.services.rounds import EVERYBODY, Lane, Round, Rounds
from cloud.services.same_sale import give_way, is_the_same, of_two_orders, refuse_second

log = logging.getLogger(__name__)

LATE_MS = 72 * 60 * 60 * 1000
"""So long after its end what closed unpaid is asked about when its till asks: its notice may never come."""

_GONE = frozenset({Standing.REVERSED, Standing.CLOSED})
"""Of what was paid before, a provider that says so now keeps nothing."""

_UNPAID = {
    Standing.ABSENT: Event.STILL_WAITING,
    Standing.OPEN: Event.STILL_WAITING,
    Standing.PAYING: Event.STILL_WAITING,
    Standing.DECLINED: Event.DECLINED,
}


class Payments:
    """Payment attempts at the cloud. Blocking; every method may be called from any thread."""

    def __init__(
        self, database: Database, gateways: Gateways, newsroom: Newsroom, now_ms: Callable[[], int]
    ) -> None:
        self._database = database
        self._gateways = gateways
        self.now_ms = now_ms
        self._change = Changes(database, newsroom, now_ms).make
        self._tell_of_tasks = partial(tasks.tell, newsroom)
        self._lost_sales = (
            LostSales(ORPHAN_MS, now_ms() - LATE_MS),
            LostSales(PROOF_MS + ORPHAN_MS, now_ms() - LATE_MS, portable=True),
        )
        self._closing = Closing(gateways, self._change)
        self._unproven = by_hand.Unproven(database, gateways, self._change, self._closing)
        self._last_looks: dict[Lane, LastLooks] = {}
        self._looking_from_ms = now_ms() - LATE_MS

    def register(self, order: Attempt) -> Attempt:
        """Put a verified order down before its QR is shown; the same bytes again change nothing.

        Raises RuleBroken: REFERENCE_ALREADY_USED (TOKEN_INVALID for an order that travels) when the id stands
        for other bytes, ORDER_PAID when the sale has been paid by another attempt, PAYMENT_ALREADY_OPEN when
        another attempt may still be paid, TOKEN_EXPIRED when it is too late to show it.
        """
        for other in self._database.read(lambda conn: attempts.of_sale(conn, order)):
            if other.attempt_id != order.attempt_id and other.payment.is_open:
                self.current(other.key)  # let the clock close it first

        def put(ledger: Ledger) -> Attempt:
            known = attempts.known(ledger.conn, order.key)
            if known is not None:
                if not is_the_same(known, order):
                    raise of_two_orders(order)
                return known
            others = attempts.of_sale(ledger.conn, order)
            refuse_second([give_way(ledger, other, order) for other in others])
            if order.expires_ms <= ledger.now_ms:
                raise RuleBroken(Code.TOKEN_EXPIRED)
            return by_hand.told_before(ledger, orphans.told_before(ledger, ledger.open(order)))

        try:
            return self._change(put)
        except sa.exc.IntegrityError:  # a twin was quicker; now it can be seen
            return self._change(put)

    def current(self, key: AttemptKey) -> Attempt:
        """Return an attempt as it truly stands now: overdue ones are settled, its provider is asked, but once
        per some seconds, however many want to know. Raises RuleBroken(PAYMENT_UNKNOWN)."""
        attempt, now_ms = self.find(key), self.now_ms()
        if attempt.is_awaited:
            mine = turns.taken(self._database, attempt, now_ms)
            return self._unproven.ask(attempt, now_ms) if mine else attempt
        if not attempt.payment.is_open:
            return attempt
        if attempt.provider and not turns.taken(self._database, attempt, now_ms):
            return attempt
        if attempt.expires_ms <= now_ms:
            return self._end(attempt, Event.TIMED_OUT, "clock")
        return self._ask(attempt) if attempt.provider else attempt

    def looked_after(self, key: AttemptKey) -> Attempt:
        """Return what `current` does, and hear of late money whose notice was lost: each provider that was
        chosen is asked, so it is for tills and not for pages."""
        attempt, now_ms = self.current(key), self.now_ms()
        late = attempt.payment.state in CLOSED_UNPAID or attempt.vouched is Vouched.DENIED
        still = attempt.provider and now_ms < attempt.expires_ms + LATE_MS
        if late and still and turns.taken(self._database, attempt, now_ms):
            for provider in self._database.read(lambda conn: attempts.asked_of(conn, key)):
                attempt = self._ask(attempt, provider)
        return attempt

    def cancel(self, key: AttemptKey) -> Attempt:
        """Close at the till's wish: ask, close at the provider, and only then release.

        The answer is the truth afterwards: cancelled, or confirmed because the customer was quicker, or
        unknown because the provider did not answer. Raises RuleBroken(PAYMENT_UNKNOWN).
        """
        attempt = self.find(key)
        if not attempt.payment.is_open:
            return attempt
        return self._end(attempt, Event.CLOSED, "till")

    def start(
        self,
        key: AttemptKey,
        charge: Callable[[Attempt], Charge],
        provider: str = "",
        way: Way = Way.PAGE,
    ) -> Started:
        """Send the customer to a wallet: return its address; however often, it is one provider order.

        A customer who changes the wallet leaves the first one closed. Raises RuleBroken(ORDER_CLOSED)
        when the attempt can no longer be paid, or part of it is: a wallet would ask for all of it once
        more; and Trouble when the provider does not answer.
        """
        gateway = self._gateways.named(provider or self._gateways.first)
        chosen = attempts.to_be_paid(self.find(key), self.now_ms())
        if chosen.provider not in ("", gateway.name):
            self._leave(chosen)

        def begin(ledger: Ledger) -> Attempt:
            attempt = attempts.find(ledger.conn, key, lock=True)
            return ledger.start(attempts.to_be_paid(attempt, ledger.now_ms), gateway.name, way)

        started = gateway.create(charge(self._change(begin)))
        attempt = self.find(key)
        if not attempt.payment.is_open:
            # Closed or paid while the provider was asked: what it has just opened must not stay open.
            self.heard(key, gateway.close(key), gateway.name)
            raise RuleBroken(Code.ORDER_CLOSED, state=attempt.payment.state.value)
        return started

    def collect(
        self, key: AttemptKey, charge: Callable[[Attempt], Charge], provider: str, code: str
    ) -> Attempt:
        """Collect by the code a customer shows, once per attempt; return how it then stands.

        An attempt begun at this provider, or partly paid, is asked about and not collected, whatever the
        code is. Raises RuleBroken(PAYMENT_UNKNOWN).
        """
        gateway = self._gateways.named(provider)
        chosen = self.current(key)
        if not chosen.payment.is_open or chosen.provider == gateway.name or chosen.received:
            return chosen
        try:
            if chosen.provider:
                self._leave(chosen)
        except RuleBroken:
            return self.find(key)  # paid at the wallet chosen before
        except Trouble as trouble:
            return self._lose(chosen, trouble)

        def begin(ledger: Ledger) -> Attempt | None:
            attempt = attempts.find(ledger.conn, key, lock=True)
            mine = attempt.payment.is_open and attempt.provider == chosen.provider
            return ledger.start(attempt, gateway.name, Way.CODE) if mine else None

        begun = self._change(begin)
        if begun is None:  # a second tap or another till was quicker
            return self.current(key)
        try:
            answer = gateway.pay(charge(begun), code)
            asked = Asked(begun.version)
            return self._apply(key, answer, Event.CLOSED, "provider", gateway.name, asked=asked)
        except Trouble as trouble:
            return self._lose(begun, trouble)

    def _leave(self, attempt: Attempt) -> None:
        """End the order at the wallet chosen before. Money that came meanwhile is what counts."""
        gateway = self._gateways.named(attempt.provider)
        answer, asked = gateway.query(attempt.key), Asked(attempt.version)
        if answer.standing in PENDING and not answer.money:
            answer, asked = self._closing.close(attempt)
        if answer.money:
            event = Event.TIMED_OUT
            self._apply(attempt.key, answer, event, "provider", gateway.name, asked=asked)
            raise RuleBroken(Code.ORDER_CLOSED, state=State.CONFIRMED.value)
        if answer.standing in (Standing.OPEN, Standing.PAYING):
            raise unresolved(gateway.name, "the wallet chosen before still waits for its payer")

    def look(self, key: AttemptKey) -> Attempt:
        """Note that a customer has the order on a phone; the till hears of the first time."""

        def note(ledger: Ledger) -> Attempt:
            attempt = attempts.find(ledger.conn, key, lock=True)
            return ledger.look(attempt) if attempt.payment.is_open else attempt

        return self._change(note)

    def heard(self, key: AttemptKey, answer: Answer, provider: str = "") -> bool:
        """Take a provider's verified notification: its money, and otherwise its standing.

        Of an attempt that has ended or is being reversed, money is a hint: its provider is asked, and what
        was reversed meanwhile is not booked. Return whether all the answer's money is in the books. Raises
        RuleBroken(PAYMENT_UNKNOWN), and Trouble when the provider does not answer.
        """
        name = provider or self._gateways.first
        self._apply(key, answer, Event.TIMED_OUT, "provider", name)
        booked = self._database.read(lambda conn: attempts.heard_of(conn, name, key))
        return _refs(answer.money) <= _refs(booked)

    def sweep(self, lane: Lane = EVERYBODY, rounds: Rounds = Round) -> int:
        """Settle attempts of a lane past their end, ask again about unknown ones; return how many changed."""
        now_ms, round_ = self.now_ms(), rounds()
        due = self._database.read(
            lambda conn: overdue.unsettled(conn, now_ms, turns.due(now_ms), lane)
        )
        changed = 0
        for key in due:
            if not round_.goes_on:
                break
            try:
                before = self.find(key)
                changed += self.current(key).version != before.version
            except Trouble:
                raise
            except Exception:  # a bug with one attempt must not keep all behind it open
                log.exception("attempt %s could not be settled", key.attempt_id)
        self._unproven.go(now_ms, lane, rounds())
        self._last_looks_of(lane).go(now_ms, rounds())
        if lane.is_rest:
            look_for_orphans(self._database, self._lost_sales, self._tell_of_tasks, now_ms)
        return changed

    def _last_looks_of(self, lane: Lane) -> LastLooks:
        known = self._last_looks.get(lane)
        if known is None:
            known = self._last_looks[lane] = LastLooks(
                self._database, self._gateways, self.heard, self._looking_from_ms, lane
            )
        return known

    def _ask(self, attempt: Attempt, provider: str = "") -> Attempt:
        """Query a provider and apply what it says; no answer makes the attempt unknown."""
        name = provider or attempt.provider
        try:
            answer = self._gateways.named(name).query(attempt.key)
            unpaid = answer.standing in PENDING and not answer.money
            if unpaid and attempt.payment.state is State.WAITING:
                return attempt  # nothing to write; phones ask every few seconds
            asked, event = Asked(attempt.version), Event.TIMED_OUT
            return self._apply(attempt.key, answer, event, "provider", name, asked=asked)
        except Trouble as trouble:
            return self._lose(attempt, trouble)

    def _end(self, attempt: Attempt, event: Event, source: str) -> Attempt:
        """Bring an open attempt to its end by `event` unless money or silence says otherwise."""

        def close_unstarted(ledger: Ledger) -> Attempt:
            here = attempts.find(ledger.conn, attempt.key, lock=True)
            if here.provider or not here.payment.is_open:
                return here
            return ledger.step(here, event, source)  # no provider has ever heard of it

        attempt = self._change(close_unstarted)
        if not attempt.payment.is_open:
            return attempt
        try:
            answer, asked = self._closing.shut(attempt)
            name = attempt.provider
            return self._apply(attempt.key, answer, event, source, name, asked=asked, ending=True)
        except Trouble as trouble:
            return self._lose(attempt, trouble)

    def _apply(
        self,
        key: AttemptKey,
        answer: Answer,
        closed: Event,
        source: str,
        provider: str,
        *,
        asked: Asked = NOBODY_KNOWS,
        ending: bool = False,
    ) -> Attempt:
        """Apply a provider's answer; `closed` says whose wish an unpaid closing was.

        What is paid cannot be closed there. If it is less than was due, `ending` closes it here: nothing
        more can come, and what came can go back. Of a wallet the customer has left only money counts.
        Raises Trouble where money must be asked about and that brings no certainty.
        """

        def take(ledger: Ledger) -> Attempt | None:
            attempt = attempts.find(ledger.conn, key, lock=True)
            known = _refs(attempts.heard_of(ledger.conn, provider, key))
            if not _refs(answer.money) <= known and (
                not attempt.payment.is_open or reversing.may_hide(ledger, key, provider, asked)
            ):
                return None
            left = attempt.provider not in ("", provider)
            attempt = ledger.hear_money(attempt, provider, answer.money)
            attempt = reversing.note_taken_back(ledger, attempt, provider, answer)
            paid = answer.standing is Standing.PAID and not ending
            if paid or left:
                return attempt
            if not attempt.payment.is_open:
                return by_hand.hear_end(ledger, attempt, answer)
            return ledger.step(attempt, _UNPAID.get(answer.standing, closed), source)

        return self._change(take) or self._late(key, answer, closed, source, provider)

    def _late(
        self, key: AttemptKey, hint: Answer, closed: Event, source: str, provider: str
    ) -> Attempt:
        """Ask about money that is said to have come for an attempt after its end or while it is reversed, and
        book it unless its provider has given it back or may be about to."""
        asked = Asked(self.find(key).version)
        sure = self._gateways.named(provider).query(key)
        if sure.standing in _GONE:
            log.warning("%s reversed what was paid for attempt %s", provider, key.attempt_id)
            return self._apply(key, Answer(sure.standing), closed, source, provider)

        def book(ledger: Ledger) -> Attempt:
            attempt = attempts.find(ledger.conn, key, lock=True)
            if reversing.may_hide(ledger, key, provider, asked):
                raise unresolved(provider, "a reversal may be under way")
            return ledger.hear_money(attempt, provider, (*sure.money, *hint.money))

        return self._change(book)

    def _lose(self, attempt: Attempt, trouble: Trouble) -> Attempt:
        def lose(ledger: Ledger) -> Attempt:
            here = attempts.find(ledger.conn, attempt.key, lock=True)
            return ledger.step(here, Event.LOST, "provider") if here.payment.is_open else here

        after = self._change(lose)
        if after.payment != attempt.payment:
            log.warning("no answer about attempt %s: %s", attempt.attempt_id, trouble.code)
        return after

    def find(self, key: AttemptKey) -> Attempt:
        """Return an attempt as last written down. Raises RuleBroken(PAYMENT_UNKNOWN)."""
        return self._database.read(lambda conn: attempts.find(conn, key))


def _refs(money: Iterable[Money]) -> set[str]:
    return {piece.ref for piece in money}
