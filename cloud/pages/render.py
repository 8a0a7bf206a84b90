"""Turns a template into an answer with every header a page about money needs. No scripts inline, no
framing, no referrer, nothing kept in a cache."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from cloud.pages.phone import PHONE_COOKIE, PHONE_S, Phone, remember

_HERE = Path(__file__).parent
STATIC = _HERE / "static"

POLICY = "; ".join(
    (
        "default-src 'none'",
        "img-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "script-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cache-Control": "no-store",
}


@cache
def asset(name: str) -> str:
    """Return the address of a static file; it changes with the file, so phones may keep it for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/page/{digest}/{name}"


_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals["asset"] = asset


def page(
    request: Request, phone: Phone, template: str, *, status: int = 200, **facts: object
) -> Response:
    """Return a rendered page; a phone without our cookie is given one."""
    text = _templates.get_template(template).render(
        w=phone.words, csrf=phone.csrf, here=request.url.path, status=status, **facts
    )
    response = HTMLResponse(text, status, headers=HEADERS)
    if phone.fresh:
        remember(response, request, PHONE_COOKIE, phone.secret, PHONE_S)
    return response


def problem(request: Request, phone: Phone, code: str, status: int, back: str = "") -> Response:
    """Return a page that says clearly what is the matter and offers no way to pay.

    `code` names sentences under `closed.`; `back`, if given, is where the page leads back to.
    """
    return page(request, phone, "closed.html", status=status, code=code, back=back)


def go(target: str) -> Response:
    """Send the phone on with a fresh GET, so that neither reload nor back button repeats a form."""
    return RedirectResponse(target, 303, headers=HEADERS)
