"""Lines to a cloud: straight through, and one that loses requests and answers on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import TypeVar

import msgspec

from app.errors import Code, Trouble
from app.ports import SyncTransport
from app.wire.messages import (
    HelloAnswer,
    HelloRequest,
    MemberChange,
    MembersPage,
    MembersPushAnswer,
    PullAnswer,
    PushAnswer,
    PushRequest,
)
from app.wire.snapshot import SnapshotBegin, SnapshotChunk
from app.wire.upkeep import BooksAnswer, EpochAnswer, EpochRequest
from tests.fakes.cloud import FakeCloud

T = TypeVar("T")


class Fault(Enum):
    """What the line may do to one request."""

    REQUEST_LOST = auto()
    ANSWER_LOST = auto()
    ANSWER_TOO_SLOW = auto()
    DELIVERED_TWICE = auto()


class DirectLine:
    """The port `SyncTransport` of one device, straight to the cloud in memory, which moves no stock and
    so counts by no epoch."""

    def __init__(self, cloud: FakeCloud, device: str) -> None:
        self.cloud, self.device = cloud, device

    def hello(self, request: HelloRequest) -> HelloAnswer:
        return self.cloud.hello(self.device, request)

    def push(self, request: PushRequest) -> PushAnswer:
        # Through the wire's form, so that what arrives is what was sent.
        copy = msgspec.json.decode(msgspec.json.encode(request), type=PushRequest)
        return self.cloud.push(self.device, copy)

    def new_epoch(self, request: EpochRequest) -> EpochAnswer:
        return self.cloud.new_epoch(self.device, request)

    def books(self, since: str) -> BooksAnswer:
        return self.cloud.books(self.device, since)

    def pull(
        self, stream: str, cursor: str, limit: int, *, check: bool = False, epoch: str = ""
    ) -> PullAnswer:
        self.cloud.check_current(self.device)
        return self.cloud.pull(stream, cursor, limit, check=check)

    def push_members(self, changes: Sequence[MemberChange]) -> MembersPushAnswer:
        self.cloud.check_current(self.device)
        return self.cloud.push_members(changes)

    def pull_members(self, cursor: str, limit: int, *, check: bool = False) -> MembersPage:
        self.cloud.check_current(self.device)
        return self.cloud.pull_members(cursor, limit, check=check)

    def begin_snapshot(self, stream: str) -> SnapshotBegin:
        self.cloud.check_current(self.device)
        return self.cloud.begin_snapshot(stream)

    def snapshot_chunk(
        self, stream: str, after: str, limit: int, *, epoch: str = ""
    ) -> SnapshotChunk:
        self.cloud.check_current(self.device)
        return self.cloud.snapshot_chunk(stream, after, limit)


class BadLine:
    """The port `SyncTransport` over another one, with faults taken in order, one per request; None
    lets a request through. `down` loses everything."""

    def __init__(self, line: SyncTransport) -> None:
        self.line = line
        self.faults: list[Fault | Trouble | None] = []
        self.calls: list[str] = []
        self.batches: list[int] = []
        self.down = False

    def hello(self, request: HelloRequest) -> HelloAnswer:
        return self._carry("hello", lambda: self.line.hello(request))

    def push(self, request: PushRequest) -> PushAnswer:
        self.batches.append(len(request.records))
        return self._carry("push", lambda: self.line.push(request))

    def new_epoch(self, request: EpochRequest) -> EpochAnswer:
        return self._carry("epoch", lambda: self.line.new_epoch(request))

    def books(self, since: str) -> BooksAnswer:
        return self._carry("books", lambda: self.line.books(since))

    def pull(
        self, stream: str, cursor: str, limit: int, *, check: bool = False, epoch: str = ""
    ) -> PullAnswer:
        return self._carry(
            f"pull {stream}",
            lambda: self.line.pull(stream, cursor, limit, check=check, epoch=epoch),
        )

    def push_members(self, changes: Sequence[MemberChange]) -> MembersPushAnswer:
        return self._carry("push members", lambda: self.line.push_members(changes))

    def pull_members(self, cursor: str, limit: int, *, check: bool = False) -> MembersPage:
        return self._carry(
            "pull members", lambda: self.line.pull_members(cursor, limit, check=check)
        )

    def begin_snapshot(self, stream: str) -> SnapshotBegin:
        return self._carry(f"begin {stream}", lambda: self.line.begin_snapshot(stream))

    def snapshot_chunk(
        self, stream: str, after: str, limit: int, *, epoch: str = ""
    ) -> SnapshotChunk:
        return self._carry(
            f"chunk {stream}",
            lambda: self.line.snapshot_chunk(stream, after, limit, epoch=epoch),
        )

    def _carry(self, name: str, deliver: Callable[[], T]) -> T:
        self.calls.append(name)
        fault = Fault.REQUEST_LOST if self.down else self.faults.pop(0) if self.faults else None
        if isinstance(fault, Trouble):
            raise fault
        if fault is Fault.REQUEST_LOST:
            raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True)
        if fault is Fault.DELIVERED_TWICE:
            deliver()
        answer = deliver()
        if fault is Fault.ANSWER_LOST:
            raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True)
        if fault is Fault.ANSWER_TOO_SLOW:
            raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True, timeout=True)
        return answer


class FakeTransport(BadLine):
    """The port `SyncTransport` of one device of a cloud in memory, breakable on purpose."""

    def __init__(self, cloud: FakeCloud, device: str = "d1") -> None:
        super().__init__(DirectLine(cloud, device))
        self.cloud, self.device = cloud, device
