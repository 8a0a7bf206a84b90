"""Who is asking: turns the Bearer access token into the device it was given to."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.errors import Code
from cloud.api.access import DEVICE
from cloud.bootstrap import Cloud
from cloud.errors import Refused
from cloud.services.known_devices import enrolled
from cloud.services.tokens import DeviceName, DevicePrincipal, read_access_token

_bearer = HTTPBearer(
    auto_error=False, scheme_name="device", description="Access token from /v1/token"
)


def cloud_of(request: Request) -> Cloud:
    """Return what the composition root built."""
    return cast(Cloud, request.app.state.cloud)


CloudDep = Annotated[Cloud, Depends(cloud_of)]


async def named_device(
    request: Request,
    cloud: CloudDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> DeviceName:
    """Return the device the token names, which nobody has looked up yet.

    Raises Refused 401 for a missing, void or expired token, 429 for a device that asks too much.
    """
    if credentials is None:
        raise Refused(401, Code.TOKEN_INVALID)
    name = read_access_token(cloud.keys.token_secret, credentials.credentials, cloud.clock())
    request.scope[DEVICE] = name.device
    cloud.admission.allow(name.device)
    return name


NamedDevice = Annotated[DeviceName, Depends(named_device)]


async def any_device(cloud: CloudDep, name: NamedDevice) -> DevicePrincipal:
    """Return the device, revoked or not: unsent sales of a revoked till must still get out.

    Raises Refused 401 and 429, and 403 for a device that does not exist.
    """
    return await cloud.db.aread(lambda connection: enrolled(connection, name))


AnyDevice = Annotated[DevicePrincipal, Depends(any_device)]


async def current_device(device: AnyDevice) -> DevicePrincipal:
    """Return the device that asks. Raises Refused 401 and 403, the latter also when revoked."""
    if device.revoked:
        raise Refused(403, Code.DEVICE_REVOKED)
    return device


CurrentDevice = Annotated[DevicePrincipal, Depends(current_device)]
