"""The FastAPI application: routes, refusals and the proof on every answer."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from app.errors import Code, RuleBroken, Trouble
from cloud import pages
from cloud.api import (
    enrol,
    health,
    live,
    members,
    notify,
    payments,
    refunds,
    reports,
    snapshot,
    sync,
    tasks,
)
from cloud.api.access import AccessLog
from cloud.api.body_limit import BodyLimit
from cloud.api.contract import describe, refusal
from cloud.api.proof import SIGNED_PATHS, ProofMiddleware
from cloud.bootstrap import Clock, Cloud, open_cloud, wall_clock
from cloud.db.engine import THREADS
from cloud.errors import Refused
from cloud.settings import Settings

BUSY_RETRY_S = 2
_log = logging.getLogger(__name__)


def create_app(settings: Settings, *, clock: Clock = wall_clock) -> FastAPI:
    """Build the application on the cloud that `settings` describe, opening (and migrating) it."""
    return app_of(open_cloud(settings, clock=clock))


def app_of(cloud: Cloud) -> FastAPI:
    """Build the application on an open cloud; it is closed when the application stops."""
    app = FastAPI(
        title="GuidePOS reference cloud",
        version="1",
        summary="Devices, journals, reference data, members, payments and reports of a brand's shops",
        description="Messages are those of `app.wire.messages`. Errors are a `Problem`.",
        lifespan=_lifespan,
        docs_url="/docs",
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.cloud = cloud
    for module in (
        enrol,
        sync,
        snapshot,
        members,
        tasks,
        reports,
        health,
        payments,
        refunds,
        notify,
        live,
        pages,
    ):
        app.include_router(module.router)
    app.add_exception_handler(Refused, _on_refused)
    app.add_exception_handler(RuleBroken, _on_rule_broken)
    app.add_exception_handler(Trouble, _on_trouble)
    app.add_exception_handler(sa.exc.SQLAlchemyError, _on_engine)
    app.add_exception_handler(RequestValidationError, _on_malformed)
    app.add_exception_handler(HTTPException, _on_no_route)
    app.add_exception_handler(ClientDisconnect, _on_hang_up)
    app.add_middleware(BodyLimit, api_bytes=cloud.settings.max_body)
    app.add_middleware(ProofMiddleware, prove=cloud.keys.prove)
    app.add_middleware(AccessLog, metrics=cloud.metrics)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    if not app.state.cloud.db.is_sqlite:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield
    app.state.cloud.close()


async def _on_refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, Refused):
        raise error
    return refusal(error)


async def _on_rule_broken(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RuleBroken):
        raise error
    return refusal(Refused(422, error.code))


async def _on_trouble(_request: Request, error: Exception) -> Response:
    if not isinstance(error, Trouble):
        raise error
    status = 503 if error.retryable else 500
    return refusal(Refused(status, error.code, retry_after_s=BUSY_RETRY_S * error.retryable))


async def _on_engine(_request: Request, error: Exception) -> Response:
    """The database said no: to a value it cannot hold (our answer is 422), or to everybody for now."""
    if isinstance(error, sa.exc.DataError):
        return refusal(Refused(422, "malformed", "a value cannot be kept"))
    if not isinstance(error, sa.exc.OperationalError | sa.exc.TimeoutError):
        raise error
    _log.error("the database failed", exc_info=error)
    return refusal(Refused(503, Code.STORE_BUSY, retry_after_s=BUSY_RETRY_S))


async def _on_malformed(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    fields = sorted({".".join(map(str, part["loc"])) for part in error.errors()})
    return refusal(Refused(422, "malformed", ", ".join(fields)))


async def _on_hang_up(_request: Request, _error: Exception) -> Response:
    """The line broke inside the request: nothing was done, and nobody hears this."""
    return refusal(Refused(400, "torn"))


async def _on_no_route(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if request.url.path.startswith(SIGNED_PATHS):
        too_big = error.status_code == 413
        answer = refusal(Refused(error.status_code, "too_big" if too_big else "no_such_endpoint"))
        answer.headers.update(error.headers or {})  # a 405 says which methods there are
        return answer
    return await http_exception_handler(request, error)
