"""What works right now, and why not: one function that both permits an operation and fills the
table the guide sees, so the two can never disagree."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.domain.times import Moment
from app.errors import Code, Trouble
from app.ports import CopyStanding, SyncStatus


class Operation(StrEnum):
    """What a guide may want to do."""

    SELL_CASH = "sell_cash"
    SELL_QR = "sell_qr"
    COLLECT = "collect"
    LOOK_UP_GOODS = "look_up_goods"
    OWN_STOCK = "own_stock"
    OTHER_STORES_STOCK = "other_stores_stock"
    FIND_MEMBER = "find_member"
    JOIN_MEMBER = "join_member"
    REFUND_CASH = "refund_cash"
    REFUND_QR = "refund_qr"
    COMMISSION_TODAY = "commission_today"
    SEND_SALES = "send_sales"
    PRINT_RECEIPT = "print_receipt"
    CLOSE_PROGRAM = "close_program"


class Standing(StrEnum):
    """How an operation stands: works now, is kept and sent later, works on old figures, is blocked."""

    NOW = "now"
    QUEUED = "queued"
    AGED = "aged"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Conditions:
    """All that decides. `reachable` is the outcome of the last exchange with the cloud, `unreachable`
    the code of its trouble."""

    enrolled: bool
    reachable: bool
    drain_only: bool
    sync: SyncStatus
    open_payments: int
    now: Moment
    second_copy: CopyStanding | None = None
    unreachable: Code | None = None
    revoked: bool = False
    """The cloud said that this device may only send what it has."""
    members_expired: bool = False
    """Members were not heard of for too long; see the store's lease."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row of the table. `age_ms` is the age of the figures it works on, None where that says
    nothing; `waiting` is how many things are kept to be sent."""

    operation: Operation
    standing: Standing
    reason: Code | None = None
    age_ms: int | None = None
    waiting: int = 0


def judge(operation: Operation, now: Conditions) -> Verdict:
    """Return how an operation stands under these conditions."""
    if now.drain_only and operation in _WRITES:
        return Verdict(operation, Standing.BLOCKED, Code.STORE_NEWER)
    if now.revoked and operation in _NEW:
        return Verdict(operation, Standing.BLOCKED, Code.DEVICE_REVOKED)
    offline = _offline(now)
    stale = Code.DEVICE_REVOKED if now.revoked else offline
    age = max(now.now.server_ms - now.sync.last_pull_ms, 0) if now.sync.last_pull_ms else None
    match operation:
        case Operation.SELL_QR | Operation.REFUND_QR if offline:
            # With our line down the order travels in its code, at the prices heard last, and the
            # customer's phone proves it paid. Nothing makes up for the line when money goes back.
            down = operation is Operation.SELL_QR and offline is Code.CLOUD_UNREACHABLE
            return Verdict(operation, Standing.AGED if down else Standing.BLOCKED, offline, age)
        case Operation.COLLECT if offline:
            # A customer's code lives for a minute and is worth something only where it is asked about.
            return Verdict(operation, Standing.BLOCKED, offline)
        case Operation.FIND_MEMBER if now.members_expired:
            return Verdict(operation, Standing.BLOCKED, Code.MEMBERS_EXPIRED)
        case Operation.JOIN_MEMBER if now.sync.member_refused:
            standing, refused = Standing.QUEUED, now.sync.member_refused
            return Verdict(operation, standing, Code.MEMBER_CHANGE_REFUSED, waiting=refused)
        case _ if stale and operation in _LOOK_UPS:
            return Verdict(operation, Standing.AGED, stale, age)
        case Operation.JOIN_MEMBER if offline:
            return Verdict(operation, Standing.QUEUED, offline, waiting=now.sync.member_changes)
        case Operation.SEND_SALES:
            standing = Standing.QUEUED if offline else Standing.NOW
            oldest = now.sync.oldest_unsent_ms
            waited = max(now.now.server_ms - oldest, 0) if oldest else None
            return Verdict(operation, standing, offline, waited, now.sync.unsent)
        case Operation.CLOSE_PROGRAM if now.open_payments:
            return Verdict(
                operation, Standing.BLOCKED, Code.PAYMENT_UNRESOLVED, waiting=now.open_payments
            )
        case Operation.CLOSE_PROGRAM:
            return Verdict(operation, Standing.NOW, waiting=now.sync.unsent)
        case _:
            return Verdict(operation, Standing.NOW)


def require(operation: Operation, now: Conditions) -> None:
    """Raise Trouble with the verdict's reason if the operation is blocked; retryable if that passes."""
    verdict = judge(operation, now)
    if verdict.reason is not None and verdict.standing is Standing.BLOCKED:
        raise Trouble(verdict.reason, retryable=verdict.reason in _PASSING)


def table(now: Conditions) -> tuple[Verdict, ...]:
    """Return the whole table."""
    return tuple(judge(operation, now) for operation in Operation)


def _offline(now: Conditions) -> Code | None:
    if not now.enrolled:
        return Code.DEVICE_NOT_ENROLLED
    if now.reachable:
        return None
    # What the person at the till can do something about is told apart from a line that is down.
    return now.unreachable if now.unreachable in _MENDABLE else Code.CLOUD_UNREACHABLE


_MENDABLE = frozenset({Code.CLOCK_WRONG, Code.CLOUD_NOT_OURS})


_PASSING = frozenset({Code.CLOUD_UNREACHABLE, Code.PAYMENT_UNRESOLVED, *_MENDABLE})

_LOOK_UPS = frozenset(
    {
        Operation.OTHER_STORES_STOCK,
        Operation.FIND_MEMBER,
        Operation.LOOK_UP_GOODS,
        Operation.OWN_STOCK,
    }
)

_WRITES = frozenset(
    {
        Operation.SELL_CASH,
        Operation.SELL_QR,
        Operation.COLLECT,
        Operation.JOIN_MEMBER,
        Operation.REFUND_CASH,
        Operation.REFUND_QR,
    }
)

_NEW = _WRITES | {Operation.FIND_MEMBER}
"""What a revoked device must not do any more; it knows no members."""
