"""What the core asks of the cloud; every method runs on a network thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from app.wire.messages import (
    EnrolAnswer,
    EnrolRequest,
    HelloAnswer,
    HelloRequest,
    KeySet,
    MemberChange,
    MembersPage,
    MembersPushAnswer,
    News,
    PaymentCode,
    PaymentIntent,
    PaymentView,
    ProviderQrView,
    PullAnswer,
    PushAnswer,
    PushRequest,
    WaysToPay,
)
from app.wire.refunds import RefundRequest, RefundView
from app.wire.snapshot import SnapshotBegin, SnapshotChunk
from app.wire.tasks import TaskClaim, TaskRow, TaskSettlement
from app.wire.upkeep import BooksAnswer, EpochAnswer, EpochRequest


class Enrolment(Protocol):
    """First contact with a cloud. Network thread."""

    def keys(self) -> KeySet: ...

    def enrol(self, request: EnrolRequest) -> EnrolAnswer: ...


class SyncTransport(Protocol):
    """The journal and reference at the cloud. Network thread. Raises Trouble for everything that fails."""

    def hello(self, request: HelloRequest) -> HelloAnswer: ...

    def push(self, request: PushRequest) -> PushAnswer: ...

    def new_epoch(self, request: EpochRequest) -> EpochAnswer: ...

    def books(self, since: str) -> BooksAnswer:
        """Ask what the cloud has on its books from this device, from a business date on."""

    def pull(
        self, stream: str, cursor: str, limit: int, *, check: bool = False, epoch: str = ""
    ) -> PullAnswer:
        """Return a page of reference; `epoch` is the one whose records stock figures shall name."""

    def push_members(self, changes: Sequence[MemberChange]) -> MembersPushAnswer: ...

    def pull_members(self, cursor: str, limit: int, *, check: bool = False) -> MembersPage: ...

    def begin_snapshot(self, stream: str) -> SnapshotBegin: ...

    def snapshot_chunk(
        self, stream: str, after: str, limit: int, *, epoch: str = ""
    ) -> SnapshotChunk: ...


class PaymentGateway(Protocol):
    """Payment attempts at the cloud. Network thread."""

    def create(self, intent: PaymentIntent) -> PaymentView: ...

    def query(self, attempt_id: str) -> PaymentView: ...

    def cancel(self, attempt_id: str) -> PaymentView: ...

    def collect(self, attempt_id: str, code: PaymentCode) -> PaymentView:
        """Collect by a customer's code, once per attempt; `waiting` while a password is typed.

        Raises RuleBroken(PAYMENT_NOT_OFFERED) without having asked anybody for the money.
        """

    def own_code(self, attempt_id: str, provider: str) -> ProviderQrView:
        """Return a provider's own QR for an attempt. Raises RuleBroken: PAYMENT_NOT_OFFERED, ORDER_CLOSED."""

    def ways(self) -> WaysToPay:
        """Return whose codes can be collected by, and which providers' own codes can be shown."""


class RefundDesk(Protocol):
    """Money that goes back by the way it came, at the cloud. Network thread.

    Raises Trouble when there is no trustworthy answer, and RuleBroken with the cloud's own code when
    nothing was or will be given back; TASK_TAKEN and TASK_SETTLED as `TaskDesk`.
    """

    def give_back(self, asked: RefundRequest) -> RefundView:
        """Ask for it; the same number again is the same money, once."""

    def query(self, number: str) -> RefundView:
        """Ask how it stands. Raises RuleBroken(REFUND_UNKNOWN)."""


class TaskDesk(Protocol):
    """The store's tasks at the cloud. Network thread.

    Raises Trouble when there is no trustworthy answer, and RuleBroken: TASK_TAKEN (`till`, `person`)
    while another tablet holds the task, TASK_SETTLED, TASK_UNKNOWN, and TASK_CHANGED where its money is
    of another amount by now than the settlement names.
    """

    def claim(self, asked: TaskClaim) -> TaskRow: ...

    def settle(self, asked: TaskSettlement) -> TaskRow: ...


class LiveFeed(Protocol):
    """The stream of hints from the cloud. Live thread."""

    def listen(self, stop: Callable[[], bool]) -> Iterator[News]:
        """Yield news until `stop()` or the connection ends (raises Trouble when it fails)."""

    def close(self) -> None:
        """End a running `listen` from another thread."""
