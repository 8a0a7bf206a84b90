"""Typed requests and answers: reads and writes `app.wire.messages`, and describes them for OpenAPI.

A route says `**contract("What it does", request=…, answer=…, errors=(…))` in its decorator; the
schemas come from the very classes that decode the bytes, so the document cannot drift.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from app.wire.messages import UNREADABLE, Problem
from app.wire.tokens import DIGEST_HEADER, content_digest
from cloud.errors import Refused

JSON = "application/json"
SMALL_BODY = 64_000
"""Bytes of a request that holds a handful of short texts; some of these need no token."""
_REF = "#/components/schemas/{name}"
_MEANINGS = {
    400: "The body did not arrive as it was sent",
    401: "Token missing, void or expired",
    403: "Device revoked or not enrolled here",
    404: "No such thing",
    409: "Gap, fork or conflict",
    410: "Cursor too old: start over, or gone for good",
    413: "Too big",
    422: "Malformed",
    426: "Too old to pull",
    429: "Too many requests",
    503: "Busy; obey Retry-After",
}
_ANYWHERE = (400, 413, 422, 503)
"""What any endpoint may answer: a garbled or too long body, values that cannot be, a database that is
busy."""
_RETRY_AFTER = {
    "description": "Seconds to stay away; come later rather than sooner, and at a moment of your own.",
    "schema": {"type": "integer", "minimum": 1},
}
_types: set[type[msgspec.Struct]] = {Problem}
_encoder = msgspec.json.Encoder()

M = TypeVar("M", bound=msgspec.Struct)


def answer(message: msgspec.Struct, status: int = 200) -> Response:
    """Return a message as an HTTP answer."""
    return Response(_encoder.encode(message), status, media_type=JSON)


def refusal(refused: Refused) -> Response:
    """Return a refusal as an HTTP answer."""
    response = answer(refused.problem, refused.status)
    if refused.retry_after_s:
        response.headers["Retry-After"] = str(refused.retry_after_s)
    return response


def decoded(body: bytes, shape: type[M]) -> M:
    """Read bytes as a message. Raises Refused 422."""
    try:
        return msgspec.json.decode(body, type=shape)
    except UNREADABLE as error:
        raise Refused(422, "malformed", str(error)) from error


async def body_of(request: Request, limit: int) -> bytes:
    """Return the raw body. Raises Refused 413 as soon as more than `limit` bytes have come, and 400 if
    they are not those whose digest came with them."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise Refused(413, "too_big")
        chunks.append(chunk)
    body = b"".join(chunks)
    if request.headers.get(DIGEST_HEADER) not in (None, content_digest(body)):
        raise Refused(400, "garbled")
    return body


async def read(request: Request, shape: type[M], limit: int = SMALL_BODY) -> M:
    """Read the request's body as a message. Raises Refused 413 and 422."""
    return decoded(await body_of(request, limit), shape)


def contract(
    summary: str,
    *,
    request: type[msgspec.Struct] | None = None,
    answer: type[msgspec.Struct],
    status: int = 200,
    errors: tuple[int, ...] = (),
    zstd: bool = False,
    also: tuple[type[msgspec.Struct], ...] = (),
) -> dict[str, Any]:
    """Return the keyword arguments that describe a route.

    `errors` are those besides what any endpoint may answer. `zstd`: the body may be compressed.
    `also`: messages that travel inside without being named.
    """
    _types.update(filter(None, (request, answer, *also)))
    responses: dict[int | str, dict[str, Any]] = {
        status: {"description": "Done", "content": {JSON: {"schema": reference_to(answer)}}}
    }
    # Whoever is known may ask too much; whoever asks may find the database busy.
    busy = {429, 503} if 401 in errors else {503}
    for code in sorted({*errors, *_ANYWHERE} | busy):
        content = {JSON: {"schema": reference_to(Problem)}}
        responses[code] = {"description": _MEANINGS[code], "content": content}
        if code in busy:
            responses[code]["headers"] = {"Retry-After": _RETRY_AFTER}
    described: dict[str, Any] = {
        "summary": summary,
        "responses": responses,
        "response_class": Response,
        "status_code": status,
    }
    if request is not None:
        body: dict[str, Any] = {
            "required": True,
            "content": {JSON: {"schema": reference_to(request)}},
        }
        if zstd:
            body["description"] = "May be compressed: `Content-Encoding: zstd`."
        described["openapi_extra"] = {"requestBody": body}
    return described


def describe(app: FastAPI) -> dict[str, Any]:
    """Build the OpenAPI 3.1 document with the schemas of all messages."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=app.description,
            routes=app.routes,
        )
        _, schemas = msgspec.json.schema_components(_types, ref_template=_REF)
        components = document.setdefault("components", {}).setdefault("schemas", {})
        components.update(schemas)
        app.openapi_schema = document
    return app.openapi_schema


def reference_to(shape: type[msgspec.Struct]) -> dict[str, str]:
    """Return the OpenAPI reference to a message's schema."""
    return {"$ref": _REF.format(name=shape.__name__)}
