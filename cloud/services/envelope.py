"""Believes a push or not: canonical headers, an unbroken chain, the device's signature on its head.

Pure computation, done before any transaction is opened. Knows nothing of what a record means.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.wire.journal import (
    HASH_BYTES,
    VERSION,
    Header,
    head_message,
    read_header,
    record_hash,
)
from app.wire.messages import PushedRecord, PushRequest
from cloud.errors import Refused
from cloud.services.tokens import DevicePrincipal

MAX_RECORDS = 2_000
MAX_ID = 64
MAX_SEALED_EPOCH = 32
SEALED_KIND = "sealed"
_MAX_64 = 2**63 - 1
_MAX_32 = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Received:
    """A record whose bytes are what the device vouched for."""

    header: Header
    header_bytes: bytes
    prev_hash: bytes
    hash: bytes
    body: bytes
    sealed: bool = False
    """The device found it damaged: the bytes are what is left, the header here is ours."""


def verify(request: PushRequest, sender: DevicePrincipal) -> list[Received]:
    """Return the records of a push in order. Raises Refused 413 and 422 (malformed)."""
    if not request.records:
        raise _malformed("no records")
    if len(request.records) > MAX_RECORDS:
        raise Refused(413, "too_big", f"at most {MAX_RECORDS} records")
    received: list[Received] = []
    prev_hash = _hash_of(request.prev_hash)
    seq = request.records[0].seq
    for pushed in request.records:
        record = _verify_record(pushed, sender, request.epoch, seq, prev_hash)
        received.append(record)
        seq, prev_hash = seq + 1, record.hash
    _verify_head(request, sender, received[-1])
    return received


def _verify_record(
    pushed: PushedRecord, sender: DevicePrincipal, epoch: str, seq: int, prev_hash: bytes
) -> Received:
    if pushed.sealed:
        return _sealed(pushed, sender, epoch, seq, prev_hash)
    try:
        header = read_header(pushed.header)
    except ValueError as error:
        raise _malformed(f"header of {seq}: {error}") from error
    theirs = (header.tenant, header.store, header.device, header.epoch)
    if theirs != (sender.tenant, sender.store, sender.device, epoch):
        raise _malformed(f"record {seq} is of another chain")
    same = (pushed.rec_id, pushed.kind, pushed.schema_ver, pushed.seq, seq)
    if same != (header.rec_id, header.kind, header.schema_ver, header.seq, header.seq):
        raise _malformed(f"record {seq} is not what its header says")
    if not _keepable(header):
        raise _malformed(f"header of {seq} cannot be kept")
    hash_ = record_hash(pushed.header, prev_hash, pushed.body)
    if hash_.hex() != pushed.hash:
        raise _malformed(f"hash of {seq}")
    return Received(header, pushed.header, prev_hash, hash_, pushed.body)


def _sealed(
    pushed: PushedRecord, sender: DevicePrincipal, epoch: str, seq: int, prev_hash: bytes
) -> Received:
    """Take what is left of a damaged record under an id of its own, so that a sound copy that turns up
    later is still the first with the record's id."""
    if pushed.seq != seq or not 0 < seq <= _MAX_64 or not 0 < len(epoch) <= MAX_SEALED_EPOCH:
        raise _malformed(f"sealed record {seq}")
    header = Header(
        v=VERSION,
        tenant=sender.tenant,
        store=sender.store,
        device=sender.device,
        epoch=epoch,
        seq=seq,
        rec_id=f"sealed-{epoch}-{seq}",
        kind=SEALED_KIND,
        schema_ver=0,
        t_device=0,
        t_mono=0,
        boot_id="",
        t_est_server=0,
        t_quality="",
        actor="",
    )
    hash_ = _hash_of(pushed.hash)
    return Received(header, pushed.header, prev_hash, hash_, pushed.body, sealed=True)


def _keepable(header: Header) -> bool:
    """Tell whether a database can hold the fields we look records up by."""
    numbers = (header.t_device, header.t_mono, header.t_est_server)
    return (
        header.v == VERSION
        and 0 < header.seq <= _MAX_64
        and 0 <= header.schema_ver <= _MAX_32
        and all(abs(number) <= _MAX_64 for number in numbers)
        and 0 < len(header.rec_id) <= MAX_ID
        and 0 < len(header.kind) <= MAX_ID
        and 0 < len(header.epoch) <= MAX_ID
        and "\0"
        not in "".join((header.epoch, header.rec_id, header.kind, header.actor, header.t_quality))
    )


def _verify_head(request: PushRequest, sender: DevicePrincipal, last: Received) -> None:
    message = head_message(sender.device, request.epoch, last.header.seq, last.hash)
    try:
        Ed25519PublicKey.from_public_bytes(sender.key).verify(request.head_sig, message)
    except InvalidSignature as error:
        raise _malformed("head signature") from error


def _hash_of(text: str) -> bytes:
    try:
        raw = bytes.fromhex(text)
    except ValueError as error:
        raise _malformed("prev_hash") from error
    if len(raw) != HASH_BYTES:
        raise _malformed("prev_hash")
    return raw


def _malformed(detail: str) -> Refused:
    return Refused(422, "malformed", detail)
