"""The tills of a tenant as its operator sees them: who they are, when they were last heard of, and
whether they may do more than send."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from app.errors import Code
from cloud.db.columns import rows_of
from cloud.db.distribution import across
from cloud.db.tables import device
from cloud.errors import Refused
from cloud.services.tokens import home_of


def all_devices(connection: sa.Connection, tenant: str) -> Sequence[sa.RowMapping]:
    """Return every till ever enrolled, by store and number."""
    query = (
        sa.select(
            device.c.device_id,
            device.c.store_id,
            device.c.device_code,
            device.c.platform,
            device.c.app_version,
            device.c.protection,
            device.c.seen_ms,
            device.c.revoked_ms,
        )
        .where(device.c.tenant_id == tenant)
        .order_by(device.c.store_id, device.c.device_code)
    )
    return connection.execute(across(query, "office")).mappings().all()


def revoke(connection: sa.Connection, tenant: str, device_id: str, *, now_ms: int) -> None:
    """Let a till send what it has and do nothing else, from its next request on.

    What it sends from then on waits for a person of its store. Raises Refused 404.
    """
    _set(connection, tenant, device_id, now_ms)


def reinstate(connection: sa.Connection, tenant: str, device_id: str) -> None:
    """Let a revoked till work again; it hears of it with its next hello. Raises Refused 404."""
    _set(connection, tenant, device_id, 0)


def _set(connection: sa.Connection, tenant: str, device_id: str, revoked_ms: int) -> None:
    home = home_of(connection, device_id)
    if home is None or home.tenant != tenant:
        raise Refused(404, Code.DEVICE_NOT_ENROLLED, device_id)
    mine = rows_of(device, tenant_id=tenant, store_id=home.store, device_id=device_id)
    connection.execute(sa.update(device).where(mine).values(revoked_ms=revoked_ms))
