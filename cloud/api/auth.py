"""Who is asking: turns the Bearer access token into the device it was given to."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.errors import Code
from cloud.api.access import DEVICE
from cloud.bootstrap import Cloud
from cloud.errors import Refused
from cloud.services.tokens import DevicePrincipal, find_device, read_access_token

_bearer = HTTPBearer(
    auto_error=False, scheme_name="device", description="Access token from /v1/token"
)


def cloud_of(request: Request) -> Cloud:
    """Return what the composition root built."""
    return cast(Cloud, request.app.state.cloud)


CloudDep = Annotated[Cloud, Depends(cloud_of)]


async def any_device(
    request: Request,
    cloud: CloudDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> DevicePrincipal:
    """Return the device, revoked or not: unsent sales of a revoked till must still get out.

    Raises Refused 401 for a missing, void or expired token, 403 for a device that does not exist, 429
    for one that asks too much.
    """
    if credentials is None:
        raise Refused(401, Code.TOKEN_INVALID)
    name = read_access_token(cloud.keys.token_secret, credentials.credentials, cloud.clock())
    request.scope[DEVICE] = name.device
    cloud.admission.allow(name.device)
    device = await cloud.db.aread(lambda connection: find_device(connection, name))
    if device is None:
        raise Refused(403, Code.DEVICE_NOT_ENROLLED)
    return device


AnyDevice = Annotated[DevicePrincipal, Depends(any_device)]


async def current_device(device: AnyDevice) -> DevicePrincipal:
    """Return the device that asks. Raises Refused 401 and 403, the latter also when revoked."""
    if device.revoked:
        raise Refused(403, Code.DEVICE_REVOKED)
    return device


CurrentDevice = Annotated[DevicePrincipal, Depends(current_device)]
