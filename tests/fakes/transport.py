"""A cloud in memory that keeps the server's side of the protocol honestly: it verifies chains and
signatures, names gaps and forks, and takes every record once. `FakeTransport` is the line to it,
which loses requests and answers on demand."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from app.domain.ids import new_epoch
from app.errors import Code, Trouble
from app.ports import SyncTransport
from app.wire.journal import Chain, head_message, record_hash
from app.wire.messages import (
    EnrolAnswer,
    EnrolRequest,
    HelloAnswer,
    HelloRequest,
    KeySet,
    MemberChange,
    MembersPage,
    MembersPushAnswer,
    MemberVerdict,
    PublicKey,
    PullAnswer,
    PushAnswer,
    PushedRecord,
    PushRequest,
    PushResult,
)
from app.wire.snapshot import SnapshotBegin, SnapshotChunk
from app.wire.tokens import unseal
from tests.fakes.feeds import FakeFeeds

T = TypeVar("T")

GOOD_CODE = "ABCD1234"


@dataclass
class _Device:
    chain: Chain
    key: bytes
    escrow: bytes
    records: list[PushedRecord] = field(default_factory=list)


class Fault(Enum):
    """What the line may do to one request."""

    REQUEST_LOST = auto()
    ANSWER_LOST = auto()
    ANSWER_TOO_SLOW = auto()
    DELIVERED_TWICE = auto()


class FakeCloud(FakeFeeds):
    """One tenant, one store, any number of devices. Also the port `Enrolment`.

    `projected` maps each rec_id ever taken to its body; `busy` and `too_big` make it refuse.
    """

    def __init__(self) -> None:
        super().__init__()
        self.devices: dict[str, _Device] = {}
        self.projected: dict[str, bytes] = {}
        self.conflicts: list[str] = []
        self.timeline = new_epoch()
        self.changes: dict[str, MemberChange] = {}
        self.most_records = 200
        self.codes = {GOOD_CODE}
        self._used: dict[str, tuple[bytes, EnrolAnswer]] = {}
        self._signing = Ed25519PrivateKey.generate()
        self._escrow = X25519PrivateKey.generate()

    # --- enrolment --------------------------------------------------------------------------------

    def keys(self) -> KeySet:
        signing = self._signing.public_key().public_bytes_raw()
        escrow = self._escrow.public_key().public_bytes_raw()
        return KeySet(
            signing=[PublicKey(kid="s1", key=signing)], escrow=PublicKey(kid="e1", key=escrow)
        )

    def enrol(self, request: EnrolRequest) -> EnrolAnswer:
        used = self._used.get(request.code)
        if used is not None and used[0] == request.device_key:
            return used[1]
        if used is not None or request.code not in self.codes:
            raise Trouble(Code.ENROL_CODE_INVALID, status=403)
        device, epoch = f"d{len(self.devices) + 1}", new_epoch()
        answer = EnrolAnswer(
            tenant="t1",
            store="s1",
            device=device,
            device_code="01",
            epoch=epoch,
            epoch_ordinal=1,
            secret=os.urandom(32),
            keys=self.keys(),
            timeline=self.timeline,
            public_url="https://shop.example",
        )
        self.devices[device] = _Device(
            Chain("t1", "s1", device, epoch), request.device_key, request.escrow
        )
        self._used[request.code] = (request.device_key, answer)
        return answer

    def escrowed_key(self, device: str) -> bytes:
        """Return the store's key of a device, as a recovery would."""
        return unseal(self.devices[device].escrow, self._escrow)

    # --- journal ----------------------------------------------------------------------------------

    def hello(self, device: str, request: HelloRequest) -> HelloAnswer:
        held = self._of(device, request.epoch)
        return HelloAnswer(
            server_ms=self.server_ms,
            timeline=self.timeline,
            hwm=len(held.records),
            hwm_hash=held.records[-1].hash if held.records else "",
            durable_seq=0,
            feed_generation=self.feed_generation,
        )

    def push(self, device: str, request: PushRequest) -> PushAnswer:
        """Take a batch: duplicates are skipped, a gap or another history is refused whole."""
        held = self._of(device, request.epoch)
        if len(request.records) > self.most_records:
            raise Trouble(Code.CLOUD_REFUSED, status=413, problem="too_big")
        self._check_signature(held, request)
        first = request.records[0].seq
        if first > len(held.records) + 1:
            raise self._conflict(held, "gap")
        before = held.records[first - 2].hash if first > 1 else held.chain.genesis().hex()
        if request.prev_hash != before:
            raise self._conflict(held, "fork")
        results = [self._take(held, record) for record in self._sound(held, request)]
        return PushAnswer(
            hwm=len(held.records),
            hwm_hash=held.records[-1].hash,
            durable_seq=0,
            results=results,
        )

    def _sound(self, held: _Device, request: PushRequest) -> Iterator[PushedRecord]:
        """Check every record of a batch before any is taken, then yield them."""
        prev, seq = bytes.fromhex(request.prev_hash), request.records[0].seq
        for record in request.records:
            whole = record_hash(record.header, prev, record.body).hex() == record.hash
            if record.seq != seq or not whole:
                raise Trouble(Code.CLOUD_MESSAGE_INVALID, status=422)
            if seq <= len(held.records) and held.records[seq - 1].hash != record.hash:
                raise self._conflict(held, "fork")
            prev, seq = bytes.fromhex(record.hash), seq + 1
        yield from request.records

    def _take(self, held: _Device, record: PushedRecord) -> PushResult:
        if record.seq <= len(held.records):
            return PushResult(seq=record.seq, verdict="duplicate")
        held.records.append(record)
        known = self.projected.setdefault(record.rec_id, record.body)
        if known != record.body:
            self.conflicts.append(record.rec_id)
            return PushResult(seq=record.seq, verdict="accepted_exception")
        return PushResult(seq=record.seq, verdict="applied")

    def _check_signature(self, held: _Device, request: PushRequest) -> None:
        last = request.records[-1]
        message = head_message(held.chain.device, request.epoch, last.seq, bytes.fromhex(last.hash))
        try:
            Ed25519PublicKey.from_public_bytes(held.key).verify(request.head_sig, message)
        except InvalidSignature as error:
            raise Trouble(Code.CLOUD_MESSAGE_INVALID, status=422) from error

    def _conflict(self, held: _Device, problem: str) -> Trouble:
        hash_ = held.records[-1].hash if held.records else ""
        return Trouble(
            Code.CLOUD_REFUSED,
            status=409,
            problem=problem,
            hwm=len(held.records),
            hwm_hash=hash_,
        )

    def _of(self, device: str, epoch: str) -> _Device:
        held = self.devices.get(device)
        if held is None or held.chain.epoch != epoch:
            raise Trouble(Code.DEVICE_NOT_ENROLLED, status=403)
        return held

    # --- members ------------------------------------------------------------------------------------

    def push_members(self, changes: Sequence[MemberChange]) -> MembersPushAnswer:
        verdicts = []
        for change in changes:
            known = change.change_id in self.changes
            self.changes.setdefault(change.change_id, change)
            verdict = "duplicate" if known else "applied"
            verdicts.append(
                MemberVerdict(
                    change_id=change.change_id,
                    verdict=verdict,
                    member_ref=change.member_ref,
                    revision=change.base_revision + 1,
                )
            )
        return MembersPushAnswer(verdicts=verdicts)


class DirectLine:
    """The port `SyncTransport` of one device, straight to the cloud in memory."""

    def __init__(self, cloud: FakeCloud, device: str) -> None:
        self.cloud, self.device = cloud, device

    def hello(self, request: HelloRequest) -> HelloAnswer:
        return self.cloud.hello(self.device, request)

    def push(self, request: PushRequest) -> PushAnswer:
        # Through the wire's form, so that what arrives is what was sent.
        copy = msgspec.json.decode(msgspec.json.encode(request), type=PushRequest)
        return self.cloud.push(self.device, copy)

    def pull(self, stream: str, cursor: str, limit: int, *, check: bool = False) -> PullAnswer:
        return self.cloud.pull(stream, cursor, limit, check=check)

    def push_members(self, changes: Sequence[MemberChange]) -> MembersPushAnswer:
        return self.cloud.push_members(changes)

    def pull_members(self, cursor: str, limit: int, *, check: bool = False) -> MembersPage:
        return self.cloud.pull_members(cursor, limit, check=check)

    def begin_snapshot(self, stream: str) -> SnapshotBegin:
        return self.cloud.begin_snapshot(stream)

    def snapshot_chunk(self, stream: str, after: str, limit: int) -> SnapshotChunk:
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

    def pull(self, stream: str, cursor: str, limit: int, *, check: bool = False) -> PullAnswer:
        return self._carry(
            f"pull {stream}", lambda: self.line.pull(stream, cursor, limit, check=check)
        )

    def push_members(self, changes: Sequence[MemberChange]) -> MembersPushAnswer:
        return self._carry("push members", lambda: self.line.push_members(changes))

    def pull_members(self, cursor: str, limit: int, *, check: bool = False) -> MembersPage:
        return self._carry(
            "pull members", lambda: self.line.pull_members(cursor, limit, check=check)
        )

    def begin_snapshot(self, stream: str) -> SnapshotBegin:
        return self._carry(f"begin {stream}", lambda: self.line.begin_snapshot(stream))

    def snapshot_chunk(self, stream: str, after: str, limit: int) -> SnapshotChunk:
        return self._carry(
            f"chunk {stream}", lambda: self.line.snapshot_chunk(stream, after, limit)
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
