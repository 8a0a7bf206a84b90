"""The sandbox provider's wallet pages: a code to be scanned, pay, decline, and every fault a real provider
may bring.

It belongs to the make-believe provider, so it knows its orders alone and neither carts nor tills.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from app.errors import RuleBroken
from cloud.desk import DeskDep
from cloud.gateways.sandbox_codes import new_code
from cloud.pages.phone import Phone, phone_of
from cloud.pages.qr import qr_picture
from cloud.pages.render import go, page, problem
from cloud.pages.sheet import money

router = APIRouter(include_in_schema=False)

PhoneDep = Annotated[Phone, Depends(phone_of)]


ENDINGS = {"pays": "0", "declines": "1", "password": "2", "loses": "3", "silent": "4"}
"""What a code may be shown for, and the digit that makes the sandbox do so."""


@router.get("/wallet")
def customers_code(
    request: Request,
    phone: PhoneDep,
    desk: DeskDep,
    code: Annotated[str, Query(pattern=r"^28[0-9]{16}$")] = "",
) -> Response:
    """Show a code for the guide to scan; once it was scanned, go on to the payment it is for."""
    if desk.sandbox.name in desk.gateways.spare:
        return problem(request, phone, "payment_unknown", 404)
    if not code:
        return go(f"/wallet?code={new_code(ENDINGS['pays'])}")
    if payment_id := desk.sandbox.codes.used_for(code):
        return go(f"/wallet/{payment_id}")
    kinds = {kind: f"/wallet?code={new_code(ending)}" for kind, ending in ENDINGS.items()}
    shown = next((kind for kind, ending in ENDINGS.items() if code.endswith(ending)), "pays")
    grouped = " ".join(code[at : at + 4] for at in range(0, len(code), 4))
    return page(
        request, phone, "code_of_wallet.html",
        qr=qr_picture(code), number=grouped, kinds=kinds, shown=shown,
    )  # fmt: skip


@router.get("/wallet/{payment_id}")
def wallet(request: Request, payment_id: str, phone: PhoneDep, desk: DeskDep) -> Response:
    """Show what is to be paid and what can be done about it in the order's present state."""
    try:
        order = desk.sandbox.order(payment_id)
    except RuleBroken as refusal:
        return problem(request, phone, refusal.code.value, 404)
    amount = money(order.amount, order.currency)
    return page(request, phone, "wallet.html", order=order, amount=amount)


@router.post("/wallet/{payment_id}/{deed}")
def act(
    request: Request,
    payment_id: str,
    deed: str,
    phone: PhoneDep,
    desk: DeskDep,
    csrf: Annotated[str, Form()] = "",
) -> Response:
    """Do what the payer chose and send them back to the shop."""
    deeds = {
        "approve": desk.sandbox.approve,
        "decline": desk.sandbox.decline,
        "stall": desk.sandbox.stall,
        "resume": desk.sandbox.resume,
        "late": desk.sandbox.pay_late,
        "twice": desk.sandbox.pay_twice,
    }
    if not phone.sent(csrf):
        return problem(request, phone, "csrf", 403, back=f"/wallet/{payment_id}")
    try:
        order = desk.sandbox.order(payment_id)
        deeds[deed](payment_id)
        after = desk.sandbox.order(payment_id)
    except (RuleBroken, KeyError):
        return problem(request, phone, "payment_unknown", 404)
    refused = deed == "approve" and after.standing is not after.standing.PAID
    return go(f"/wallet/{payment_id}" if refused else order.back)
