"""Three tills that must never reach each other's: of a store, of its neighbour, and of another brand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import sqlalchemy as sa

from cloud.bootstrap import Cloud
from cloud.db import tables
from cloud.services.enrol import ensure_store, make_enrol_code
from tests.cloud.device import Device, enrolled
from tests.cloud.paying import Shop, Till

OTHER_BRAND = "otherbrand"


@dataclass
class Street:
    """Three tills of one cloud. `mine` has sold, knows a member and shows a QR; `neighbour` is of the
    same brand's next store, `stranger` of another brand whose store has the same code as mine."""

    cloud: Cloud
    shop: Shop
    mine: Till
    neighbour: Till
    stranger: Till

    @property
    def others(self) -> tuple[Till, Till]:
        return self.neighbour, self.stranger


def till_of_another_brand(cloud: Cloud, client: httpx.Client) -> Device:
    """Enrol a till at the store S001 of a second brand of this cloud."""

    def code(connection: sa.Connection) -> str:
        now_ms = cloud.clock()
        connection.execute(
            sa.insert(tables.tenant).values(
                tenant_id=OTHER_BRAND, name="", created_ms=now_ms + 1_000
            )
        )
        ensure_store(connection, OTHER_BRAND, "S001", now_ms=now_ms)
        made = make_enrol_code(connection, "S001", now_ms=now_ms, minutes=5)
        ours = tables.enrol_code
        connection.execute(sa.update(ours).where(ours.c.used_ms == 0).values(tenant_id=OTHER_BRAND))
        return made.code

    device = enrolled(client, cloud.db.write(code))
    assert device.me.tenant == OTHER_BRAND
    return device


def asked(till: Till, path: str, **params: str) -> Any:
    answer = till.device.client.get(path, params=params, headers=till.headers)
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content)


def said(till: Till, path: str, message: msgspec.Struct) -> int:
    answer = till.device.client.post(
        path, content=msgspec.json.encode(message), headers=till.headers
    )
    return answer.status_code
