"""One HTTP exchange with a provider. A gateway is handed a `Line`, so that tests can lose answers at will.

Nothing is repeated here: whether asking again is safe is for the gateway and its callers to know.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from requests import PreparedRequest

CONNECT_S, READ_S = 4, 12
"""Seconds to connect, and between two pieces of an answer."""
WHOLE_S, LEAST_RATE = 20, 32 * 1024
"""Seconds for a small answer as a whole, and bytes a second for a large one: what drips is no answer."""
MOST_BYTES = 64 * 1024 * 1024
"""The largest answer taken: a busy day's bill."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request as it goes out."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Got:
    """An answer as it came in; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class LineBroken(Exception):  # noqa: N818 - says what happened, like the house's own
    """No answer came. Whether the request arrived nobody knows."""


class Line(Protocol):
    """Sends a request and returns its answer. Raises LineBroken."""

    def __call__(self, ask: Ask) -> Got: ...


def open_line() -> Line:
    """Return a line over the network, with the connections it keeps. No redirects, no cookies."""
    import requests  # loaded only where a provider is connected
    from urllib3.exceptions import HTTPError

    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.auth = _as_it_is

    def exchange(ask: Ask) -> Got:
        begun = time.monotonic()
        try:
            with session.request(
                ask.method,
                ask.url,
                headers=dict(ask.headers),
                data=ask.body or None,
                timeout=(CONNECT_S, READ_S),
                allow_redirects=False,
                stream=True,
            ) as answer:
                pieces, size = [], 0
                while piece := answer.raw.read1(256 * 1024, decode_content=True):
                    pieces.append(piece)
                    size += len(piece)
                    taken_s = time.monotonic() - begun
                    if size > MOST_BYTES or taken_s > WHOLE_S + size / LEAST_RATE:
                        raise LineBroken("the answer does not end")
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Got(answer.status_code, headers, b"".join(pieces))
        except (requests.RequestException, HTTPError) as error:
            # Only the kind of error: its text may hold the address with what was asked.
            raise LineBroken(type(error).__name__) from error

    return exchange


def _as_it_is(request: PreparedRequest) -> PreparedRequest:
    """Leave a request alone: without this a .netrc on the machine would replace our Authorization."""
    return request
