"""The door by which tills give money back: what it takes, answers and refuses."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from app.domain.ids import new_id
from app.wire.messages import Problem
from app.wire.refunds import RefundRequest, RefundView
from tests.cloud.paying import Shop, Shown, Till


def asked_for(shown: Shown, **changed: Any) -> RefundRequest:
    asked = RefundRequest(
        number=new_id(),
        attempt_id=shown.order.attempt_id,
        amount=100,
        currency="CNY",
        reason="size",
        document=new_id(),
    )
    return msgspec.structs.replace(asked, **changed)


def post(till: Till, asked: RefundRequest) -> httpx.Response:
    answer: httpx.Response = till.device.client.post(
        "/v1/refunds", content=msgspec.json.encode(asked), headers=till.headers
    )
    return answer


def test_a_till_asks_and_any_till_of_the_store_hears_how_it_stands(shop: Shop, till: Till, paid):
    asked = asked_for(paid)
    view = msgspec.json.decode(post(till, asked).content, type=RefundView)
    assert (view.state, view.amount, view.back, view.document) == ("done", 100, 100, asked.document)
    heard = shop.till().device.get(f"/v1/refunds/{asked.number}", RefundView)
    assert msgspec.structs.replace(heard, server_ms=0) == msgspec.structs.replace(view, server_ms=0)


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"amount": 0}, 422, "amount_invalid"),
        ({"currency": "USD"}, 422, "amount_invalid"),
        ({"amount": 10**9}, 409, "refund_exceeds_payment"),
        ({"number": "x"}, 422, "cloud_message_invalid"),
        ({"reason": "two words"}, 422, "text_forbidden_character"),
        ({"attempt_id": "nobody"}, 404, "payment_unknown"),
        ({"document": ""}, 422, "malformed"),
        ({"document": "", "claim_id": "mine"}, 404, "task_unknown"),
    ],
)
def test_what_is_refused_is_said(till: Till, paid: Shown, changed: dict[str, Any], status, code):
    answer = post(till, asked_for(paid, **changed))
    problem = msgspec.json.decode(answer.content, type=Problem)
    assert (answer.status_code, problem.code) == (status, code)
    if code == "refund_exceeds_payment":
        assert problem.detail == str(paid.order.total)
