"""Describes a page of a reference stream for OpenAPI.

The messages carry a row's body as raw JSON, which tells a reader of the document nothing; here are
the same messages with the shapes that a body may have.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from app.wire.messages import ConfigRow, PersonRow, PullAnswer, Row, SkuRow, StockRow
from app.wire.tasks import TaskRow
from cloud.api.contract import reference_to

ROW_BODIES: tuple[type[msgspec.Struct], ...] = (ConfigRow, PersonRow, SkuRow, StockRow, TaskRow)
"""What a body may be, by stream: config, people, catalog, stock, tasks."""


def described_page() -> type[msgspec.Struct]:
    """Return a twin of `PullAnswer` whose rows say what their bodies are."""
    bodies = [*(reference_to(shape) for shape in ROW_BODIES), {"type": "null"}]
    body = Annotated[Any, msgspec.Meta(extra_json_schema={"anyOf": bodies})]
    row = _twin(Row, body=(body, None))
    return _twin(PullAnswer, rows=(list[row], msgspec.NODEFAULT))  # type: ignore[valid-type]


def _twin(shape: type[msgspec.Struct], **changed: tuple[Any, Any]) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for field in msgspec.structs.fields(shape):
        type_, default = changed.get(field.name, (field.type, field.default))
        given = () if default is msgspec.NODEFAULT else (default,)
        fields.append((field.name, type_, *given))
    return msgspec.defstruct(
        shape.__name__, fields, kw_only=True, namespace={"__doc__": shape.__doc__}
    )
