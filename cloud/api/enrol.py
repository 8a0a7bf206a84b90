"""Keys, enrolment and access tokens: the endpoints a till may call before it has a token."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.wire.messages import EnrolAnswer, EnrolRequest, KeySet, TokenAnswer, TokenRequest
from cloud.api.auth import CloudDep
from cloud.api.contract import answer, contract, read
from cloud.services.enrol import enrol
from cloud.services.tokens import grant_token

router = APIRouter(tags=["enrolment"])


@router.get("/v1/keys", **contract("The cloud's public keys", answer=KeySet))
async def keys(cloud: CloudDep) -> Response:
    """Two signing keys at a time while they rotate, and the key that store keys are sealed to."""
    return answer(cloud.keys.published())


@router.post(
    "/v1/enrol",
    **contract(
        "Exchange a one-time code for a device's identity",
        request=EnrolRequest,
        answer=EnrolAnswer,
        errors=(403,),
    ),
)
async def enrol_device(request: Request, cloud: CloudDep) -> Response:
    """The code is used once; the same device may repeat a request whose answer was lost."""
    asked = await read(request, EnrolRequest)
    return answer(
        await cloud.db.awrite(
            lambda connection: enrol(
                connection,
                cloud.keys,
                asked,
                now_ms=cloud.clock(),
                public_url=cloud.settings.public_url,
            )
        )
    )


@router.post(
    "/v1/token",
    **contract(
        "A short-lived access token for a device that proves itself",
        request=TokenRequest,
        answer=TokenAnswer,
        errors=(401, 403),
    ),
)
async def token(request: Request, cloud: CloudDep) -> Response:
    """The signature is over `tokens.token_request_message`; a revoked device still gets one, with
    which it may only drain its journal."""
    asked = await read(request, TokenRequest)
    return answer(
        await cloud.db.aread(
            lambda connection: grant_token(
                connection,
                cloud.keys.token_secret,
                asked,
                now_ms=cloud.clock(),
                minutes=cloud.settings.token_minutes,
            )
        )
    )
