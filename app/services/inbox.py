"""The store's one inbox: money, exceptions and alarms that wait for a person, from every tablet.

Read only. What this till knows of its own payments and what the cloud tells of them is one entry; who
may do what is said here, doing it is the work of `StoreTasks` and `Payments`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.domain.facts import RefundStep
from app.domain.money_back import Back
from app.domain.people import Person, Role
from app.ports import Alarm, Reader
from app.services.late_money import WaitingMoney, waiting_money
from app.services.stock import Shortage, shortages
from app.services.tasks import DELIVERABLE, resolutions_of
from app.wire.tasks import CLAIMED, GIVES_BACK, LEAVES, MONEY, PAYMENT, REFUNDED, SETTLED, TaskRow

PAYMENTS_SHOWN_MS = 12 * 3_600_000
"""So long a payment of another tablet is listed; what is still open is listed however old it is."""
MOST_PAYMENTS = 20

_IN_DOUBT = frozenset({Back.UNKNOWN, Back.PENDING})
"""Refunds of which nobody can say that the money was given back: they are asked about. One that is stuck is
for a person to end, who may give it by hand."""


class Hold(StrEnum):
    """Who is at an entry."""

    FREE = "free"
    MINE = "mine"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to see. One of `money` (this till's own payment), `task` and `alarm` at least is there;
    own money that the cloud tells of too has both of the first."""

    key: str
    money: WaitingMoney | None = None
    task: TaskRow | None = None
    alarm: Alarm | None = None
    hold: Hold = Hold.FREE
    short: tuple[Shortage, ...] = ()
    """Goods of own late money that are not here any more."""
    back: RefundStep | None = None
    """This till's own refund of that money, for no return of goods, while its end is not known."""

    @property
    def needs_a_person(self) -> bool:
        """Somebody has to act; how another tablet's payment stands is only good to know."""
        return self.task is None or self.money is not None or self.task.kind != PAYMENT

    @property
    def leaves(self) -> bool:
        """The cloud says that the money goes or has gone back, or that it should have."""
        return self._is_money and self.task is not None and self.task.code in LEAVES

    @property
    def is_orphan(self) -> bool:
        """No till has told the cloud of its order: a restored cloud has none it could send money back for."""
        return self._is_money and self.task is not None and not self.task.device

    @property
    def _is_money(self) -> bool:
        return self.task is not None and self.task.kind == MONEY

    def can_deliver(self) -> bool:
        """The goods can go out now, from this very tablet, whose cart they are, and which is sending
        nothing of it back."""
        mine = self.money is not None and self.money.can_become_sale
        stays = (self.task is None or self.task.code in DELIVERABLE) and self.back is None
        return mine and stays and self.hold is not Hold.TAKEN

    def can_give_back(self, person: Person | None) -> bool:
        """This person may send the money back to where it came from, from this very tablet."""
        manager = person is not None and person.role is Role.MANAGER
        money = self._is_money and self.task is not None and self.task.code in GIVES_BACK
        stays = self.back is None and not self.is_orphan
        return manager and money and stays and self.hold is not Hold.TAKEN

    def can_ask(self) -> bool:
        """This tablet may ask the provider's side again."""
        return self.money is not None or self.back is not None

    def can_claim(self) -> bool:
        """Somebody may say at this tablet: I am at it."""
        return self.needs_a_person and self.task is not None and self.hold is Hold.FREE

    def resolutions(self, person: Person | None) -> tuple[str, ...]:
        """Return the words by which this person may settle it here and now."""
        manager = person is not None and person.role is Role.MANAGER
        if not manager or not self.needs_a_person or self.hold is Hold.TAKEN:
            return ()
        if self.alarm is not None:
            return ("seen",)
        words = resolutions_of(self.task) if self.task is not None else ()
        doubt = self.back is not None and self.back.standing in _IN_DOUBT
        return tuple(word for word in words if not doubt or word != REFUNDED)


def inbox(reader: Reader, now_ms: int) -> tuple[Entry, ...]:
    """Return what is to be seen: money first, then exceptions, then alarms, then others' payments."""
    own = {money.attempt.attempt_id: money for money in waiting_money(reader)}
    device = reader.identity().device
    back = {step.attempt_id: step for step in reader.money_going_back() if not step.refund_id}
    told = {task.task_id: task for task in reader.tasks()}
    waiting = {key: task for key, task in told.items() if task.state != SETTLED}
    entries = [
        Entry(
            key,
            money,
            _mattering(waiting.get(key)),
            hold=_hold(waiting.get(key), device, now_ms),
            short=shortages(reader, money.cart) if money.cart and money.can_become_sale else (),
            back=back.get(key),
        )
        for key, money in own.items()
        if not _given_back(told.get(key))
    ]
    tasks = [task for key, task in waiting.items() if key not in own and task.kind != PAYMENT]
    tasks.sort(key=lambda task: task.kind != MONEY)
    entries += [
        Entry(
            task.task_id, task=task, hold=_hold(task, device, now_ms), back=back.get(task.task_id)
        )
        for task in tasks
    ]
    entries += [
        Entry(f"alarm {alarm.code} {alarm.subject}", alarm=alarm) for alarm in reader.alarms()
    ]
    return (*entries, *_payments_elsewhere(told, device, now_ms))


def _mattering(task: TaskRow | None) -> TaskRow | None:
    """An own payment that the cloud merely tells of is no task yet."""
    return task if task is not None and task.kind != PAYMENT else None


def _given_back(task: TaskRow | None) -> bool:
    """A person settled own money at whatever tablet: it waits here no more."""
    return task is not None and task.kind == MONEY and task.state == SETTLED


def _hold(task: TaskRow | None, device: str, now_ms: int) -> Hold:
    if task is None or task.state != CLAIMED:
        return Hold.FREE
    if task.claimed_device == device:
        return Hold.MINE
    return Hold.TAKEN if now_ms < task.claim_until_ms else Hold.FREE


def _payments_elsewhere(told: Mapping[str, TaskRow], device: str, now_ms: int) -> tuple[Entry, ...]:
    """Return how the payments of the other tablets stand, undecided ones first."""
    found = [
        task
        for task in told.values()
        if task.kind == PAYMENT
        and task.device != device
        and (task.state != SETTLED or task.created_ms > now_ms - PAYMENTS_SHOWN_MS)
    ]
    found.sort(key=lambda task: (task.state == SETTLED, -task.created_ms))
    return tuple(Entry(task.task_id, task=task) for task in found[:MOST_PAYMENTS])
