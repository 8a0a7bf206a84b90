"""Whether the cloud is up and can reach its database."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Response

from cloud.api.auth import CloudDep
from cloud.api.contract import answer, contract
from cloud.db.state import timeline

router = APIRouter(tags=["health"])


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/health`."""

    status: str
    timeline: str
    server_ms: int


@router.get("/v1/health", **contract("Up, and the database answers", answer=Health))
async def health(cloud: CloudDep) -> Response:
    """With a nonce the answer carries our proof, so a till can tell us from a portal."""
    known: str = await cloud.db.aread(timeline)
    return answer(Health(status="ok", timeline=known, server_ms=cloud.clock()))


@router.get("/healthz", include_in_schema=False)
async def alive(cloud: CloudDep) -> Response:
    """For load balancers: 200 and two letters."""
    await cloud.db.aread(lambda connection: connection.execute(sa.select(1)).scalar_one())
    return Response("ok", media_type="text/plain")
