"""Takes tills in: one-time codes for a store, and the exchange of a code for a device's identity."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from app.domain.ids import new_epoch
from app.errors import Code
from app.wire.journal import Chain
from app.wire.messages import EnrolAnswer, EnrolRequest
from cloud.db.state import ensure_tenant, timeline
from cloud.db.tables import device, device_epoch, device_home, enrol_code, store
from cloud.errors import Refused
from cloud.services.keys import ServerKeys

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without 0 O 1 I L: a code is read aloud and typed."""
CODE_LENGTH = 12
KEY_BYTES = 32
SECRET_BYTES = 32
MAX_ESCROW = 1_000
MAX_WORD = 100
_STORE = re.compile(r"[A-Za-z0-9_-]{1,20}")
"""A store's code stands in receipt numbers and, before a slash, in keys of the stock feed."""


@dataclass(frozen=True, slots=True)
class EnrolCode:
    """A one-time code as it is shown to a person."""

    code: str
    store: str
    expires_ms: int


def make_enrol_code(
    connection: sa.Connection, store_id: str, *, now_ms: int, minutes: int
) -> EnrolCode:
    """Return a fresh code for a store, which is made if it does not exist yet. Raises Refused 422."""
    if not _STORE.fullmatch(store_id):
        raise Refused(422, "malformed", "a store's code is 1 to 20 letters, digits, _ or -")
    tenant_id = ensure_tenant(connection, now_ms)
    ensure_store(connection, tenant_id, store_id, now_ms=now_ms)
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    expires_ms = now_ms + minutes * 60_000
    connection.execute(
        sa.insert(enrol_code).values(
            code_hash=_hash_of(code),
            tenant_id=tenant_id,
            store_id=store_id,
            expires_ms=expires_ms,
            used_ms=0,
            device_id="",
        )
    )
    shown = "-".join(code[i : i + 4] for i in range(0, CODE_LENGTH, 4))
    return EnrolCode(shown, store_id, expires_ms)


def ensure_store(
    connection: sa.Connection,
    tenant_id: str,
    store_id: str,
    *,
    now_ms: int,
    name: str = "",
    name_en: str = "",
) -> None:
    """Make a store if it does not exist yet."""
    key = (store.c.tenant_id == tenant_id) & (store.c.store_id == store_id)
    if connection.scalar(sa.select(sa.exists().where(key))):
        return
    connection.execute(
        sa.insert(store).values(
            tenant_id=tenant_id,
            store_id=store_id,
            name=name,
            name_en=name_en,
            created_ms=now_ms,
            devices=0,
        )
    )


def enrol(
    connection: sa.Connection,
    keys: ServerKeys,
    request: EnrolRequest,
    *,
    now_ms: int,
    public_url: str,
) -> EnrolAnswer:
    """Exchange a code for an identity.

    The same code with the same device key gets the same answer again until it expires, because an
    answer may be lost. Raises Refused 403 (ENROL_CODE_INVALID) and 422.
    """
    _check_form(request)
    code = connection.execute(
        sa.select(enrol_code)
        .where(enrol_code.c.code_hash == _hash_of(request.code))
        .with_for_update()
    ).first()
    if code is None or code.expires_ms <= now_ms:
        raise Refused(403, Code.ENROL_CODE_INVALID)
    if code.used_ms == 0:
        device_id = _new_device(connection, code.tenant_id, code.store_id, request, now_ms)
        connection.execute(
            sa.update(enrol_code)
            .where(enrol_code.c.code_hash == code.code_hash)
            .values(used_ms=now_ms, device_id=device_id)
        )
    else:
        device_id = code.device_id
    answer = _answer(connection, keys, code.tenant_id, code.store_id, device_id, public_url)
    if _public_key(connection, code.tenant_id, code.store_id, device_id) != request.device_key:
        raise Refused(403, Code.ENROL_CODE_INVALID)
    return answer


def _check_form(request: EnrolRequest) -> None:
    words = (request.platform, request.app_version, request.protection)
    sound = (
        request.handshake >= 1
        and len(request.device_key) == KEY_BYTES
        and len(request.escrow) <= MAX_ESCROW
        and all(len(word) <= MAX_WORD and "\0" not in word for word in words)
    )
    if not sound:
        raise Refused(422, "malformed")


def _hash_of(code: str) -> bytes:
    plain = "".join(c for c in code.upper() if c.isalnum())
    return hashlib.sha256(b"gp1-enrol" + plain.encode("utf-8", "replace")).digest()


def _new_device(
    connection: sa.Connection, tenant_id: str, store_id: str, request: EnrolRequest, now_ms: int
) -> str:
    device_id, epoch = os.urandom(8).hex(), new_epoch()
    connection.execute(
        sa.insert(device).values(
            tenant_id=tenant_id,
            store_id=store_id,
            device_id=device_id,
            device_code=_next_device_code(connection, tenant_id, store_id),
            public_key=request.device_key,
            secret=os.urandom(SECRET_BYTES),
            escrow=request.escrow,
            platform=request.platform,
            app_version=request.app_version,
            protection=request.protection,
            db_id="",
            boot_nonce="",
            enrolled_ms=now_ms,
            seen_ms=now_ms,
            revoked_ms=0,
        )
    )
    connection.execute(
        sa.insert(device_home).values(device_id=device_id, tenant_id=tenant_id, store_id=store_id)
    )
    connection.execute(
        sa.insert(device_epoch).values(
            tenant_id=tenant_id,
            store_id=store_id,
            device_id=device_id,
            epoch=epoch,
            ordinal=1,
            hwm=0,
            hwm_hash=Chain(tenant_id, store_id, device_id, epoch).genesis(),
            opened_ms=now_ms,
        )
    )
    return device_id


def _next_device_code(connection: sa.Connection, tenant_id: str, store_id: str) -> str:
    """Return the next till number of a store: part of its receipt numbers, so never used again."""
    number = connection.scalar(
        sa.update(store)
        .where(store.c.tenant_id == tenant_id, store.c.store_id == store_id)
        .values(devices=store.c.devices + 1)
        .returning(store.c.devices)
    )
    return f"{number:02d}"


def _public_key(
    connection: sa.Connection, tenant_id: str, store_id: str, device_id: str
) -> bytes | None:
    query = sa.select(device.c.public_key).where(
        device.c.tenant_id == tenant_id,
        device.c.store_id == store_id,
        device.c.device_id == device_id,
    )
    found: bytes | None = connection.scalar(query)
    return found


def _answer(
    connection: sa.Connection,
    keys: ServerKeys,
    tenant_id: str,
    store_id: str,
    device_id: str,
    public_url: str,
) -> EnrolAnswer:
    row = connection.execute(
        sa.select(device.c.device_code, device.c.secret, device_epoch.c.epoch)
        .join(device_epoch, device_epoch.c.device_id == device.c.device_id)
        .where(
            device.c.tenant_id == tenant_id,
            device.c.store_id == store_id,
            device.c.device_id == device_id,
            device_epoch.c.tenant_id == tenant_id,
            device_epoch.c.store_id == store_id,
            device_epoch.c.ordinal == 1,
        )
    ).one()
    return EnrolAnswer(
        tenant=tenant_id,
        store=store_id,
        device=device_id,
        device_code=row.device_code,
        epoch=row.epoch,
        epoch_ordinal=1,
        secret=row.secret,
        keys=keys.published(),
        timeline=timeline(connection),
        public_url=public_url,
    )
