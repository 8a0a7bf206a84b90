"""Acting on what a person of a store must see: a claim first, then the settlement. Only for tills of the
task's own store."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from fastapi import APIRouter, Request, Response

from app.wire.tasks import TaskClaim, TaskRow, TaskSettlement
from cloud.api.auth import CloudDep, CurrentDevice
from cloud.api.contract import answer, contract, read
from cloud.bootstrap import Cloud
from cloud.desk import Desk, DeskDep
from cloud.services import release, tasks
from cloud.services.live import store_topic
from cloud.services.tasks import Holder
from cloud.services.tokens import DevicePrincipal

router = APIRouter(prefix="/v1/tasks", tags=["tasks"])


@router.post(
    "/claim",
    **contract(
        "Take a task of the store on oneself",
        request=TaskClaim,
        answer=TaskRow,
        errors=(401, 403, 404, 409, 413),
    ),
)
async def claim(
    request: Request, cloud: CloudDep, desk: DeskDep, device: CurrentDevice
) -> Response:
    """One till gets it, for a quarter of an hour; the others 409 `claimed` with by whom as detail."""
    asked = await read(request, TaskClaim)
    who = _holder(device, asked.claim_id, asked.person)
    return await _changed(
        cloud,
        desk,
        device,
        lambda connection: tasks.claim(connection, who, asked, now_ms=cloud.clock()),
    )


@router.post(
    "/settle",
    **contract(
        "Settle a task that this till has claimed",
        request=TaskSettlement,
        answer=TaskRow,
        errors=(401, 403, 404, 409, 413),
    ),
)
async def settle(
    request: Request, cloud: CloudDep, desk: DeskDep, device: CurrentDevice
) -> Response:
    """The same settlement again gets the same answer. `released` puts quarantined records on the books."""
    asked = await read(request, TaskSettlement)
    who = _holder(device, asked.claim_id)
    return await _changed(
        cloud,
        desk,
        device,
        lambda connection: release.settle(connection, who, asked, now_ms=cloud.clock()),
    )


async def _changed(
    cloud: Cloud,
    desk: Desk,
    device: DevicePrincipal,
    work: Callable[[sa.Connection], TaskRow],
) -> Response:
    """Do it, and let the store's other tills hear of it."""
    row: TaskRow = await cloud.db.awrite(work)
    topic = store_topic(device.tenant, device.store)
    desk.newsroom.publish([topic], tasks.NEWS, but=device.device)
    return answer(row)


def _holder(device: DevicePrincipal, claim_id: str, person: str = "") -> Holder:
    return Holder(device.tenant, device.store, device.device, claim_id, person)
