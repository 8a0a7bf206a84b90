"""Makes this till a device of a shop: one code, used once, against keys made here.

Knows no HTTP and no SQL. The private key never leaves the store; the store's own key leaves it only
sealed to the cloud's escrow key, so that unsent sales survive a keyring that died.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.errors import Code, RuleBroken, Trouble
from app.ports import Enrolment, Identity, Priority, Store, UnitOfWork
from app.wire.messages import EnrolRequest
from app.wire.tokens import seal
from app.wire.versions import HANDSHAKE

PENDING_KEY = "enrol.device_key"
_LONGEST_WORD = 100
"""What the cloud keeps of a system's description of itself."""


@dataclass(frozen=True, slots=True)
class TillDescription:
    """What the cloud is told about the machine. `protection` is the keeper's: keyring or file."""

    platform: str
    app_version: str
    protection: str


def enrol(
    store: Store,
    enrolment: Enrolment,
    *,
    code: str,
    store_key: bytes,
    cloud_url: str,
    till: TillDescription,
) -> Identity:
    """Exchange a one-time code for an identity and become it. Network thread.

    The device key is kept in the store before the code is used, so a lost answer can be asked for
    again with the same code and the same key. Raises Trouble: ENROL_CODE_INVALID and whatever else
    keeps the cloud from answering, CLOUD_REFUSED if this till is already a device.
    """
    device_key = store.run(_pending_key, priority=Priority.SCREEN).result()
    keys = enrolment.keys()
    answer = enrolment.enrol(
        EnrolRequest(
            handshake=HANDSHAKE,
            code=_typed_code(code),
            device_key=Ed25519PrivateKey.from_private_bytes(device_key)
            .public_key()
            .public_bytes_raw(),
            escrow=seal(store_key, keys.escrow.key),
            platform=till.platform[:_LONGEST_WORD],
            app_version=till.app_version,
            protection=till.protection,
        )
    )

    def become(uow: UnitOfWork) -> Identity:
        identity = uow.enrol(answer, device_key, cloud_url)
        uow.set_state(PENDING_KEY, "")
        return identity

    return store.run(become, priority=Priority.SCREEN).result()


def _typed_code(code: str) -> str:
    """Return the code as the cloud wrote it: people add spaces."""
    cleaned = "".join(code.split())
    if not cleaned:
        raise RuleBroken(Code.TEXT_EMPTY)
    return cleaned


def _pending_key(uow: UnitOfWork) -> bytes:
    if uow.identity().enrolled:
        raise Trouble(Code.CLOUD_REFUSED, problem="enrolled")
    kept = uow.state(PENDING_KEY)
    if kept:
        return bytes.fromhex(kept)
    key = Ed25519PrivateKey.generate().private_bytes_raw()
    uow.set_state(PENDING_KEY, key.hex())
    return key
