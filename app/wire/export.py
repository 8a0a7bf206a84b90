"""An exported journal in one file: the last resort when a till can reach its cloud no more.

The file holds the very pushes the till would have sent, encrypted so that only the cloud it was enrolled at
can read them, and signed by the device, so that a file that was cut or changed is known for it.

    "GPEXPORT" | u8 version = 1
    u32be length | manifest: JSON of `Manifest`, readable by anybody; counts and places, no content
    u32be length | box: `tokens.seal` of a fresh 32-byte key for the cloud's escrow key
    frames, each   u32be length | AES-256-GCM by the fresh key; nonce = 4 zero bytes | u64be number
                   (0, 1, 2 …), authenticated with the SHA-256 of the manifest; inside, zstd of
                   "J" | JSON of `PushRequest`   or   "M" | JSON of `MembersPush`
    u32be 0
    64 bytes Ed25519 signature by the device key over "gp1-export" | SHA-256 of all before

A damaged record travels sealed, as in a push. The signature covers the number of frames, so none can be
left out.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec
import zstandard
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.errors import Code, RuleBroken
from app.wire.messages import MembersPush, Message, PushRequest
from app.wire.tokens import SIGNATURE_BYTES, seal, unseal
from app.wire.upkeep import EpochMark

MAGIC, VERSION = b"GPEXPORT", 1
_SIGNED = b"gp1-export"
_KINDS: dict[bytes, type[PushRequest] | type[MembersPush]] = {b"J": PushRequest, b"M": MembersPush}
_MOST_PLAIN = 64 * 1024 * 1024
"""Most bytes one frame may grow to when it is decompressed."""

Part = PushRequest | MembersPush


class Stretch(Message, frozen=True, kw_only=True):
    """The records of one epoch that are in the file: those after `after`, up to `last`."""

    after: EpochMark
    last: EpochMark


class Manifest(Message, frozen=True, kw_only=True):
    """What is in the file. `members` is the SHA-256 (hex) over the ids of the changes of members,
    those the cloud refused included, in the order of the ids."""

    export_id: str
    tenant: str
    store: str
    device: str
    created_ms: int
    stretches: list[Stretch]
    member_changes: int
    members: str


def queue_digest(change_ids: Iterable[str]) -> str:
    """Return what names a members' queue without telling anything of it."""
    return hashlib.sha256("\n".join(change_ids).encode()).hexdigest()


def write_export(
    manifest: Manifest, parts: Iterable[Part], recipient: bytes, device_key: bytes
) -> Iterator[bytes]:
    """Yield the file's bytes, piece by piece."""
    digest = hashlib.sha256()
    about = msgspec.json.encode(manifest)
    fresh = os.urandom(32)
    box = seal(fresh, recipient)
    cipher, bound = AESGCM(fresh), hashlib.sha256(about).digest()
    head = MAGIC + bytes([VERSION]) + _prefixed(about) + _prefixed(box)
    digest.update(head)
    yield head
    for number, part in enumerate(parts):
        kind = b"M" if isinstance(part, MembersPush) else b"J"
        plain = zstandard.compress(kind + msgspec.json.encode(part))
        frame = _prefixed(cipher.encrypt(_nonce(number), plain, bound))
        digest.update(frame)
        yield frame
    end = struct.pack(">I", 0)
    digest.update(end)
    key = Ed25519PrivateKey.from_private_bytes(device_key)
    yield end + key.sign(_SIGNED + digest.digest())


@dataclass(frozen=True, slots=True)
class Export:
    """A file taken apart, not yet believed."""

    manifest: Manifest
    _about: bytes
    _box: bytes
    _frames: tuple[bytes, ...]
    _digest: bytes
    _signature: bytes

    def verify(self, device_key: bytes) -> None:
        """See that this device wrote the file and nobody changed it since.

        `device_key` is the raw public key. Raises RuleBroken(FILE_UNREADABLE).
        """
        try:
            key = Ed25519PublicKey.from_public_bytes(device_key)
            key.verify(self._signature, _SIGNED + self._digest)
        except InvalidSignature as error:
            raise _unreadable("not signed by this device") from error

    def parts(self, escrow: X25519PrivateKey) -> Iterator[Part]:
        """Yield the pushes of a verified file. Raises RuleBroken(FILE_UNREADABLE)."""
        try:
            cipher = AESGCM(unseal(self._box, escrow))
        except ValueError as error:
            raise _unreadable("exported for another cloud") from error
        bound = hashlib.sha256(self._about).digest()
        for number, frame in enumerate(self._frames):
            try:
                plain = _plain(cipher.decrypt(_nonce(number), frame, bound))
                yield msgspec.json.decode(plain[1:], type=_KINDS[plain[:1]])
            except (InvalidTag, KeyError, msgspec.DecodeError, zstandard.ZstdError) as error:
                raise _unreadable(f"part {number}") from error


def read_export(data: bytes) -> Export:
    """Take a file apart. Raises RuleBroken(FILE_UNREADABLE) for what is none or was cut."""
    start = MAGIC + bytes([VERSION])
    if not data.startswith(start):
        raise _unreadable("not an exported journal of a version known here")
    try:
        about, at = _taken(data, len(start))
        box, at = _taken(data, at)
        frames: list[bytes] = []
        while True:
            frame, at = _taken(data, at)
            if not frame:
                break
            frames.append(frame)
        signature = data[at:]
        if len(signature) != SIGNATURE_BYTES:
            raise ValueError("no signature at its end")
        manifest = msgspec.json.decode(about, type=Manifest)
    except (ValueError, msgspec.DecodeError) as error:
        raise _unreadable(str(error)) from error
    digest = hashlib.sha256(data[:at]).digest()
    return Export(manifest, about, box, tuple(frames), digest, signature)


def _plain(packed: bytes) -> bytes:
    reader = zstandard.ZstdDecompressor().stream_reader(packed)
    plain: bytes = reader.read(_MOST_PLAIN + 1)
    if len(plain) > _MOST_PLAIN:
        raise zstandard.ZstdError("too large")
    return plain


def _prefixed(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _taken(data: bytes, at: int) -> tuple[bytes, int]:
    end = at + 4
    length = int.from_bytes(data[at:end])
    if end + length > len(data) or end > len(data):
        raise ValueError("it ends too early")
    return data[end : end + length], end + length


def _nonce(number: int) -> bytes:
    return bytes(4) + struct.pack(">Q", number)


def _unreadable(detail: str) -> RuleBroken:
    return RuleBroken(Code.FILE_UNREADABLE, detail=detail)
