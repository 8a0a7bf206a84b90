"""Payment intents for tills: register an order, ask how it stands, close it. Speaks only for a till's
own store; what a payment may do is decided elsewhere."""

from __future__ import annotations

from datetime import datetime

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from app.domain.payment import Way
from app.domain.times import SHOP_ZONE
from app.errors import Code, RuleBroken
from app.wire.messages import (
    PaymentCode,
    PaymentIntent,
    PaymentView,
    ProviderQr,
    ProviderQrView,
    WaysToPay,
)
from cloud.api.auth import CurrentDevice
from cloud.api.contract import answer, contract, read
from cloud.api.refusals import refusals
from cloud.desk import Desk, DeskDep, lifespan
from cloud.gateways.base import AttemptKey, Wallet
from cloud.services.attempts import Attempt, view
from cloud.services.reconcile import fees
from cloud.services.tokens import DevicePrincipal

router = APIRouter(prefix="/v1", tags=["payments"], lifespan=lifespan)

MAX_INTENT = 2_000_000
"""Bytes of a request; an order of some thousand lines still fits."""

MAX_CODE = 4_096
"""Bytes of a request with a customer's code."""


@router.post(
    "/payments",
    **contract(
        "Register an order before its QR is shown",
        request=PaymentIntent,
        answer=PaymentView,
        errors=(401, 403, 409, 410),
    ),
)
async def create(request: Request, device: CurrentDevice, desk: DeskDep) -> Response:
    """Idempotent by attempt: the same bytes get the same answer, other bytes a 409.

    409 `payment_already_open`: an earlier code of the sale may still be paid; `order_paid`: it has been;
    `prices_old`: of an order that travels in its token. Such an order is sent without bytes of its own.
    """
    intent = await read(request, PaymentIntent, MAX_INTENT)

    def register() -> Attempt:
        return desk.payments.register(desk.orders.admit(device, intent))

    with refusals():
        return _answer(request, desk, await run_in_threadpool(register))


@router.get(
    "/payments/{attempt_id}",
    **contract("Ask how an attempt stands", answer=PaymentView, errors=(401, 403, 404)),
)
async def show(request: Request, attempt_id: str, device: CurrentDevice, desk: DeskDep) -> Response:
    """Any till of the store may ask. Asking also settles: an overdue attempt is closed now, and the
    provider is asked again about one that closed unpaid not long ago."""
    with refusals():
        asked = _own(device, attempt_id)
        return _answer(request, desk, await run_in_threadpool(desk.payments.looked_after, asked))


@router.post(
    "/payments/{attempt_id}/cancel",
    **contract("Close an attempt at the provider", answer=PaymentView, errors=(401, 403, 404)),
)
async def cancel(
    request: Request, attempt_id: str, device: CurrentDevice, desk: DeskDep
) -> Response:
    """The answer is the truth afterwards: `cancelled`, `confirmed` when the customer was quicker, or
    `unknown` when the provider did not answer; only the first lets the till release the cart."""
    with refusals():
        asked = _own(device, attempt_id)
        return _answer(request, desk, await run_in_threadpool(desk.payments.cancel, asked))


@router.post(
    "/payments/{attempt_id}/code",
    **contract(
        "Collect by the code a customer shows",
        request=PaymentCode,
        answer=PaymentView,
        errors=(401, 403, 404),
    ),
)
async def collect(
    request: Request, attempt_id: str, device: CurrentDevice, desk: DeskDep
) -> Response:
    """The answer is how the attempt then stands: `waiting` while the customer types a password, `unknown`
    when the provider did not answer. Sent again, nothing is collected twice. 422 `payment_not_offered`:
    there is no account for this wallet."""
    asked = await read(request, PaymentCode, MAX_CODE)

    def work() -> Attempt:
        key = _own(device, attempt_id)
        gateway = desk.gateways.collecting(_wallet(asked.wallet))
        if gateway is None:
            raise RuleBroken(Code.PAYMENT_NOT_OFFERED)
        return desk.payments.collect(key, desk.charge, gateway.name, asked.code)

    with refusals():
        return _answer(request, desk, await run_in_threadpool(work))


@router.post(
    "/payments/{attempt_id}/qr",
    **contract(
        "Ask for a provider's own code",
        request=ProviderQr,
        answer=ProviderQrView,
        errors=(401, 403, 404, 409),
    ),
)
async def provider_qr(
    request: Request, attempt_id: str, device: CurrentDevice, desk: DeskDep
) -> Response:
    """For tills that show a provider's code instead of our page. Asked again, the order is the same and
    the code may be another. 409 `order_closed`: it can no longer be paid. 422 `payment_not_offered`:
    there is no such account, or it has no code."""
    asked = await read(request, ProviderQr, MAX_CODE)

    def work() -> Response:
        key = _own(device, attempt_id)
        desk.payments.find(key)
        gateway = desk.gateways.showing(asked.provider)
        if gateway is None:
            raise RuleBroken(Code.PAYMENT_NOT_OFFERED)
        text = desk.payments.start(key, desk.charge, gateway.name, Way.QR).url
        attempt = desk.payments.find(key)
        base = _base(request, desk)
        shown = f"{base}{text}" if text.startswith("/") else text
        seen = view(attempt, desk.payments.now_ms(), base)
        return answer(ProviderQrView(text=shown, payment=seen))

    with refusals():
        return await run_in_threadpool(work)


@router.get(
    "/ways-to-pay",
    **contract(
        "Ask what a till may do besides showing our page", answer=WaysToPay, errors=(401, 403)
    ),
)
async def ways_to_pay(device: CurrentDevice, desk: DeskDep) -> Response:
    """Whose codes can be collected by, which providers' own codes can be shown, and what each way that is
    open to customers cost this store in the last thirty days of bills; the cheapest is marked."""
    gateways = desk.gateways
    today = datetime.fromtimestamp(desk.payments.now_ms() / 1000, SHOP_ZONE).date()
    rates = await desk.db.aread(
        lambda connection: fees.rates(
            connection, device.tenant, device.store, gateways.billed(), today=today
        )
    )
    return answer(msgspec.structs.replace(gateways.ways(), rates=rates))


def _wallet(name: str) -> Wallet:
    try:
        return Wallet(name)
    except ValueError as error:
        raise RuleBroken(Code.PAYMENT_NOT_OFFERED) from error


def _own(device: DevicePrincipal, attempt_id: str) -> AttemptKey:
    """Return the attempt of that id in the till's own store; another store's does not exist for it."""
    return AttemptKey(device.tenant, device.store, attempt_id)


def _answer(request: Request, desk: Desk, attempt: Attempt) -> Response:
    return answer(view(attempt, desk.payments.now_ms(), _base(request, desk)))


def _base(request: Request, desk: Desk) -> str:
    return desk.public_url or str(request.base_url).rstrip("/")
