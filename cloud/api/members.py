"""Members, both ways. Personal data: never cached, never in a log."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.wire.messages import MembersPage, MembersPush, MembersPushAnswer
from cloud.api.auth import CloudDep, CurrentDevice
from cloud.api.contract import answer, contract, read
from cloud.services import members

router = APIRouter(tags=["members"])
MAX_PUSH = 2_000_000
"""Bytes of a push; a full one of a till has a tenth of it. Read on the event loop, so it stays small."""


@router.post(
    "/v1/members/push",
    **contract(
        "Push changes of members' fields",
        request=MembersPush,
        answer=MembersPushAnswer,
        errors=(401, 403),
    ),
)
async def push(request: Request, cloud: CloudDep, device: CurrentDevice) -> Response:
    """Fields: join, name, phone, tier, note, erase. Each change gets a verdict, always 200."""
    asked = await read(request, MembersPush, MAX_PUSH)
    return answer(
        await cloud.db.awrite(
            lambda connection: members.push(connection, device, asked, now_ms=cloud.clock())
        )
    )


@router.get(
    "/v1/members/pull",
    **contract("A page of members", answer=MembersPage, errors=(401, 403, 410)),
)
async def pull(
    cloud: CloudDep,
    device: CurrentDevice,
    cursor: str = "",
    limit: int = 500,
    check: bool = False,
) -> Response:
    """An empty cursor begins; 410: take a snapshot. An erased member comes with empty fields.

    `check` asks for the checksum of all members, which comes with the last page.
    """
    page = await cloud.db.aread(
        lambda connection: members.pull(
            connection, device, cursor, limit, now_ms=cloud.clock(), check=check
        )
    )
    response = answer(page)
    response.headers["Cache-Control"] = "no-store"
    return response
