"""A cloud in memory that keeps the server's side of the protocol honestly: it verifies chains and
signatures, names gaps and forks, and takes every record once. The lines to it are in `transport`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from app.domain.ids import new_epoch
from app.errors import Code, Trouble
from app.wire.journal import Chain, head_message, record_hash
from app.wire.messages import (
    EnrolAnswer,
    EnrolRequest,
    HelloAnswer,
    HelloRequest,
    KeySet,
    MemberChange,
    MembersPushAnswer,
    MemberVerdict,
    PublicKey,
    PushAnswer,
    PushedRecord,
    PushRequest,
    PushResult,
    SealedPlace,
)
from app.wire.tokens import unseal
from app.wire.upkeep import BooksAnswer, EpochAnswer, EpochRequest, HeldMark
from tests.fakes.feeds import FakeFeeds

T = TypeVar("T")

GOOD_CODE = "ABCD1234"


@dataclass
class _Epoch:
    chain: Chain
    request_id: str = ""
    records: list[PushedRecord] = field(default_factory=list)

    @property
    def mark(self) -> str:
        """The hash at its end (hex)."""
        return self.records[-1].hash if self.records else self.chain.genesis().hex()


@dataclass
class _Device:
    key: bytes
    escrow: bytes
    epochs: list[_Epoch]

    @property
    def records(self) -> list[PushedRecord]:
        """The records of its newest epoch."""
        return self.epochs[-1].records

    @property
    def chain(self) -> Chain:
        """Its newest epoch's chain."""
        return self.epochs[-1].chain


class FakeCloud(FakeFeeds):
    """One tenant, one store, any number of devices. Also the port `Enrolment`.

    `projected` maps each rec_id ever taken to its body, `sealed` are damaged records it was sent,
    `reasons` why other epochs were opened. `unreadable` says which records it cannot read.
    """

    def __init__(self) -> None:
        super().__init__()
        self.devices: dict[str, _Device] = {}
        self.projected: dict[str, bytes] = {}
        self.conflicts: list[str] = []
        self.sealed: list[PushedRecord] = []
        self.unreadable: Callable[[PushedRecord], bool] = lambda record: False
        self.durable_seq = 0
        self.reasons: list[str] = []
        self.timeline = new_epoch()
        self.changes: dict[str, MemberChange] = {}
        self.most_records = 200
        self.codes = {GOOD_CODE}
        self.revoked: set[str] = set()
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
        first = _Epoch(Chain("t1", "s1", device, epoch))
        self.devices[device] = _Device(request.device_key, request.escrow, [first])
        self._used[request.code] = (request.device_key, answer)
        return answer

    def escrowed_key(self, device: str) -> bytes:
        """Return the store's key of a device, as a recovery would."""
        return unseal(self.devices[device].escrow, self._escrow)

    def facts(self, device: str) -> list[str]:
        """Return the ids of a device's records, once each, in the order in which they came to count."""
        epochs = self.devices[device].epochs
        found = [record for epoch in epochs for record in epoch.records]
        return list(dict.fromkeys(r.rec_id for r in found if r.kind not in ("", "epoch_opened")))

    # --- journal ----------------------------------------------------------------------------------

    def hello(self, device: str, request: HelloRequest) -> HelloAnswer:
        held = self._epoch(device, request.epoch)
        records = held.records if held else []
        return HelloAnswer(
            server_ms=self.server_ms,
            timeline=self.timeline,
            hwm=len(records),
            hwm_hash=records[-1].hash if records else "",
            durable_seq=self.durable_seq,
            feed_generation=self.feed_generation,
            known=held is not None,
            keys=self.keys().signing,
            standing="revoked" if device in self.revoked else "current",
            sealed=[
                SealedPlace(epoch=each.chain.epoch, seq=record.seq, hash=record.hash)
                for each in self.devices[device].epochs
                for record in each.records
                if record.sealed
            ],
        )

    def new_epoch(self, device: str, request: EpochRequest) -> EpochAnswer:
        """Open another epoch; the same request gets the same one."""
        epochs = self.devices[device].epochs
        if all(each.request_id != request.request_id for each in epochs):
            epochs.append(_Epoch(Chain("t1", "s1", device, new_epoch()), request.request_id))
            self.reasons.append(request.reason)
        opened = next(each for each in epochs if each.request_id == request.request_id)
        held = [
            HeldMark(
                epoch=mark.epoch,
                hwm=len(each.records),
                hwm_hash=each.mark,
                at_mark=each.records[mark.seq - 1].hash
                if 0 < mark.seq <= len(each.records)
                else "",
            )
            for mark in request.marks
            for each in epochs
            if each.chain.epoch == mark.epoch and each is not opened
        ]
        ordinal = epochs.index(opened) + 1
        return EpochAnswer(
            epoch=opened.chain.epoch, ordinal=ordinal, timeline=self.timeline, held=held
        )

    def books(self, device: str, since: str) -> BooksAnswer:
        """Say that the books cannot be compared: nothing is projected here."""
        return BooksAnswer(days=[], set_aside=1)

    def push(self, device: str, request: PushRequest) -> PushAnswer:
        """Take a batch: duplicates are skipped, a gap or another history is refused whole."""
        if len(request.records) > self.most_records:
            raise Trouble(Code.CLOUD_REFUSED, status=413, problem="too_big")
        self._check_signature(self.devices[device], device, request)
        held = self._epoch(device, request.epoch)
        if held is None:
            raise Trouble(Code.CLOUD_REFUSED, status=409, problem="fork", hwm=0, hwm_hash="")
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
            durable_seq=self.durable_seq,
            results=results,
        )

    def _sound(self, held: _Epoch, request: PushRequest) -> Iterator[PushedRecord]:
        """Check every record of a batch before any is taken, then yield them."""
        prev, seq = bytes.fromhex(request.prev_hash), request.records[0].seq
        for record in request.records:
            whole = record_hash(record.header, prev, record.body).hex() == record.hash
            if record.seq != seq or not (whole or record.sealed) or self.unreadable(record):
                raise Trouble(Code.CLOUD_MESSAGE_INVALID, status=422)
            if seq <= len(held.records) and held.records[seq - 1].hash != record.hash:
                raise self._conflict(held, "fork")
            prev, seq = bytes.fromhex(record.hash), seq + 1
        yield from request.records

    def _take(self, held: _Epoch, record: PushedRecord) -> PushResult:
        if record.seq <= len(held.records):
            if record.sealed or not held.records[record.seq - 1].sealed:
                return PushResult(seq=record.seq, verdict="duplicate")
            held.records[record.seq - 1] = record
        else:
            held.records.append(record)
        if record.sealed:
            self.sealed.append(record)
            return PushResult(seq=record.seq, verdict="accepted_exception", code="sealed_damaged")
        known = self.projected.setdefault(record.rec_id, record.body)
        if known != record.body:
            self.conflicts.append(record.rec_id)
            return PushResult(seq=record.seq, verdict="accepted_exception")
        return PushResult(seq=record.seq, verdict="applied")

    def _check_signature(self, who: _Device, device: str, request: PushRequest) -> None:
        last = request.records[-1]
        message = head_message(device, request.epoch, last.seq, bytes.fromhex(last.hash))
        try:
            Ed25519PublicKey.from_public_bytes(who.key).verify(request.head_sig, message)
        except InvalidSignature as error:
            raise Trouble(Code.CLOUD_MESSAGE_INVALID, status=422) from error

    def _conflict(self, held: _Epoch, problem: str) -> Trouble:
        hash_ = held.records[-1].hash if held.records else ""
        return Trouble(
            Code.CLOUD_REFUSED,
            status=409,
            problem=problem,
            hwm=len(held.records),
            hwm_hash=hash_,
        )

    def _epoch(self, device: str, epoch: str) -> _Epoch | None:
        if device not in self.devices:
            raise Trouble(Code.DEVICE_NOT_ENROLLED, status=403)
        epochs = self.devices[device].epochs
        return next((each for each in epochs if each.chain.epoch == epoch), None)

    def check_current(self, device: str) -> None:
        """Refuse a revoked device, as everything but hello, epochs and push does."""
        if device in self.revoked:
            raise Trouble(Code.DEVICE_REVOKED, status=403)

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
