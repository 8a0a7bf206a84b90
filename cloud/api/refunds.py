"""Money that tills give back through its provider: ask for it, and ask how it stands. Speaks only for a
till's own store; what may go back is decided elsewhere."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from app.wire.refunds import RefundRequest, RefundView
from cloud.api.auth import CurrentDevice
from cloud.api.contract import answer, contract, read
from cloud.api.refusals import refusals
from cloud.desk import Desk, DeskDep
from cloud.gateways.base import AttemptKey
from cloud.services import refund_ledger
from cloud.services.giving_back import Wish
from cloud.services.refund_ledger import RefundKey

router = APIRouter(prefix="/v1/refunds", tags=["refunds"])


@router.post(
    "",
    **contract(
        "Give part of a payment back",
        request=RefundRequest,
        answer=RefundView,
        errors=(401, 403, 404, 409),
    ),
)
async def give_back(request: Request, device: CurrentDevice, desk: DeskDep) -> Response:
    """Idempotent by number. `unknown` in the answer: the provider has not answered; it may be moving, and
    the cloud asks on. 409 `refund_exceeds_payment`: the detail is what is left."""
    asked = await read(request, RefundRequest)
    wish = Wish(
        number=asked.number,
        attempt=AttemptKey(device.tenant, device.store, asked.attempt_id),
        amount=asked.amount,
        currency=asked.currency,
        device=device.device,
        reason=asked.reason,
        person=asked.person,
        document=asked.document,
        claim_id=asked.claim_id,
    )
    return await _answered(desk, lambda: desk.giving_back.give_back(wish))


@router.get(
    "/{number}",
    **contract("Ask how a refund stands", answer=RefundView, errors=(401, 403, 404)),
)
async def show(number: str, device: CurrentDevice, desk: DeskDep) -> Response:
    """Any till of the store may ask. What is not at its end is asked about at the provider."""
    key = RefundKey(device.tenant, device.store, number)
    return await _answered(desk, lambda: desk.giving_back.current(key))


async def _answered(desk: Desk, work: Callable[[], refund_ledger.Request]) -> Response:
    with refusals():
        found = await run_in_threadpool(work)
    return answer(refund_ledger.view(found, desk.payments.now_ms()))
