"""Which phone is this: a random cookie that only its hash of is kept, the form token made from it, and
the shops where it took orders over.

The cookie names a phone, never a person. A form's token is an HMAC under the cookie's own secret, so a
page of another site, which cannot read the cookie, cannot make one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from fastapi import Request, Response

from app.wire.tokens import b64
from cloud.pages.words import Words, choose, words

PHONE_COOKIE = "guidepos_phone"
LANGUAGE_COOKIE = "guidepos_language"
SHOPS_COOKIE = "guidepos_shops"
"""tenant.store, joined by colons, the newest first: where to look for this phone's cart. A phone that
lies about it finds nothing, for its orders are asked for by its hash."""
PHONE_S = 7 * 24 * 3600
LANGUAGE_S = 365 * 24 * 3600
MOST_SHOPS = 8
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_SHOP = re.compile(r"[A-Za-z0-9_-]{1,20}\.[A-Za-z0-9_-]{1,20}")


@dataclass(frozen=True, slots=True)
class Phone:
    """One browser on one phone. `fresh`: it has not sent the cookie yet."""

    secret: str
    fresh: bool
    words: Words
    shops: tuple[tuple[str, str], ...] = ()
    """Where it took orders over: (tenant, store), the newest first."""

    @property
    def hash(self) -> str:
        """What the cloud keeps of the cookie."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    @property
    def csrf(self) -> str:
        """The token every form carries."""
        return b64(hmac.digest(self.secret.encode(), b"guidepos-form", hashlib.sha256))

    def been_at(self, tenant: str, store: str) -> str:
        """Return the cookie that says so."""
        here = (tenant, store)
        shops = [here, *(shop for shop in self.shops if shop != here)]
        return ":".join(".".join(shop) for shop in shops[:MOST_SHOPS])

    def sent(self, csrf: str) -> bool:
        """Tell whether a form came from a page of ours that is open on this phone."""
        return not self.fresh and hmac.compare_digest(csrf.encode(), self.csrf.encode())


async def phone_of(request: Request) -> Phone:
    """Return the phone behind a request, new if it shows no cookie of ours."""
    spoken = words(
        choose(request.cookies.get(LANGUAGE_COOKIE, ""), request.headers.get("accept-language", ""))
    )
    secret = request.cookies.get(PHONE_COOKIE, "")
    if _SECRET.fullmatch(secret):
        return Phone(secret, False, spoken, _shops(request.cookies.get(SHOPS_COOKIE, "")))
    return Phone(b64(secrets.token_bytes(32)), True, spoken)


def _shops(cookie: str) -> tuple[tuple[str, str], ...]:
    said = [shop for shop in cookie.split(":")[:MOST_SHOPS] if _SHOP.fullmatch(shop)]
    return tuple((tenant, store) for tenant, _, store in (shop.partition(".") for shop in said))


def remember(response: Response, request: Request, name: str, value: str, seconds: int) -> None:
    """Set a cookie no script and no other site can use."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
