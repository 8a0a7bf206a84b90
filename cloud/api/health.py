"""Whether the cloud lives and is ready for work, and its figures. None of it waits behind the tills."""

from __future__ import annotations

import hmac
from typing import Annotated

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Header, Response

from cloud.api.auth import CloudDep
from cloud.api.contract import JSON, answer, contract, reference_to
from cloud.bootstrap import Cloud
from cloud.db.distribution import across
from cloud.db.feed import fence_lag_ms
from cloud.db.schema import current, newest
from cloud.db.state import timeline
from cloud.db.tables import exception
from cloud.operation import metrics

router = APIRouter(tags=["health"])
SLOW_FEED_MS = 60_000
"""A feed held back longer than this is a transaction somebody forgot."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/health`.

    `live`: this answer is the proof. `ready`: the database answers and has the form this program
    needs; then `status` is "ok", or "slow_feed" where a transaction holds the feeds back.
    `fence_lag_ms` is for how long the oldest one has.
    """

    status: str
    timeline: str
    server_ms: int
    live: bool = True
    ready: bool = True
    database: bool = True
    migrated: bool = True
    fence_lag_ms: int = 0


_described = contract("Up, and ready for work", answer=Health)
_described["responses"][503] = {
    "description": "Up, but not ready for work",
    "content": {JSON: {"schema": reference_to(Health)}},
}


@router.get("/v1/health", **_described)
async def health(cloud: CloudDep) -> Response:
    """With a nonce the answer carries our proof, so a till can tell us from a portal."""
    found = await _examined(cloud)
    return answer(found, 200 if found.ready else 503)


@router.get("/healthz", include_in_schema=False)
async def alive(cloud: CloudDep) -> Response:
    """For load balancers: 200 and two letters while ready, else 503."""
    found = await _examined(cloud)
    return Response("ok" if found.ready else found.status, 200 if found.ready else 503)


@router.get("/metrics", include_in_schema=False)
async def figures(
    cloud: CloudDep, authorization: Annotated[str | None, Header()] = None
) -> Response:
    """Everything in Prometheus' text form, for whoever shows the token of `guidepos-cloud metrics-token`."""
    wanted = f"Bearer {cloud.keys.metrics_token()}"
    if not hmac.compare_digest((authorization or "").encode(), wanted.encode()):
        return Response("", 401, {"WWW-Authenticate": "Bearer"})
    body = cloud.metrics.told(await _gauges(cloud))
    return Response(body, media_type=metrics.CONTENT_TYPE)


async def _examined(cloud: Cloud) -> Health:
    def look(connection: sa.Connection) -> Health:
        migrated = current(connection) == newest()
        lag = fence_lag_ms(connection)
        return Health(
            status=("slow_feed" if lag > SLOW_FEED_MS else "ok") if migrated else "not_migrated",
            timeline=timeline(connection) if migrated else "",
            server_ms=cloud.clock(),
            ready=migrated,
            migrated=migrated,
            fence_lag_ms=lag,
        )

    try:
        return await cloud.db.aread(look, cloud.admission.for_health)
    except (sa.exc.OperationalError, sa.exc.TimeoutError):
        return Health(
            status="no_database",
            timeline="",
            server_ms=cloud.clock(),
            ready=False,
            database=False,
            migrated=False,
        )


async def _gauges(cloud: Cloud) -> dict[str, tuple[str, float]]:
    found = await _examined(cloud)
    gauges: dict[str, tuple[str, float]] = {
        "guidepos_ready": ("1 while this worker is ready for work", float(found.ready)),
        "guidepos_feed_fence_lag_seconds": (
            "For how long the oldest open transaction has held the feeds back",
            found.fence_lag_ms / 1_000,
        ),
        "guidepos_pushes_at_work": ("Pushes this worker is at", cloud.admission.at_work),
        "guidepos_pushes_waiting": ("Pushes that wait in this worker", cloud.admission.waiting),
    }
    if found.ready:
        waiting = await cloud.db.aread(_open_exceptions, cloud.admission.for_health)
        gauges["guidepos_exceptions_open"] = ("Records a person should look at", waiting)
    return gauges


def _open_exceptions(connection: sa.Connection) -> int:
    query = sa.select(sa.func.count()).select_from(exception).where(exception.c.resolved_ms == 0)
    return int(connection.execute(across(query, "figures")).scalar_one())
