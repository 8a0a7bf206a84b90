"""The OpenAPI document: complete, typed, and about what is really served."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from tests.cloud.inprocess import Client

Document = dict[str, Any]


@pytest.fixture
def document(client: Client) -> Document:
    answer = client.get("/openapi.json")
    assert answer.status_code == 200
    found: Document = answer.json()
    return found


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/v1/"):
                yield path, method, operation


def references(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
class TestDocument:
    def test_every_reference_leads_somewhere(self, document: Document) -> None:
        assert document["openapi"].startswith("3.1")
        found = set(references(document))
        assert found
        for reference in found:
            part: Any = document
            for step in reference.removeprefix("#/").split("/"):
                part = part[step]
            assert part, reference

    def test_every_operation_says_what_it_takes_answers_and_refuses(
        self, document: Document
    ) -> None:
        for path, method, operation in operations(document):
            where = f"{method} {path}"
            assert operation["summary"], where
            good = [s for s in operation["responses"] if s.startswith("2")]
            assert good, where
            for status, response in operation["responses"].items():
                content = response.get("content", {})
                assert content, f"{where} {status}"
                assert "text/event-stream" in content or list(references(content)), where
            if method == "post" and operation.get("requestBody"):
                assert list(references(operation["requestBody"])), where

    def test_operations_are_named_once(self, document: Document) -> None:
        names = [operation["operationId"] for _, _, operation in operations(document)]
        assert len(set(names)) == len(names)

    def test_what_needs_a_device_says_so(self, document: Document) -> None:
        assert document["components"]["securitySchemes"]["device"]["scheme"] == "bearer"
        open_to_all = {p for p, _, o in operations(document) if not o.get("security")}
        assert open_to_all >= {"/v1/keys", "/v1/enrol", "/v1/token", "/v1/health"}
        for path in ("/v1/sync/push", "/v1/sync/pull", "/v1/members/push", "/v1/reports/sales"):
            assert path not in open_to_all

    def test_messages_are_described_field_by_field(self, document: Document) -> None:
        schemas = document["components"]["schemas"]
        push = schemas["PushRequest"]
        assert set(push["required"]) == {"epoch", "prev_hash", "records", "head_sig"}
        assert push["properties"]["head_sig"]["contentEncoding"] == "base64"
        for name in schemas:
            assert re.fullmatch(r"[A-Za-z0-9._-]+", name)

    def test_the_document_is_valid(self, document: Document) -> None:
        validate(document)
