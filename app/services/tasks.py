"""Acting on what a person must see: a claim at the cloud first, so that of two tablets only one acts.

Guides see and deliver, managers settle. Without the cloud there is no claim and so no acting; what
this till alone knows, its alarms, it settles alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import TypeVar

from app.domain.payment import Anomaly
from app.domain.people import Person, Role
from app.errors import Code, RuleBroken, Trouble
from app.ports import Store, TaskDesk, UnitOfWork
from app.services.checkout import frozen_slot
from app.services.payments import PaymentNews, Payments
from app.services.stock import shortages
from app.wire.tasks import (
    BELIED,
    CORRECTED,
    DELIVERED,
    DROPPED,
    GOODS_FOR,
    LEAVES,
    MONEY,
    QUARANTINE,
    REFUNDED,
    RELEASED,
    SEEN,
    TAKEN_BACK,
    UNPROVEN,
    TaskClaim,
    TaskRow,
    TaskSettlement,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

DELIVERABLE = GOODS_FOR | {UNPROVEN}
"""Codes of tasks whose goods may go out: a manager's word is enough for that, whatever never came."""


class StoreTasks:
    """The job of settling what waits for a person. Futures are answered on network threads."""

    def __init__(self, store: Store, desk: TaskDesk, payments: Payments, pool: Executor) -> None:
        self._store, self._desk, self._payments, self._pool = store, desk, payments, pool

    def claim(self, task_id: str, person: Person) -> Future[TaskRow]:
        """Take a task on oneself for a quarter of an hour.

        Raises (through the future) RuleBroken: TASK_TAKEN (`till`, `person`), TASK_SETTLED,
        TASK_UNKNOWN; Trouble when the cloud cannot be asked.
        """
        return self._pool.submit(self.claim_now, task_id, person)

    def settle(
        self, task_id: str, resolution: str, manager: Person, *, amount: int
    ) -> Future[TaskRow]:
        """Say what became of a task, claiming it first if need be. The same twice is once.

        `amount` is what the manager saw on it, in minor units: a word is for no other money. The row may
        be open when it is answered, for more has come than the word is for.
        Raises (through the future) what `claim` does, and RuleBroken: MANAGER_NEEDED, NOT_A_MANAGER
        where the cloud knows the person as something else, TASK_CHANGED where it is money of another
        amount by now; this till then knows the new one, as far as it could be told.
        """
        return self._pool.submit(self._settle, task_id, resolution, manager, amount)

    def deliver(
        self, attempt_id: str, person: Person, *, although_short: bool = False
    ) -> Future[PaymentNews]:
        """Make late money into the sale it was meant for, unless another tablet is at it.

        The goods may have been sold meanwhile: where too few are here it is refused until somebody says
        `although_short`, for what is in the hand can be handed over. Without the cloud only where our
        signature proves the money, because while such a proof may be out the cloud lets nobody but this
        till send it back, and this till knows what it asked for.
        Raises (through the future) RuleBroken(STOCK_SHORT) (`sku`, `wanted`, `here` of the first), what
        `claim` and `Payments.deliver_now` do, and RuleBroken: REFUND_UNDER_WAY for money that goes or
        has gone back to the customer, PAYMENT_NOT_CONFIRMED for what by the cloud's books is not there.
        """
        return self._pool.submit(self._deliver, attempt_id, person, although_short)

    def settle_alarm(self, code: str, subject: str, manager: Person) -> Future[None]:
        """Put an alarm of this till away. Raises (through the future) RuleBroken(MANAGER_NEEDED)."""

        def job(uow: UnitOfWork) -> None:
            _only_a_manager(manager)
            uow.settle_alarm(code, subject)

        return self._store.run(job)

    # --- network thread -----------------------------------------------------------------------

    def claim_now(self, task_id: str, person: Person) -> TaskRow:
        """Do `claim` on the calling network thread."""
        claim_id = self._run(lambda uow: uow.claim_of(task_id))
        asked = TaskClaim(task_id=task_id, claim_id=claim_id, person=person.person_id)
        return self._kept(self._desk.claim(asked))

    def _settle(self, task_id: str, resolution: str, manager: Person, amount: int) -> TaskRow:
        _only_a_manager(manager)
        self.claim_now(task_id, manager)  # its answer may tell of more money than was seen
        return self._say(task_id, resolution, manager, amount)

    def _say(self, task_id: str, resolution: str, person: Person, amount: int) -> TaskRow:
        claim_id = self._run(lambda uow: uow.claim_of(task_id))
        asked = TaskSettlement(
            task_id=task_id,
            claim_id=claim_id,
            resolution=resolution,
            person=person.person_id,
            amount=amount,
        )
        return self._kept(self._desk.settle(asked))

    def _deliver(self, attempt_id: str, person: Person, although_short: bool) -> PaymentNews:
        if not although_short:
            self._refuse_short(attempt_id)
        claimed = self._claim_goods(attempt_id, person)
        news = self._payments.deliver_now(attempt_id, person)
        if claimed:
            try:
                self._say(attempt_id, DELIVERED, person, 0)  # goods answer for what was due
            except (Trouble, RuleBroken) as error:
                # The sale says it as well: with it the task settles itself.
                log.info("delivery of %s not told: %s", attempt_id, error.code)
        return news

    def _claim_goods(self, attempt_id: str, person: Person) -> bool:
        """Make sure that nobody sends the money back meanwhile; tell whether delivering settles a task.
        Where no money is known to have come, a manager has to look into that all the same."""
        try:
            row = self.claim_now(attempt_id, person)
        except RuleBroken as refused:
            if refused.code is not Code.TASK_UNKNOWN:
                raise
            return False  # a restored cloud has forgotten it: there is nobody to be quicker
        except Trouble:
            if not self._is_proved(attempt_id):
                raise
            return False
        if row.code not in DELIVERABLE:  # known to the cloud before this till heard of it
            leaves = row.code in LEAVES
            raise RuleBroken(
                Code.REFUND_UNDER_WAY if leaves else Code.PAYMENT_NOT_CONFIRMED, number=attempt_id
            )
        return row.code != UNPROVEN

    def _is_proved(self, attempt_id: str) -> bool:
        attempt = self._store.reader.attempt(attempt_id)
        return attempt is not None and Anomaly.PROVED in attempt.last.after.anomalies

    def _refuse_short(self, attempt_id: str) -> None:
        cart = self._run(lambda uow: uow.draft(frozen_slot(attempt_id)))
        short = shortages(self._store.reader, cart) if cart is not None else ()
        if short:
            first = short[0]
            raise RuleBroken(
                Code.STOCK_SHORT, sku=first.sku.sku_id, wanted=first.wanted, here=first.here
            )

    def _kept(self, row: TaskRow) -> TaskRow:
        self._run(lambda uow: uow.put_task(row))
        return row

    def _run(self, job: Callable[[UnitOfWork], T]) -> T:
        return self._store.run(job).result()


def resolutions_of(task: TaskRow) -> tuple[str, ...]:
    """Return the words by which a manager may settle a task, the usual one first.

    That the goods went out is said by the sale itself, so it is no word of its own here.
    """
    if task.code == QUARANTINE:
        return (RELEASED, DROPPED)
    if task.code in (UNPROVEN, BELIED, TAKEN_BACK):  # nothing is there that could go back
        return (SEEN,)
    return (REFUNDED, SEEN) if task.kind == MONEY else (SEEN, CORRECTED)


def _only_a_manager(person: Person) -> None:
    if person.role is not Role.MANAGER:
        raise RuleBroken(Code.MANAGER_NEEDED, max_bp=0)
