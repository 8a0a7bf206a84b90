"""The order behind the QR, the phone's cart, and the live state of both. Works without scripts.

A page is always drawn from the state as it is now, so reload and back button are harmless.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse

from app.errors import Code, RuleBroken, Trouble
from app.wire.tokens import is_portable
from cloud.api.live import EVENT_STREAM, stream
from cloud.api.live import HEADERS as STREAM_HEADERS
from cloud.desk import Desk, DeskDep
from cloud.gateways.base import AttemptKey
from cloud.pages.faces import STATUS, Face, face_of
from cloud.pages.leading import can_pay, elsewhere, lead, lead_payer, shown_code
from cloud.pages.phone import PHONE_S, SHOPS_COOKIE, Phone, phone_of, remember
from cloud.pages.qr import QrPicture, qr_picture, qr_png
from cloud.pages.receipt import has_money, money_sheet, money_stamp, state_word
from cloud.pages.render import HEADERS, go, page, problem
from cloud.pages.sheet import money, sheet_of, shop_time
from cloud.services.aftermath import NOTHING, Aftermath, aftermath_of
from cloud.services.attempts import Attempt
from cloud.services.live import attempt_topic
from cloud.services.orders import Shop, read_order

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ProofSheet:
    """The proof as the paid page shows it: big while the shop is offline and waits for it."""

    qr: QrPicture
    digits: str
    awaited: bool

    @property
    def spoken(self) -> str:
        """The code in two halves, as people read it out."""
        return f"{self.digits[:4]} {self.digits[4:]}"


PhoneDep = Annotated[Phone, Depends(phone_of)]
Csrf = Annotated[str, Form()]

log = logging.getLogger(__name__)

_REFUSALS = {
    Code.TOKEN_INVALID: 400,
    Code.TOKEN_FOREIGN: 403,
    Code.PAYMENT_UNKNOWN: 404,
    Code.PAYMENT_ALREADY_OPEN: 409,
    Code.PRICES_OLD: 409,
    Code.ORDER_PAID: 410,
    Code.TOKEN_EXPIRED: 410,
}


@router.get("/o/{token}")
def show(request: Request, token: str, phone: PhoneDep, desk: DeskDep) -> Response:
    """Show the order as this phone may see it; the till hears that somebody looks. An order that travels
    in its token is written down when the first phone opens it."""

    def draw(key: AttemptKey) -> Response:
        attempt = desk.payments.current(key)
        if attempt.payment.is_open:
            attempt = desk.payments.look(key)
        holder = desk.orders.holder(key)
        face = face_of(attempt, holder, phone.hash)
        if face in STATUS:
            return problem(request, phone, face.value, STATUS[face])
        shown = _order_page(request, phone, desk, attempt, face)
        if holder == phone.hash:
            remember(shown, request, SHOPS_COOKIE, phone.been_at(key.tenant, key.store), PHONE_S)
        return shown

    return _guarded(request, phone, desk, token, draw, _opened)


@router.post("/o/{token}/take")
def take(request: Request, token: str, phone: PhoneDep, desk: DeskDep, csrf: Csrf = "") -> Response:
    """Put the whole order into this phone's cart."""

    def bind(key: AttemptKey) -> Response:
        try:
            desk.orders.take(key, phone.hash)
        except RuleBroken as refusal:
            if refusal.code not in (Code.ORDER_TAKEN, Code.ORDER_CLOSED):
                raise
        return go(f"/o/{token}")  # which shows what came of it

    if not phone.sent(csrf):
        return problem(request, phone, "csrf", 403, back=f"/o/{quote(token)}")
    if not can_pay(request, desk):
        return elsewhere(request, phone, quote(token))
    return _guarded(request, phone, desk, token, bind)


@router.post("/o/{token}/pay")
def pay(request: Request, token: str, phone: PhoneDep, desk: DeskDep, csrf: Csrf = "") -> Response:
    """Send the phone that holds the order to its wallet; however often, it is one payment."""
    if not phone.sent(csrf):
        return problem(request, phone, "csrf", 403, back=f"/o/{quote(token)}")
    return _leading(request, phone, desk, token, lambda key: lead(request, phone, desk, token, key))


@router.get("/o/{token}/payer")
def payer(
    request: Request, token: str, phone: PhoneDep, desk: DeskDep, code: str = "", state: str = ""
) -> Response:
    """Go on with the phone that comes back from its wallet, which has told who pays."""
    return _leading(
        request,
        phone,
        desk,
        token,
        lambda key: lead_payer(request, phone, desk, token, key, code[:200], state[:100]),
    )


@router.get("/o/{token}/code")
def code(request: Request, token: str, phone: PhoneDep, desk: DeskDep) -> Response:
    """Show the code an order is paid by where no wallet can be opened: to keep, or for another phone."""

    def draw(key: AttemptKey) -> Response:
        if not shown_code(desk, key):
            return go(f"/o/{token}")
        attempt = desk.payments.find(key)
        return _order_page(request, phone, desk, attempt, Face.WAITING, "code.html")

    return _leading(request, phone, desk, token, draw)


@router.get("/o/{token}/code.png")
def code_picture(request: Request, token: str, phone: PhoneDep, desk: DeskDep) -> Response:
    """Return that code as a picture."""

    def draw(key: AttemptKey) -> Response:
        text = shown_code(desk, key)
        if not text:
            return go(f"/o/{token}")
        return Response(qr_png(text), media_type="image/png", headers=HEADERS)

    return _leading(request, phone, desk, token, draw)


@router.get("/o/{token}/state")
def state(token: str, phone: PhoneDep, desk: DeskDep) -> Response:
    """Tell the page's script which face the order has now; the script reloads when it is another."""
    try:
        attempt = desk.payments.current(desk.orders.behind(token))
    except RuleBroken as refusal:
        log.warning("a code was refused: %s", refusal.code.value)
        return JSONResponse({"face": refusal.code.value}, _REFUSALS[refusal.code], HEADERS)
    face = face_of(attempt, desk.orders.holder(attempt.key), phone.hash)
    after = _aftermath(desk, attempt) if face is Face.RECEIPT else NOTHING
    return JSONResponse({"face": _stamp(face, attempt, after)}, headers=HEADERS)


@router.get("/o/{token}/events")
async def events(token: str, desk: DeskDep) -> Response:
    """Server-sent hints that the order has changed; the script then asks for the state."""
    try:
        key = await run_in_threadpool(desk.orders.behind, token)
    except RuleBroken as refusal:
        return JSONResponse({"face": refusal.code.value}, _REFUSALS[refusal.code], HEADERS)
    news = stream(desk.newsroom, attempt_topic(key.attempt_id))
    return StreamingResponse(news, media_type=EVENT_STREAM, headers={**HEADERS, **STREAM_HEADERS})


@router.get("/cart")
def cart(request: Request, phone: PhoneDep, desk: DeskDep) -> Response:
    """List what this phone has taken over."""
    taken = desk.orders.cart(phone.hash, phone.shops)
    kept = [desk.payments.current(key) for key in taken]
    rows = [
        (
            attempt,
            sheet_of(attempt, read_order(attempt.order_bytes), _shop(desk, attempt), phone.words),
            state_word(attempt, _aftermath(desk, attempt)),
        )
        for attempt in kept
    ]
    return page(request, phone, "cart.html", rows=rows)


def _behind(desk: Desk, token: str) -> AttemptKey:
    return desk.orders.behind(token)


def _opened(desk: Desk, token: str) -> AttemptKey:
    """Return the attempt behind a token; one whose till could not reach us begins here."""
    try:
        return desk.orders.behind(token)
    except RuleBroken as refusal:
        if refusal.code is not Code.PAYMENT_UNKNOWN or not is_portable(token):
            raise
    return desk.payments.register(desk.orders.admit_portable(token)).key


def _guarded(
    request: Request,
    phone: Phone,
    desk: Desk,
    token: str,
    work: Callable[[AttemptKey], Response],
    find: Callable[[Desk, str], AttemptKey] = _behind,
) -> Response:
    """Run `work` on the attempt behind a genuine token, or show why there is none."""
    try:
        return work(find(desk, token))
    except RuleBroken as refusal:
        if refusal.code not in _REFUSALS:
            raise
        log.warning("a code was refused: %s", refusal.code.value)
        return problem(request, phone, refusal.code.value, _REFUSALS[refusal.code])


def _leading(
    request: Request, phone: Phone, desk: Desk, token: str, work: Callable[[AttemptKey], Response]
) -> Response:
    """Run `work`, which leads to a wallet, for the phone that holds the order and for no other."""

    def begin(key: AttemptKey) -> Response:
        holder = desk.orders.holder(key)
        if holder and holder != phone.hash:
            return problem(request, phone, Face.TAKEN.value, STATUS[Face.TAKEN])
        if not holder:
            return go(f"/o/{token}")
        try:
            return work(key)
        except RuleBroken as refusal:
            if refusal.code is not Code.ORDER_CLOSED:
                raise
            return go(f"/o/{token}")
        except Trouble:
            return problem(request, phone, "wallet_silent", 503, back=f"/o/{token}")

    return _guarded(request, phone, desk, token, begin)


def _order_page(
    request: Request, phone: Phone, desk: Desk, attempt: Attempt, face: Face, template: str = ""
) -> Response:
    order = read_order(attempt.order_bytes)
    shop = _shop(desk, attempt)
    after = _aftermath(desk, attempt) if face is Face.RECEIPT else NOTHING
    money_side = money_sheet(attempt, after) if face is Face.RECEIPT else None
    proves = money_side is not None and not money_side.kind.pays_nothing
    form = "%Y-%m-%d %H:%M:%S"
    return page(
        request,
        phone,
        template or ("receipt.html" if face is Face.RECEIPT else "order.html"),
        sheet=sheet_of(attempt, order, shop, phone.words),
        face=face.value,
        stamp=_stamp(face, attempt, after),
        token=attempt.token,
        attempt=attempt,
        left_ms=max(attempt.expires_ms - desk.payments.now_ms(), 0),
        until=shop_time(attempt.expires_ms, "%H:%M"),
        paid_at=shop_time(attempt.paid_ms, form) if attempt.paid_ms else "",
        came=money(attempt.received, attempt.currency),
        missing=money(attempt.amount - attempt.received, attempt.currency),
        money=money_side,
        proof=_proof(desk, attempt) if proves else None,
    )


def _proof(desk: Desk, attempt: Attempt) -> ProofSheet | None:
    shown = desk.proofs.of(attempt)
    if shown is None:
        return None
    return ProofSheet(qr_picture(shown.text), shown.spoken, shown.awaited)


def _aftermath(desk: Desk, attempt: Attempt) -> Aftermath:
    """Return what became of the money; of an order nobody paid there is nothing to ask."""
    if not has_money(attempt):
        return NOTHING
    return desk.db.read(lambda conn: aftermath_of(conn, attempt))


def _stamp(face: Face, attempt: Attempt, after: Aftermath) -> str:
    """What a page compares to know whether it is out of date: the face and what became of the money."""
    stamp = f"{face.value}:{attempt.payment.state.value}:{attempt.received}"
    return f"{stamp}:{money_stamp(attempt, after)}" if face is Face.RECEIPT else stamp


def _shop(desk: Desk, attempt: Attempt) -> Shop:
    return desk.orders.shop(attempt.tenant, attempt.store)
