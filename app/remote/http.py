"""One question to the cloud and its answer, believed only with proof. Knows no store and no thread.

A shop's Wi-Fi may answer in the cloud's place (a portal's page, a proxy's 403). Nothing of such an
answer is used: without the cloud's signature over our nonce it is as if there were no network.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
import requests
import zstandard
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ProtocolError
from urllib3.exceptions import TimeoutError as TimeoutError_

from app.domain.ids import new_epoch
from app.errors import Code, Trouble
from app.remote.refusal import refusal
from app.wire.messages import UNREADABLE, Message
from app.wire.tokens import (
    DIGEST_HEADER,
    NONCE_HEADER,
    PROOF_HEADER,
    content_digest,
    is_our_answer,
)

CONNECT_S, READ_S = 3.05, 10.0
WHOLE_ANSWER_S = 60.0
"""An answer that drips in for longer is given up; each single byte in time is not enough."""
MOST_ANSWER_BYTES = 16_000_000
JSON = "application/json"
EVENTS = "text/event-stream"
LOOPBACK = {"127.0.0.1", "::1", "localhost"}

Keys = Callable[[], Mapping[str, bytes]]
"""Returns the pinned signing keys of the cloud, key id → raw Ed25519 public key."""

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Question:
    """A request. `compress` sends the body as zstd."""

    method: str
    path: str
    body: Message | None = None
    params: Mapping[str, str | int] | None = None
    compress: bool = False


@dataclass(frozen=True, slots=True)
class Proven:
    """An answer that is the cloud's own, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def read(self, shape: type[M]) -> M:
        """Return the message it holds.

        Raises what `refusal` makes of a status of 400 or more (Trouble or RuleBroken), and
        Trouble(CLOUD_MESSAGE_INVALID) for a message of another shape.
        """
        if self.status >= requests.codes.bad_request:
            raise refusal(self.status, self.headers, self.body)
        try:
            return msgspec.json.decode(self.body, type=shape)
        except UNREADABLE as error:
            raise Trouble(Code.CLOUD_MESSAGE_INVALID, detail=str(error)) from error


class CloudHttp:
    """Speaks to one cloud. May be used from several threads; each has its own connections.

    `keys` is asked at every answer, so newly pinned keys count at once. Raises
    Trouble(CLOUD_NOT_SAFE) for an address outside this machine that is not https: codes and tokens
    would travel in the open.
    """

    def __init__(self, base_url: str, keys: Keys) -> None:
        self.base_url = base_url.rstrip("/")
        self._keys = keys
        address = urlsplit(self.base_url)
        self._direct = address.hostname in LOOPBACK
        if address.scheme != "https" and not (address.scheme == "http" and self._direct):
            raise Trouble(Code.CLOUD_NOT_SAFE)
        self._local = threading.local()

    def ask(self, question: Question, *, bearer: str = "") -> Proven:
        """Send one request and return the cloud's proven answer, a refusal included.

        Raises Trouble, all retryable: CLOUD_UNREACHABLE (`timeout` true if it was too slow),
        CLOUD_NOT_OURS for an answer without proof or a certificate nobody vouches for, CLOCK_WRONG for
        a certificate that by this machine's clock is not valid yet or no more.
        """
        nonce = new_epoch()
        headers = {NONCE_HEADER: nonce, "Accept": JSON, "Content-Type": JSON}
        data = None if question.body is None else msgspec.json.encode(question.body)
        if data is not None and question.compress:
            data = zstandard.compress(data, 3)
            headers["Content-Encoding"] = "zstd"
        if data is not None:
            headers[DIGEST_HEADER] = content_digest(data)
        with outside_failures(), self._send(question, data, headers, bearer) as response:
            content = _whole(response)
        proof = response.headers.get(PROOF_HEADER, "")
        status = response.status_code
        ours = is_our_answer(proof, dict(self.vouchers(content)), nonce, status, content)
        if content_type(response) != JSON or not ours:
            raise not_ours(status)
        return Proven(status, response.headers, content)

    def vouchers(self, content: bytes) -> Mapping[str, bytes]:
        """Return the keys that may vouch for an answer with this content: the pinned ones."""
        return self._keys()

    def stream(self, path: str, *, bearer: str, silence_s: float) -> requests.Response:
        """Open a stream of events; the caller reads and closes it. Hints need no proof.

        `silence_s` without a byte ends it. Raises Trouble.
        """
        headers = {NONCE_HEADER: new_epoch(), "Accept": EVENTS}
        with outside_failures():
            return self.session().get(
                self.base_url + path,
                headers=headers,
                auth=_Bearer(bearer),
                timeout=(CONNECT_S, silence_s),
                allow_redirects=False,
                stream=True,
            )

    def session(self) -> requests.Session:
        """Return the calling thread's session."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            # A proxy set for the outside world must not stand between a till and its own machine.
            session.trust_env = not self._direct
            session.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=2))
            session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=2))
            self._local.session = session
        return session

    def _send(
        self, question: Question, data: bytes | None, headers: Mapping[str, str], bearer: str
    ) -> requests.Response:
        """Send; once more if a kept connection turns out to be closed. Every request of ours may be
        repeated: records, attempts and changes carry their own ids."""
        try:
            return self._request(question, data, headers, bearer)
        except requests.ConnectionError as error:
            if not (error.args and isinstance(error.args[0], ProtocolError)):
                raise
            return self._request(question, data, headers, bearer)

    def _request(
        self, question: Question, data: bytes | None, headers: Mapping[str, str], bearer: str
    ) -> requests.Response:
        return self.session().request(
            question.method,
            self.base_url + question.path,
            params=question.params,
            data=data,
            headers=headers,
            auth=_Bearer(bearer),
            timeout=(CONNECT_S, READ_S),
            allow_redirects=False,
            stream=True,
        )


class _Bearer(requests.auth.AuthBase):
    """Sets our token, or nothing; without it requests would send what a .netrc file says."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def content_type(response: requests.Response) -> str:
    """Return the media type without its parameters."""
    return response.headers.get("Content-Type", "").split(";")[0].strip()


def not_ours(status: int) -> Trouble:
    """Return the trouble of an answer that somebody else gave."""
    return Trouble(Code.CLOUD_NOT_OURS, retryable=True, status=status)


@contextmanager
def outside_failures() -> Iterator[None]:
    """Turn what requests and urllib3 raise into Trouble."""
    try:
        yield
    except requests.exceptions.SSLError as error:
        # A portal's certificate, a missing authority: nobody we know. A certificate out of its dates may
        # be an old one, but far more often it is the tablet's clock.
        code = Code.CLOCK_WRONG if _is_out_of_its_dates(error) else Code.CLOUD_NOT_OURS
        raise Trouble(code, retryable=True, tls=True) from error
    except (requests.RequestException, HTTPError) as error:
        if _was_too_slow(error):
            raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True, timeout=True) from error
        detail = type(error).__name__
        raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True, detail=detail) from error


_NOT_YET_VALID, _EXPIRED = 9, 10
"""X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED of OpenSSL."""


def _is_out_of_its_dates(error: BaseException | None) -> bool:
    """Tell whether a certificate was refused for its dates alone, however deep that is wrapped."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error.verify_code in (_NOT_YET_VALID, _EXPIRED)
        error = error.__cause__ or error.__context__
    return False


def _was_too_slow(error: Exception) -> bool:
    """Tell a time-out from a broken line. One inside a body comes wrapped as a broken line."""
    inner = error.args[0] if error.args else None
    return isinstance(error, requests.Timeout | TimeoutError_) or isinstance(inner, TimeoutError_)


def _whole(response: requests.Response) -> bytes:
    """Read a body within its limits of size and time."""
    chunks: list[bytes] = []
    size, end = 0, time.monotonic() + WHOLE_ANSWER_S
    for chunk in response.iter_content(65_536):
        size += len(chunk)
        if size > MOST_ANSWER_BYTES:
            raise Trouble(Code.CLOUD_MESSAGE_INVALID, detail="answer too large")
        if time.monotonic() > end:
            raise requests.ReadTimeout("the answer drips in")
        chunks.append(chunk)
    return b"".join(chunks)
