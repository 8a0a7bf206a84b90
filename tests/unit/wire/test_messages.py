"""Messages: additive changes need no new version, bytes survive JSON, nobody shares a default."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from app.wire import messages
from app.wire.messages import (
    STREAMS,
    HelloAnswer,
    Message,
    Order,
    OrderLine,
    OrderReason,
    PaymentIntent,
    PlanRow,
    PushedRecord,
    Row,
    SkuRow,
)

MESSAGES = [
    shape
    for shape in vars(messages).values()
    if isinstance(shape, type) and issubclass(shape, Message) and shape is not Message
]

ORDER = Order(
    attempt_id="a",
    sale_id="s",
    store="SH01",
    guide_name="林",
    guide_name_en="Lin",
    currency="CNY",
    total=100,
    lines=[
        OrderLine(
            sku="k",
            name="衬衫",
            name_en="Shirt",
            colour="白",
            colour_en="White",
            colour_hex="#ffffff",
            size="M",
            drawing="shirt",
            quantity=1,
            gross=110,
            net=100,
            reasons=[OrderReason(code="manual", amount=10)],
        )
    ],
    reasons=[],
    created_ms=1,
    expires_ms=2,
)


@pytest.mark.parametrize("shape", MESSAGES, ids=lambda shape: shape.__name__)
def test_every_message_is_frozen_and_named_by_keyword(shape: Any) -> None:
    config = shape.__struct_config__
    assert config.frozen
    assert not config.forbid_unknown_fields
    with pytest.raises(TypeError):
        shape(*range(len(shape.__struct_fields__)))


def test_fields_of_a_newer_version_are_ignored() -> None:
    body = msgspec.json.decode(msgspec.json.encode(ORDER))
    body["loyalty"] = {"points": 3}
    body["lines"][0]["picture"] = "x"
    assert msgspec.json.decode(msgspec.json.encode(body), type=Order) == ORDER


def test_bytes_survive_json() -> None:
    intent = PaymentIntent(token="t", order=bytes(range(256)))
    assert msgspec.json.decode(msgspec.json.encode(intent), type=PaymentIntent) == intent
    record = PushedRecord(
        seq=1, rec_id="r", kind="sale", schema_ver=1, hash="00", header=b"\0\1", body=b"{}"
    )
    assert msgspec.json.decode(msgspec.json.encode(record), type=PushedRecord) == record


def test_a_row_carries_its_body_untouched() -> None:
    page = b'{"key":"k","deleted":false,"body":{"b":1,  "a":[1.50]}}'
    assert bytes(msgspec.json.decode(page, type=Row).body) == b'{"b":1,  "a":[1.50]}'
    assert bytes(Row(key="k", deleted=True).body) == b"null"


def test_defaults_are_not_shared() -> None:
    answers = [
        HelloAnswer(server_ms=1, timeline="t", hwm=0, hwm_hash="", durable_seq=0, feed_generation=0)
        for _ in range(2)
    ]
    assert answers[0].commands is not answers[1].commands
    plans = [PlanRow(plan_id="p", version=1, default_bp=0) for _ in range(2)]
    assert plans[0].rates_bp is not plans[1].rates_bp


def test_the_streams_are_named_in_the_order_a_new_till_needs_them() -> None:
    assert STREAMS == ("config", "people", "catalog", "stock", "tasks")
    assert SkuRow.__struct_fields__[:2] == ("sku_id", "style_no")
