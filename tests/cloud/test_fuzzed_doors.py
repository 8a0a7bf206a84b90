"""The cloud's own OpenAPI document, taken at its word: thousands of made-up requests in process, and
every answer must be one the document names, of the type and shape it names.

`GUIDEPOS_FUZZ=200` makes that many requests per endpoint and phase instead of the quick profile's.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import schemathesis
from fastapi import FastAPI
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from app.wire.messages import STREAMS
from tests.cloud.device import Device

EXAMPLES = int(os.environ.get("GUIDEPOS_FUZZ", "8"))
BASE64 = "base64-bytes"
# What the document says of `bytes` fields, as something to make examples from.
schemathesis.openapi.format(BASE64, st.binary(max_size=80).map(base64.b64encode).map(bytes.decode))

Message = MutableMapping[str, Any]


def quiet(app: FastAPI) -> Any:
    """Return the application without its start and end, which belong to the test."""

    async def served(
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if scope["type"] == "lifespan":
            raise RuntimeError("it runs already")
        await app(scope, receive, send)

    return served


def telling(document: Any) -> Any:
    """Return the document with hints for whoever makes requests from it; it allows no less."""
    if isinstance(document, list):
        return [telling(part) for part in document]
    if not isinstance(document, dict):
        return document
    told = {key: telling(part) for key, part in document.items()}
    if told.get("contentEncoding") == "base64":
        told["format"] = BASE64
    if told.get("name") == "stream":
        told["schema"] = {"anyOf": [{"enum": list(STREAMS)}, {"type": "string"}]}
    return told


def config(headers: dict[str, str]) -> SchemathesisConfig:
    """Return the rules of the game: the same requests every time, and no opinion on rules of a shop."""
    opinions = ("positive_data_acceptance", "negative_data_rejection", "missing_required_header")
    return SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "generation": {"deterministic": True, "max-examples": EXAMPLES, "no-shrink": True},
            "continue-on-failure": True,
            "max-stream-events": 1,
            "headers": {"GuidePOS-Nonce": "n", **headers},
            "phases": {"stateful": {"enabled": False}},
            "checks": {opinion: {"enabled": False} for opinion in opinions},
        }
    )


def complaints(app: FastAPI, headers: dict[str, str]) -> tuple[set[str], list[str]]:
    """Ask at every endpoint; return the endpoints and everything that was not as documented."""
    schema = schemathesis.openapi.from_dict(telling(app.openapi()), config=config(headers))
    schema.app = quiet(app)
    asked, wrong = set(), []
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError):
            wrong.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, events.FatalError):
            wrong.append(repr(event.exception))
        elif isinstance(event, events.ScenarioFinished):
            asked.add(event.recorder.label)
            wrong += failures(event)
    return asked, wrong


def failures(scenario: events.ScenarioFinished) -> Iterator[str]:
    """Yield what was wrong in one scenario, each with the request that showed it."""
    for case, checks in scenario.recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                told = scenario.recorder.interactions[case]
                request, failure = told.request, check.failure_info.failure
                body = repr(request.body)[:200]
                yield f"{request.method} {request.uri[:200]} {body}: {check.name}, {failure}"


def endpoints(app: FastAPI) -> set[str]:
    return {
        f"{method.upper()} {path}"
        for path, methods in app.openapi()["paths"].items()
        for method in methods
    }


def test_a_till_gets_the_answers_that_are_documented(app: FastAPI, device: Device) -> None:
    asked, wrong = complaints(app, {"Authorization": f"Bearer {device.token}"})
    assert wrong == []
    assert asked == endpoints(app)


def test_a_stranger_gets_the_answers_that_are_documented(app: FastAPI, device: Device) -> None:
    asked, wrong = complaints(app, {"Authorization": "Bearer nobody"})
    assert wrong == []
    assert asked == endpoints(app)
