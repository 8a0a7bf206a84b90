"""Money given back by the way it came: asked for under a number of ours, recorded before every call.

A return of goods becomes its document when the provider has accepted; until there is an answer nothing
else of its sale is given back. Money no sale was made of goes back under a claim and leaves no document.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from typing import TypeVar

from app.domain.facts import RefundStep
from app.domain.ids import new_id
from app.domain.money_back import Back
from app.domain.people import Person, Role
from app.domain.refund import Refund, SoldLine, WayBack, way_back
from app.domain.sale import Sale
from app.domain.text import check_reason
from app.domain.times import business_date
from app.errors import Code, RuleBroken, Trouble
from app.ports import Clock, Priority, RefundDesk, Store, UnitOfWork
from app.services.attempts import own_sale
from app.services.payments import Payments
from app.services.refunds import (
    Refunds,
    gone_of,
    refuse_second_way,
    returned_parts,
    worth,
)
from app.services.same_books import forget_books, note_books, note_silence, refuses_for_sure
from app.services.standing import refuse_revoked
from app.services.tasks import StoreTasks
from app.wire.refunds import RefundRequest, RefundView
from app.wire.tasks import LATE, MONEY, NO_SALE, TaskRow

log = logging.getLogger(__name__)

T = TypeVar("T")

LATE_MONEY = "late_money"
"""The reason that stands on a refund of money no sale was made of."""

Heard = RefundView | Back


@dataclass(frozen=True, slots=True)
class Outlook:
    """What can come back of a sale, and how its money would: `gone` is what went back by each attempt,
    `held` the refund that has no answer yet."""

    sale: Sale
    lines: tuple[SoldLine, ...]
    gone: Mapping[str, int]
    held: RefundStep | None

    def way(self, total: int) -> WayBack:
        """Return how an amount would go back; minor units."""
        return way_back(total, self.sale, self.gone)


@dataclass(frozen=True, slots=True)
class BackNews:
    """How a refund stands now; `refund` is its document once there is one, `fresh`: it was begun just now."""

    step: RefundStep
    refund: Refund | None
    fresh: bool = False


class GivingBack:
    """The job of sending money back through its provider. Futures are answered on network threads."""

    def __init__(
        self,
        store: Store,
        desk: RefundDesk,
        refunds: Refunds,
        tasks: StoreTasks,
        payments: Payments,
        clock: Clock,
        pool: Executor,
    ) -> None:
        self._store = store
        self._desk = desk
        self._refunds = refunds
        self._tasks = tasks
        self._payments = payments
        self._clock = clock
        self._pool = pool

    def outlook(self, sale_id: str) -> Future[Outlook]:
        """Return what can come back of a sale. Raises (through the future) RuleBroken(SALE_UNKNOWN)."""

        def job(uow: UnitOfWork) -> Outlook:
            sale, _ = returned_parts(uow, sale_id, {})
            steps = uow.money_back_of_sale(sale_id)
            held = [step for step in steps if step.refund_id and step.standing is Back.UNKNOWN]
            gone = gone_of(uow, sale)
            return Outlook(sale, uow.sold_lines(sale_id), gone, held[-1] if held else None)

        return self._store.run(job)

    def of_sale(
        self,
        sale_id: str,
        pieces: Mapping[int, int],
        *,
        reason: str,
        manager: Person,
        refund_id: str,
    ) -> Future[BackNews]:
        """Give lines of a sale back, what the wallet holds by the wallet and the rest in cash.

        The document exists once the provider has accepted; `unknown` in the answer means that it may
        have: then it is asked on (`refresh`), and the sale is held meanwhile. Raises (through the future)
        RuleBroken: MANAGER_NEEDED, REFUND_UNDER_WAY, PAYMENT_NOT_CONFIRMED where nothing can go back by
        the way it came, and what `Refunds.of_sale` does.
        """
        asked = {line_no: count for line_no, count in pieces.items() if count}
        return self._pool.submit(self._of_sale, sale_id, asked, reason, manager, refund_id)

    def late_money(self, task_id: str, manager: Person) -> Future[BackNews]:
        """Give money back that no sale was made of: all that its task names, claiming it first.

        Raises (through the future) RuleBroken: MANAGER_NEEDED, SALE_ALREADY_RECORDED where its goods went
        out here, and what `StoreTasks.claim` does.
        """
        return self._pool.submit(self._late_money, task_id, manager)

    def refresh(self, number: str) -> Future[BackNews]:
        """Ask how a refund stands. One that may never have arrived is sent again, which is safe.

        Raises (through the future) RuleBroken(REFUND_UNKNOWN) for one this till does not know.
        """
        return self._pool.submit(self._refresh, number)

    def not_ended(self) -> tuple[RefundStep, ...]:
        """Return the refunds of this till whose end it does not know."""
        return self._store.reader.money_going_back()

    # --- network thread -----------------------------------------------------------------------

    def _of_sale(
        self, sale_id: str, pieces: dict[int, int], reason: str, manager: Person, refund_id: str
    ) -> BackNews:
        _only_a_manager(manager)
        check_reason(reason)
        begun = self._run(
            lambda uow: self._begin(uow, sale_id, pieces, reason, manager.person_id, refund_id)
        )
        if begun.refund is not None or begun.step.step > 1:
            return begun
        return self._send(begun.step, first=begun.fresh)

    def _late_money(self, task_id: str, manager: Person) -> BackNews:
        _only_a_manager(manager)
        row = self._tasks.claim_now(task_id, manager)
        if row.kind != MONEY or row.amount <= 0:
            raise RuleBroken(Code.REFUND_EMPTY)
        begun = self._run(lambda uow: self._begin_late(uow, row, manager.person_id))
        return self._send(begun.step, first=begun.fresh)

    def _refresh(self, number: str) -> BackNews:
        step = self._run(lambda uow: uow.money_back(number))
        if step is None:
            raise RuleBroken(Code.REFUND_UNKNOWN)
        if step.standing.is_final:
            return self._hear(number, step.standing)
        if step.standing is Back.UNKNOWN:
            return self._send(step)
        try:
            news = self._hear(number, self._desk.query(number))
        except RuleBroken as refused:
            if refused.code is not Code.REFUND_UNKNOWN:
                raise
            return self._send(step)  # a restored cloud has forgotten it; the provider has not
        except Trouble as trouble:
            log.info("refund %s could not be asked about: %s", number, trouble.code)
            return self._hear(number, Back.UNKNOWN)
        self._look_at_own(news.step)
        return news

    def _send(self, step: RefundStep, *, first: bool = False) -> BackNews:
        """Ask for it under its number; `first`: that was never done before."""
        claim = "" if step.refund_id else self._run(lambda uow: uow.claim_of(step.attempt_id))
        asked = RefundRequest(
            number=step.number,
            attempt_id=step.attempt_id,
            amount=step.amount,
            currency=step.currency,
            reason=step.reason,
            person=step.actor,
            document=step.refund_id,
            claim_id=claim,
        )
        try:
            heard: Heard = self._desk.give_back(asked)
        except Trouble as trouble:
            log.warning("no answer about refund %s: %s", step.number, trouble.code)
            self._run(lambda uow: note_silence(uow, step.number))
            return self._hear(step.number, Back.UNKNOWN)
        except RuleBroken as refused:
            heard = Back.REFUSED if self._is_sure(step, refused, first) else Back.UNKNOWN
            return self._hear(step.number, heard, refused.code.value)
        news = self._hear(step.number, heard)
        self._look_at_own(step)
        return news

    def _is_sure(self, step: RefundStep, refused: RuleBroken, first: bool) -> bool:
        """Tell whether what the cloud refuses is written down nowhere but here. A restored one may have
        forgotten it, whatever its reason is, so only the very first refusal counts at once."""
        if refused.code is Code.REFERENCE_ALREADY_USED or step.standing.is_accepted:
            return False
        return first or self._run(lambda uow: refuses_for_sure(uow, step.number))

    def _look_at_own(self, step: RefundStep) -> None:
        """Let this till's own record of a payment hear that its money has gone back, or has not after all."""
        if step.refund_id:
            return
        if self._run(lambda uow: uow.attempt(step.attempt_id)) is not None:
            self._payments.refresh_now(step.attempt_id)

    def _hear(self, number: str, heard: Heard, word: str = "") -> BackNews:
        return self._run(lambda uow: self._note(uow, number, heard, word))

    def _run(self, job: Callable[[UnitOfWork], T]) -> T:
        return self._store.run(job, priority=Priority.SALE).result()

    # --- store thread -------------------------------------------------------------------------

    def _begin(
        self,
        uow: UnitOfWork,
        sale_id: str,
        pieces: dict[int, int],
        reason: str,
        actor: str,
        refund_id: str,
    ) -> BackNews:
        """Record the first step of a return. One that was begun under this id goes on as it stands."""
        refuse_revoked(uow)
        for step in reversed(uow.money_back_of_sale(sale_id)):
            if step.refund_id == refund_id and step.standing is not Back.REFUSED:
                return BackNews(step, self._document(step))
        refuse_second_way(uow, sale_id)
        sale, parts = returned_parts(uow, sale_id, pieces)
        if not parts:
            raise RuleBroken(Code.REFUND_EMPTY)
        back = way_back(worth(parts), sale, gone_of(uow, sale))
        if not back.wallet:
            raise RuleBroken(Code.PAYMENT_NOT_CONFIRMED)
        step = self._first(
            attempt_id=back.attempt_id,
            sale_id=sale_id,
            refund_id=refund_id,
            amount=back.wallet,
            currency=sale.currency,
            reason=reason,
            actor=actor,
        )
        lines = tuple(sorted(pieces.items()))
        step = replace(step, cash=back.cash, lines=lines, provider=back.provider)
        uow.record(step)
        note_books(uow, step.number)
        return BackNews(step, None, fresh=True)

    def _begin_late(self, uow: UnitOfWork, row: TaskRow, actor: str) -> BackNews:
        """Record the first step for money no sale was made of, or return the one that has no answer."""
        refuse_revoked(uow)
        own = uow.attempt(row.subject)
        if row.code in (LATE, NO_SALE) and own is not None and own_sale(uow, own) is not None:
            # The cloud has not heard of it yet. What came on top of it is another task.
            raise RuleBroken(Code.SALE_ALREADY_RECORDED, id=own.last.sale_id)
        for step in uow.money_back_of_attempt(row.subject):
            if not step.refund_id and step.standing is Back.UNKNOWN:
                return BackNews(step, None)
        step = self._first(
            attempt_id=row.subject,
            sale_id=row.other,
            refund_id="",
            amount=row.amount,
            currency=self._refunds.currency,
            reason=LATE_MONEY,
            actor=actor,
        )
        uow.record(step)
        note_books(uow, step.number)
        return BackNews(step, None, fresh=True)

    def _first(
        self,
        *,
        attempt_id: str,
        sale_id: str,
        refund_id: str,
        amount: int,
        currency: str,
        reason: str,
        actor: str,
    ) -> RefundStep:
        at = self._clock.now()
        return RefundStep(
            step_id=new_id(),
            number=new_id(),
            step=1,
            standing=Back.UNKNOWN,
            attempt_id=attempt_id,
            sale_id=sale_id,
            refund_id=refund_id,
            amount=amount,
            currency=currency,
            reason=reason,
            business_date=business_date(at).isoformat(),
            at=at,
            actor=actor,
        )

    def _note(self, uow: UnitOfWork, number: str, heard: Heard, word: str) -> BackNews:
        """Record what was heard, and with it the document of what was accepted."""
        last = uow.money_back(number)
        if last is None:
            raise RuleBroken(Code.REFUND_UNKNOWN)
        step = _after(last, heard, word)
        refund = self._document(last)
        if step is not last:
            at = self._clock.now()
            day = business_date(at).isoformat()
            step = replace(step, step_id=new_id(), step=last.step + 1, at=at, business_date=day)
            uow.record(step)
        if step.standing.is_final:
            forget_books(uow, number)
        if refund is None and step.refund_id and step.standing.is_accepted:
            refund = self._refunds.record_accepted(uow, step)
        return BackNews(step, refund)

    def _document(self, step: RefundStep) -> Refund | None:
        found = self._store.reader.document(step.refund_id) if step.refund_id else None
        return found if isinstance(found, Refund) else None


def _after(last: RefundStep, heard: Heard, word: str) -> RefundStep:
    """Return the step after news, or `last` itself if they change nothing or are about something else."""
    if isinstance(heard, Back):
        standing = last.standing.after(heard)
        return last if standing is last.standing else replace(last, standing=standing, word=word)
    about_this = (heard.number, heard.attempt_id, heard.amount, heard.currency) == (
        last.number,
        last.attempt_id,
        last.amount,
        last.currency,
    )
    if not about_this or heard.state not in set(Back):
        return last
    standing = last.standing.after(Back(heard.state))
    if (standing, heard.ref or last.ref) == (last.standing, last.ref):
        return last
    return replace(
        last,
        standing=standing,
        provider=heard.provider or last.provider,
        ref=heard.ref or last.ref,
        word=heard.word,
    )


def _only_a_manager(person: Person) -> None:
    if person.role is not Role.MANAGER:
        raise RuleBroken(Code.MANAGER_NEEDED, max_bp=0)
