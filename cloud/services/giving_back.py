"""Giving money back by the way it came: written down first, asked for once, followed to its end.

A provider is asked without holding a lock; what it says is applied under the row lock of the attempt. Never
more goes back than came: whatever is not refused counts. One question about a refund is out at a time, and
a refusal is believed only where nothing else may have arrived. Knows no HTTP and no provider in particular.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from app.domain.money_back import Back, Paid, from_one, from_several
from app.domain.payment import PAID_STATES, Event, State
from app.domain.text import MAX_REFERENCE, check_reason
from app.errors import Code, RuleBroken, Trouble
from app.wire.tasks import REFUNDED
from cloud.db.base import Database
from cloud.gateways.base import AttemptKey, RefundAnswer, RefundStanding
from cloud.gateways.registry import Gateways
from cloud.services import attempts, money_tasks, proofs, refund_answers, refund_ledger, tasks
from cloud.services.attempts import Attempt, Ledger
from cloud.services.changes import Changes
from cloud.services.live import Newsroom, attempt_topic, store_topic
from cloud.services.lost_returns import LOOK_BACK_MS, LostReturns
from cloud.services.payments import Payments
from cloud.services.refund_answers import TURN_MS
from cloud.services.refund_ledger import GoingBack, RefundKey, RefundLedger, Request, Turn
from cloud.services.rounds import EVERYBODY, Lane, Round, Rounds

log = logging.getLogger(__name__)

_NUMBER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to give back. `number` is a UUID chosen on the device; minor units.

    `person` is the manager who decides. `document` is the till's refund of a sale, "" for money no sale
    was made of: then `claim_id` is the claim of `device` on the attempt's task.
    """

    number: str
    attempt: AttemptKey
    amount: int
    currency: str
    device: str
    reason: str
    person: str = ""
    document: str = ""
    claim_id: str = ""

    @property
    def key(self) -> RefundKey:
        """Which refund it is."""
        return RefundKey(self.attempt.tenant, self.attempt.store, self.number)


class GivingBack:
    """Refunds at the cloud. Blocking; every method may be called from any thread."""

    def __init__(
        self, database: Database, gateways: Gateways, newsroom: Newsroom, payments: Payments
    ) -> None:
        self._database = database
        self._gateways = gateways
        self._newsroom = newsroom
        self._payments = payments
        self._changes = Changes(database, newsroom, payments.now_ms)
        self._lost_returns = LostReturns(
            database, partial(tasks.tell, newsroom), payments.now_ms() - LOOK_BACK_MS
        )

    def give_back(self, wish: Wish) -> Request:
        """Write a refund down, ask its provider, and return how it stands; the same again is once.

        Raises RuleBroken: CLOUD_MESSAGE_INVALID, AMOUNT_INVALID, TEXT_*, PAYMENT_UNKNOWN,
        PAYMENT_NOT_CONFIRMED when nothing has come, PAYMENT_ALREADY_OPEN while it may still be paid,
        REFUND_EXCEEDS_PAYMENT (`left`), REFERENCE_ALREADY_USED when the number stands for another refund,
        PROOF_OUT; Refused 403 for somebody who is no manager, and as `tasks.held` does where money no sale
        was made of is given back.
        """
        _check(wish)
        if self._known(wish) is None:
            try:
                self._write_down(wish)
            except RuleBroken as refused:
                if refused.code is not Code.PAYMENT_ALREADY_OPEN or wish.document:
                    raise
                # What came is less than was due. Nothing more may come while it goes back.
                self._payments.cancel(wish.attempt)
                self._write_down(wish)
        return self.current(wish.key)

    def current(self, key: RefundKey) -> Request:
        """Return a refund as it stands: what is not at its end is asked about, unless somebody just did or
        is still waiting for the answer.

        Raises RuleBroken(REFUND_UNKNOWN).
        """
        for row in self._find(key).rows:
            turn = self._take_turn(row) if row.is_due(self._payments.now_ms()) else None
            if turn is not None:
                self._ask(turn)
        return self._find(key)

    def told(self, attempt: AttemptKey, number: str, amount: int, currency: str) -> None:
        """Take it as heard that a provider has given so much back under this number. Another amount than was
        asked for is *stuck*: a person must look. Raises RuleBroken(REFUND_UNKNOWN)."""
        rows = self._database.read(lambda conn: refund_ledger.of_attempt(conn, attempt))
        row = next((each for each in rows if each.number == number), None)
        if row is None:
            raise RuleBroken(Code.REFUND_UNKNOWN)
        same = (row.amount, row.currency) == (amount, currency)
        answer = RefundAnswer(RefundStanding.DONE, amount=amount)
        self._apply(row, Back.DONE if same else Back.STUCK, answer)

    def sweep(self, lane: Lane = EVERYBODY, rounds: Rounds = Round) -> int:
        """Ask about refunds of a lane whose end nobody has heard of; return how many changed. Returns whose
        document never came are looked for as well."""
        now_ms, round_ = self._payments.now_ms(), rounds()
        due = self._database.read(lambda conn: refund_ledger.unanswered(conn, now_ms, lane))
        changed = 0
        for key in due:
            if not round_.goes_on:
                break
            try:
                before = self._find(key)
                changed += self.current(key).version != before.version
            except Trouble:
                raise
            except Exception:  # a bug with one refund must not keep all behind it waiting
                log.exception("refund %s could not be followed", key.number)
        if lane.is_rest:
            self._lost_returns.go(now_ms)
        return changed

    def _known(self, wish: Wish) -> Request | None:
        """Return the refund of this number, if it was written down. Raises REFERENCE_ALREADY_USED."""
        known = self._database.read(lambda c: refund_ledger.known(c, wish.key))
        if known is None:
            return None
        first = known.first
        same = (first.attempt, known.amount) == (wish.attempt, wish.amount)
        if not same or (wish.document and first.document != wish.document):
            raise RuleBroken(Code.REFERENCE_ALREADY_USED, number=wish.number)
        return known

    def _find(self, key: RefundKey) -> Request:
        request = self._database.read(lambda c: refund_ledger.known(c, key))
        if request is None:
            raise RuleBroken(Code.REFUND_UNKNOWN)
        return request

    # --- writing down -------------------------------------------------------------------------

    def _write_down(self, wish: Wish) -> None:
        def put(books: _Books) -> None:
            # The lock first: of two tills that want the rest, the second sees what the first took.
            attempt = attempts.find(books.conn, wish.attempt, lock=True)
            if refund_ledger.known(books.conn, wish.key) is not None:
                return  # a twin was quicker
            document, parts = self._parts(books, attempt, wish)
            for place, (payment, amount) in enumerate(parts):
                row = GoingBack(
                    number=_number_of(wish.number, place),
                    request=wish.number,
                    attempt=wish.attempt,
                    device=wish.device,
                    document=document,
                    provider=payment.provider,
                    payment_ref=payment.ref,
                    total=payment.amount,
                    amount=amount,
                    currency=attempt.currency,
                    reason=wish.reason,
                    actor=wish.person,
                    created_ms=books.now_ms,
                )
                books.refunds.open(row)
            _follow(books, attempt)

        self._change(put)

    def _parts(
        self, books: _Books, attempt: Attempt, wish: Wish
    ) -> tuple[str, tuple[tuple[Paid, int], ...]]:
        """Return for which document the money goes back, and from which payments."""
        proofs.refuse_refund(books.conn, wish.attempt, wish.device, books.now_ms)
        if wish.currency != attempt.currency:
            raise RuleBroken(Code.AMOUNT_INVALID, amount=wish.amount)
        holder = tasks.Holder(
            attempt.tenant, attempt.store, wish.device, wish.claim_id, wish.person
        )
        if wish.document:
            tasks.only_who_may(books.conn, holder, REFUNDED, wish.person)
        else:
            tasks.held(books.conn, holder, attempt.attempt_id)
        if attempt.payment.is_open:
            raise RuleBroken(Code.PAYMENT_ALREADY_OPEN, attempt=attempt.attempt_id)
        payments = refund_ledger.payments_of(books.conn, wish.attempt)
        if not payments:
            raise RuleBroken(Code.PAYMENT_NOT_CONFIRMED)
        if wish.document:
            if attempt.payment.state not in PAID_STATES:
                raise RuleBroken(Code.PAYMENT_NOT_CONFIRMED)
            return wish.document, ((from_one(payments, wish.amount), wish.amount),)
        waiting, document = money_tasks.waiting(books.conn, attempt.key, books.now_ms)
        if wish.amount > waiting:
            raise RuleBroken(Code.REFUND_EXCEEDS_PAYMENT, left=waiting)
        return document, from_several(payments, wish.amount)

    # --- asking -------------------------------------------------------------------------------

    def _take_turn(self, row: GoingBack) -> Turn | None:
        """Be the one who asks. Of two calls under one number a provider may refuse the second because it
        is at work on the first: so there are no two, neither of threads nor of processes."""

        def take(conn: sa.Connection) -> Turn | None:
            attempts.find(conn, row.attempt, lock=True)
            now_ms = self._payments.now_ms()
            ledger = RefundLedger(conn, now_ms)
            return ledger.take_turn(row.attempt, row.number, now_ms + TURN_MS)

        return self._database.write(take)

    def _ask(self, turn: Turn) -> None:
        """Ask a provider about a refund, and write down what that says; no answer leaves it unknown."""
        row = turn.row
        try:
            heard, answer = refund_answers.ask(self._gateways.named(row.provider), turn)
        except Trouble as trouble:
            log.warning("no answer about refund %s: %s", row.number, trouble.code)
            heard, answer = Back.UNKNOWN, RefundAnswer(RefundStanding.ABSENT)
        self._apply(row, heard, answer)

    def _apply(self, row: GoingBack, heard: Back, answer: RefundAnswer) -> None:
        def take(books: _Books) -> None:
            attempt = attempts.find(books.conn, row.attempt, lock=True)
            key = RefundKey(row.attempt.tenant, row.attempt.store, row.request)
            request = refund_ledger.known(books.conn, key)
            here = next(r for r in request.rows if r.number == row.number) if request else row
            if here.standing.is_belied_by(heard):
                log.error("refund %s was called refused, and now %s", row.number, heard.value)
            elif here.standing.is_final:
                return
            elif here.next_ms != row.next_ms and not heard.is_accepted:
                return  # this answer took so long that somebody else asks by now
            next_ms = books.now_ms + refund_answers.wait_ms(here, heard, answer, books.now_ms)
            word = answer.reason[:MAX_REFERENCE]
            books.refunds.hear(here, heard, answer.ref, word, next_ms)
            _follow(books, attempt)

        self._change(take)

    def _change(self, work: Callable[[_Books], None]) -> None:
        """Make a change of both ledgers, and tell of the refunds once it stands."""

        def run(ledger: Ledger) -> list[Request]:
            books = _Books(ledger, RefundLedger(ledger.conn, ledger.now_ms))
            work(books)
            requests = books.requests()
            ledger.moved.extend(request.first.attempt for request in requests)
            return requests

        for request in self._changes.make(run):
            own = request.first.attempt
            topics = (store_topic(own.tenant, own.store), attempt_topic(own.attempt_id))
            self._newsroom.publish(topics, refund_ledger.news(request))


@dataclass(frozen=True, slots=True)
class _Books:
    """Both ledgers in one transaction."""

    attempts: Ledger
    refunds: RefundLedger

    @property
    def conn(self) -> sa.Connection:
        return self.refunds.conn

    @property
    def now_ms(self) -> int:
        return self.refunds.now_ms

    def requests(self) -> list[Request]:
        """Return the refunds that were changed, as they stand now."""
        found = (refund_ledger.known(self.conn, key) for key in self.refunds.changed)
        return [request for request in found if request is not None]


def _follow(books: _Books, attempt: Attempt) -> None:
    """Let a confirmed attempt say that all its money goes or has gone back, and that it does not."""
    rows = refund_ledger.of_attempt(books.conn, attempt.key)
    going = sum(row.amount for row in rows if row.standing.counts)
    back = sum(row.amount for row in rows if row.standing is Back.DONE)
    state = attempt.payment.state
    if state is State.CONFIRMED and going >= attempt.received > 0:
        attempt = books.attempts.step(attempt, Event.REFUND_ASKED, "till")
    elif state is State.REFUND_PENDING and going < attempt.received:
        attempt = books.attempts.step(attempt, Event.REFUND_REFUSED, "provider")
    if attempt.payment.state is State.REFUND_PENDING and back >= attempt.received:
        books.attempts.step(attempt, Event.REFUND_DONE, "provider")


def _number_of(request: str, place: int) -> str:
    """Return the number a provider knows a part by: the first has the request's own."""
    return request if place == 0 else str(uuid.uuid5(uuid.UUID(request), str(place)))


def _check(wish: Wish) -> None:
    ids = (wish.person, wish.document, wish.claim_id)
    if not _NUMBER.fullmatch(wish.number) or any(len(text) > MAX_REFERENCE for text in ids):
        raise RuleBroken(Code.CLOUD_MESSAGE_INVALID)
    check_reason(wish.reason)
    if not 0 < wish.amount < 1 << 53:
        raise RuleBroken(Code.AMOUNT_INVALID, amount=wish.amount)
