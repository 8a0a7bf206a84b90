"""Which phone is this: a random cookie that only its hash of is kept, and the form token made from it.

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
PHONE_S = 7 * 24 * 3600
LANGUAGE_S = 365 * 24 * 3600
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Phone:
    """One browser on one phone. `fresh`: it has not sent the cookie yet."""

    secret: str
    fresh: bool
    words: Words

    @property
    def hash(self) -> str:
        """What the cloud keeps of the cookie."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    @property
    def csrf(self) -> str:
        """The token every form carries."""
        return b64(hmac.digest(self.secret.encode(), b"guidepos-form", hashlib.sha256))

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
        return Phone(secret, False, spoken)
    return Phone(b64(secrets.token_bytes(32)), True, spoken)


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
