"""Snapshots for new tills. They carry members too, so no answer is ever cached or logged."""

from __future__ import annotations

from fastapi import APIRouter, Response

from app.wire.snapshot import CHUNK_ROWS, SnapshotBegin, SnapshotChunk
from cloud.api.auth import CloudDep, CurrentDevice
from cloud.api.contract import answer, contract
from cloud.services import snapshot

router = APIRouter(tags=["snapshot"])


@router.get(
    "/v1/snapshot/begin",
    **contract("Begin a snapshot of a stream", answer=SnapshotBegin, errors=(401, 403, 404)),
)
async def begin(cloud: CloudDep, device: CurrentDevice, stream: str) -> Response:
    """Streams: config, people, catalog, stock, members. Nothing is kept here for a till."""
    begun = await cloud.db.aread(
        lambda connection: snapshot.begin(connection, device, stream, now_ms=cloud.clock())
    )
    return _uncached(answer(begun))


@router.get(
    "/v1/snapshot/chunk",
    **contract("A chunk of a snapshot", answer=SnapshotChunk, errors=(401, 403, 404)),
)
async def chunk(
    cloud: CloudDep,
    device: CurrentDevice,
    stream: str,
    after: str = "",
    limit: int = CHUNK_ROWS,
    epoch: str = "",
) -> Response:
    """Rows in the order of their keys, at most 5,000, as zstd-compressed NDJSON with its SHA-256.

    `epoch` is what it is in a pull.
    """
    taken = await cloud.db.aread(
        lambda connection: snapshot.chunk(
            connection, device, stream, after, limit, now_ms=cloud.clock(), epoch=epoch
        )
    )
    return _uncached(answer(taken))


def _uncached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
