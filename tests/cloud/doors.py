"""Every door of the cloud, taken from the application itself, and what is said of each here.

Who adds a route adds a row: to `OPEN` with the reason, or to the stories of `test_crossed`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.domain.ids import new_id

OPEN = {
    "GET /v1/keys": "first contact: the keys an answer is checked with",
    "GET /v1/health": "a till without a token asks whether this is our cloud",
    "POST /v1/enrol": "first contact: a one-time code is the right to it",
    "POST /v1/token": "the device proves itself with its own key",
    "GET /healthz": "load balancers; says two letters",
    "GET /metrics": "the operator's own token, which is no device's",
    "GET /o/{token}": "the customer's page: the signed token in the address is the right to it",
    "POST /o/{token}/take": "the same, and the phone's own form token",
    "POST /o/{token}/pay": "the same, and the phone's own form token",
    "GET /o/{token}/payer": "the same, and a state only the phone's own page has",
    "GET /o/{token}/code": "the same, and only the phone that holds the order",
    "GET /o/{token}/code.png": "the same, and only the phone that holds the order",
    "GET /o/{token}/state": "the same; says only which face the page has",
    "GET /o/{token}/events": "the same; hints only",
    "GET /cart": "the phone's cookie is the right to its own cart",
    "GET /wallet": "the sandbox provider's page; its codes are make-believe and of nobody",
    "GET /wallet/{payment_id}": "the sandbox provider's page; its id is unguessable",
    "POST /wallet/{payment_id}/{deed}": "the same, and the phone's own form token",
    "POST /notify/{name}": "payment providers: their signature over the body is the right to it",
    "GET /page/font/{name}": "files of the pages",
    "GET /page/{digest}/{name}": "files of the pages",
    "GET /garment/{drawing}/{colour}.svg": "drawings of the pages",
    "GET /language/{code}": "the customer chooses a language",
    "GET /openapi.json": "the document of the API",
    "HEAD /openapi.json": "the document of the API",
    "GET /docs": "the document of the API, to read",
    "HEAD /docs": "the document of the API, to read",
    "GET /docs/oauth2-redirect": "part of the reading page",
    "HEAD /docs/oauth2-redirect": "part of the reading page",
}
"""What may be asked without a device's token, and why."""

DRAIN = {"POST /v1/sync/hello", "POST /v1/sync/push", "POST /v1/sync/epoch"}
"""What a revoked till may still do: unsent sales must get out."""


def routes_of(router: Any) -> Iterator[Any]:
    """Yield the routes of a router and of those inside it."""
    for route in router.routes:
        inside = getattr(route, "original_router", None)
        if inside is not None:
            yield from routes_of(inside)
        elif isinstance(route, APIRoute) or hasattr(route, "methods"):
            yield route


def doors(app: FastAPI) -> set[str]:
    """Return "METHOD /path" of every endpoint and page, listed in the document or not."""
    return {
        f"{method} {route.path}" for route in routes_of(app) for method in route.methods or ("ANY",)
    }


def guarded(app: FastAPI) -> set[str]:
    """Return the doors that ask for a device's token."""
    return doors(app) - set(OPEN)


def knock(client: Any, door: str, headers: dict[str, str] | None = None) -> httpx.Response:
    """Ask at a door with what it needs to get as far as its own rules, and no more."""
    method, path = door.split()
    queries = {"/v1/sync/pull": "?stream=config", "/v1/sync/books": "?since=2026-03-01"}
    if path.startswith("/v1/reports/"):
        queries[path] = "?from=2026-03-01&to=2026-03-31"
    asked = "/".join(new_id() if part.startswith("{") else part for part in path.split("/"))
    answer: httpx.Response = client.request(method, asked + queries.get(path, ""), headers=headers)
    return answer
