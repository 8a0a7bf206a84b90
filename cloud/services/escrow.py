"""Gives a till's store key back to its owner: it was sealed to our escrow key when the till enrolled,
so that unsent sales survive a keyring that died."""

from __future__ import annotations

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from app.wire.tokens import unseal
from cloud.db.tables import device
from cloud.errors import Refused
from cloud.services.tokens import home_of


def recover_store_key(
    connection: sa.Connection, escrow: X25519PrivateKey, tenant_id: str, device_id: str
) -> bytes:
    """Return the 32-byte store key of a device. Raises Refused 404 if there is none to give."""
    home = home_of(connection, device_id)
    if home is None or home.tenant != tenant_id:
        raise Refused(404, "device_unknown")
    sealed: bytes | None = connection.execute(
        sa.select(device.c.escrow).where(
            device.c.tenant_id == home.tenant,
            device.c.store_id == home.store,
            device.c.device_id == device_id,
        )
    ).scalar_one_or_none()
    try:
        return unseal(bytes(sealed or b""), escrow)
    except ValueError as error:
        raise Refused(404, "device_unknown") from error
