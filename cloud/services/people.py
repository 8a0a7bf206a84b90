"""What the people of a brand may decide, by the roles they were published with."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from app.wire.messages import PersonRow
from cloud.db.tables import person

MANAGER = "manager"


def is_manager(connection: sa.Connection, tenant: str, store: str, person_id: str) -> bool:
    """Tell whether somebody is an active manager of a store.

    A brand that has published no people yet has nobody to tell apart: there the till's word counts.
    """
    brand = person.c.tenant_id == tenant
    found = connection.execute(
        sa.select(person.c.body).where(
            brand,
            person.c.person_id == person_id.replace("\0", ""),
            person.c.store_id.in_(("", store)),
            sa.not_(person.c.deleted),
        )
    ).first()
    if found is not None:
        row = msgspec.json.decode(found.body, type=PersonRow)
        return row.active and row.role == MANAGER
    return not connection.scalar(sa.select(sa.exists().where(brand)))
