"""Access tokens: short-lived, made here, believed without a look-up; the device behind one is read
from the database at each request, so that a revocation counts at once. A token names tenant and store
beside the device, so that this reads one store's books."""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass

import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.errors import Code
from app.wire.messages import TokenAnswer, TokenRequest
from app.wire.tokens import b64, token_request_message, unb64
from cloud.db.tables import device, device_home
from cloud.errors import Refused

CLOCK_TOLERANCE_MS = 24 * 3_600_000
"""How far a till's clock may be off when it asks for a token; a replay only yields a token that the
thief of a signature can use as long as the till itself, over TLS."""

_MAC_BYTES = 32
_HEAD = b"gp2-access"
_BETWEEN = "\0"


@dataclass(frozen=True, slots=True)
class DeviceName:
    """Which device, and in whose store."""

    tenant: str
    store: str
    device: str


@dataclass(frozen=True, slots=True)
class DevicePrincipal:
    """A device that proved itself, and whose till it is."""

    tenant: str
    store: str
    device: str
    device_code: str
    key: bytes
    """Raw Ed25519 public key."""
    revoked: bool


def issue_access_token(secret: bytes, name: DeviceName, expires_ms: int) -> str:
    """Return a token that names the device until `expires_ms`."""
    words = _BETWEEN.join((name.tenant, name.store, name.device))
    payload = struct.pack(">Q", expires_ms) + words.encode()
    return b64(payload + hmac.digest(secret, _HEAD + payload, hashlib.sha256))


def read_access_token(secret: bytes, text: str, now_ms: int) -> DeviceName:
    """Return the device a token names. Raises Refused 401."""
    try:
        raw = unb64(text)
        payload, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        sound = hmac.compare_digest(mac, hmac.digest(secret, _HEAD + payload, hashlib.sha256))
        expires_ms = struct.unpack_from(">Q", payload)[0] if sound else 0
    except (ValueError, struct.error):
        sound, expires_ms, payload = False, 0, b""
    if not sound:
        raise Refused(401, Code.TOKEN_INVALID)
    if expires_ms <= now_ms:
        raise Refused(401, Code.TOKEN_EXPIRED)
    return DeviceName(*payload[8:].decode().split(_BETWEEN))


def home_of(connection: sa.Connection, device_id: str) -> DeviceName | None:
    """Return whose a device is, from its id alone."""
    home = device_home.c
    query = sa.select(home.tenant_id, home.store_id).where(home.device_id == device_id)
    row = connection.execute(query).first()
    return DeviceName(row.tenant_id, row.store_id, device_id) if row else None


_DEVICE = sa.select(device.c.device_code, device.c.public_key, device.c.revoked_ms).where(
    device.c.tenant_id == sa.bindparam("tenant"),
    device.c.store_id == sa.bindparam("store"),
    device.c.device_id == sa.bindparam("device"),
)


def find_device(connection: sa.Connection, name: DeviceName) -> DevicePrincipal | None:
    """Return an enrolled device."""
    asked = {"tenant": name.tenant, "store": name.store, "device": name.device}
    row = connection.execute(_DEVICE, asked).first()
    if row is None:
        return None
    return DevicePrincipal(
        name.tenant, name.store, name.device, row.device_code, row.public_key, row.revoked_ms > 0
    )


def device_at_home(connection: sa.Connection, device_id: str) -> DevicePrincipal | None:
    """Return an enrolled device by its id alone, which costs a look-up more."""
    home = home_of(connection, device_id)
    return find_device(connection, home) if home else None


def grant_token(
    connection: sa.Connection, secret: bytes, request: TokenRequest, *, now_ms: int, minutes: int
) -> TokenAnswer:
    """Give a device that proves itself an access token. Raises Refused 401 or 403."""
    found = device_at_home(connection, request.device)
    if found is None:
        raise Refused(403, Code.DEVICE_NOT_ENROLLED)
    message = token_request_message(request.device, request.t_ms, request.nonce)
    try:
        Ed25519PublicKey.from_public_bytes(found.key).verify(request.signature, message)
    except InvalidSignature as error:
        raise Refused(401, Code.TOKEN_INVALID) from error
    if abs(now_ms - request.t_ms) > CLOCK_TOLERANCE_MS:
        # With our time, or a till whose clock lost its battery could never speak to us again.
        raise Refused(401, Code.TOKEN_EXPIRED, "the till's clock is too far off", server_ms=now_ms)
    seconds = minutes * 60
    name = DeviceName(found.tenant, found.store, found.device)
    return TokenAnswer(
        token=issue_access_token(secret, name, now_ms + seconds * 1_000),
        expires_in_s=seconds,
        server_ms=now_ms,
    )
