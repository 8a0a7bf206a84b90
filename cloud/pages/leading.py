"""Leads a phone that pays to the wallet it is in. One QR for all: the page's browser says which wallet.

The browser's name is for routing only and proves nothing; whatever the wallet then says in the browser is
not believed either, the page is drawn from the state.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

from fastapi import Request, Response

from cloud.desk import Desk
from cloud.gateways.base import AttemptKey, Gateway, KnowsPayer, Offer, Started, Wallet
from cloud.pages.phone import Phone
from cloud.pages.render import go, page, problem

_MARKS = (
    ("MicroMessenger", Wallet.WECHAT),
    ("AlipayClient", Wallet.ALIPAY),
    ("UnionPay/", Wallet.UNIONPAY),
)
"""What a wallet's browser has in its name (PAYMENTS-OPERATIONS.md, 1)."""


def wallet_of(user_agent: str) -> Wallet:
    """Return whose browser a name belongs to, ANY for a plain one."""
    return next((wallet for mark, wallet in _MARKS if mark in user_agent), Wallet.ANY)


def lead(request: Request, phone: Phone, desk: Desk, token: str, key: AttemptKey) -> Response:
    """Send a phone to its wallet; where the wallet wants to know the payer, ask for that first.

    Raises RuleBroken(ORDER_CLOSED), and Trouble when the provider does not answer.
    """
    gateway = _gateway(request, desk)
    if gateway is None:
        return elsewhere(request, phone, token)
    if Offer.PAGE in gateway.offers and isinstance(gateway, KnowsPayer):
        base = desk.public_url or str(request.base_url).rstrip("/")
        back = f"{base}/o/{token}/payer"
        return _leave(request, phone, token, gateway.payer_url(back, _state(phone)))
    started = desk.payments.start(key, desk.charge, gateway.name)
    return _open(request, phone, token, started)


def lead_payer(
    request: Request, phone: Phone, desk: Desk, token: str, key: AttemptKey, code: str, state: str
) -> Response:
    """Go on with a phone that comes back from its wallet with a code for who it is.

    Raises what `lead` does. A code that is not for this phone leads back to the order.
    """
    gateway = _gateway(request, desk)
    genuine = hmac.compare_digest(state.encode(), _state(phone).encode())
    if gateway is None or not (genuine and code and isinstance(gateway, KnowsPayer)):
        return go(f"/o/{token}")
    payer = gateway.payer(code)
    started = desk.payments.start(
        key, lambda each: replace(desk.charge(each), payer=payer), gateway.name
    )
    return _open(request, phone, token, started)


def can_pay(request: Request, desk: Desk) -> bool:
    """Tell whether this browser leads to a wallet at all: one that does not must not take an order over,
    or the browser that does would find it taken."""
    return _gateway(request, desk) is not None


def elsewhere(request: Request, phone: Phone, token: str) -> Response:
    """Return the page that says in which apps the order can be paid."""
    return problem(request, phone, "wallet_elsewhere", 409, back=f"/o/{token}")


def shown_code(desk: Desk, key: AttemptKey) -> str:
    """Return the code an order is paid by where there is no address to open, "" where there is one.

    Raises what `lead` does.
    """
    attempt = desk.payments.find(key)
    if not attempt.provider:
        return ""
    text = desk.payments.start(key, desk.charge, attempt.provider).url
    return "" if _is_address(text) else text


def _gateway(request: Request, desk: Desk) -> Gateway | None:
    """Return what a browser is led to; where no wallet's address opens, a code that any app reads."""
    found = desk.gateways.inside(wallet_of(request.headers.get("user-agent", "")))
    return found or desk.gateways.coded()


def _is_address(text: str) -> bool:
    """Tell whether a browser can open it: an EMVCo code is digits and names, not an address."""
    return text.startswith("/") or "://" in text


def _open(request: Request, phone: Phone, token: str, started: Started) -> Response:
    if started.call:
        return page(request, phone, "bridge.html", token=token, call=dict(started.call))
    if not _is_address(started.url):
        return go(f"/o/{token}/code")
    if started.url.startswith("/"):
        return go(started.url)
    return _leave(request, phone, token, started.url)


def _leave(request: Request, phone: Phone, token: str, address: str) -> Response:
    """Show a page that goes on by itself. A redirect of the form would be held back by our own policy,
    which lets forms lead nowhere but to us."""
    return page(request, phone, "leave.html", token=token, address=address)


def _state(phone: Phone) -> str:
    """Return what must come back with a code: letters and digits that only this phone's page has."""
    return hashlib.sha256(f"payer {phone.csrf}".encode()).hexdigest()
