"""The cloud as an enrolled device sees it: every question carries a short-lived access token.

The token is asked for with the device's own key, kept for all threads, and asked for anew exactly
once when the cloud no longer takes it.
"""

from __future__ import annotations

import threading

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.ids import new_epoch
from app.errors import Trouble
from app.ports import Clock
from app.remote.http import EVENTS, CloudHttp, Keys, M, Question, content_type, not_ours
from app.wire.messages import TokenAnswer, TokenRequest
from app.wire.tokens import token_request_message

_UNAUTHORIZED = 401
_EARLY_S = 30.0
"""A token this close to its end is replaced before it is used."""


class EnrolledCloud:
    """Questions of one device to its cloud. May be used from several threads."""

    def __init__(
        self, base_url: str, keys: Keys, *, device: str, device_key: bytes, clock: Clock
    ) -> None:
        self._http = CloudHttp(base_url, keys)
        self._device, self._clock = device, clock
        self._key = Ed25519PrivateKey.from_private_bytes(device_key)
        self._lock = threading.Lock()
        self._token, self._good_until = "", 0.0

    def ask(self, question: Question, shape: type[M]) -> M:
        """Send one request and return the answer. Raises Trouble and RuleBroken; see `Proven.read`."""
        token = self._current()
        answer = self._http.ask(question, bearer=token)
        if answer.status == _UNAUTHORIZED:
            answer = self._http.ask(question, bearer=self._renew(token))
        return answer.read(shape)

    def listen(self, path: str, *, silence_s: float) -> requests.Response:
        """Open a stream of events. Raises Trouble."""
        token = self._current()
        response = self._http.stream(path, bearer=token, silence_s=silence_s)
        if response.status_code == _UNAUTHORIZED:
            # Not proven to be the cloud's word, but a new token can do no harm.
            response.close()
            response = self._http.stream(path, bearer=self._renew(token), silence_s=silence_s)
        if response.status_code != requests.codes.ok or content_type(response) != EVENTS:
            response.close()
            raise not_ours(response.status_code)
        return response

    def _current(self) -> str:
        with self._lock:
            if not self._token or self._clock.monotonic() >= self._good_until:
                self._fetch()
            return self._token

    def _renew(self, refused: str) -> str:
        """Return another token than the refused one; threads that were refused together fetch one."""
        with self._lock:
            if self._token == refused:
                self._fetch()
            return self._token

    def _fetch(self) -> None:
        """Ask for a token. A refusal here is about the device, so it is raised as it is, unless it is
        about our clock: then the cloud's proven answer has set it and we ask once more."""
        self._token = ""
        try:
            self._ask_for_token()
        except Trouble as refused:
            server_ms = refused.facts.get("server_ms")
            if not isinstance(server_ms, int) or not server_ms:
                raise
            self._clock.anchor(server_ms)
            self._ask_for_token()

    def _ask_for_token(self) -> None:
        asked, t_ms, nonce = self._clock.monotonic(), self._clock.now().server_ms, new_epoch()
        request = TokenRequest(
            device=self._device,
            t_ms=t_ms,
            nonce=nonce,
            signature=self._key.sign(token_request_message(self._device, t_ms, nonce)),
        )
        answer = self._http.ask(Question("POST", "/v1/token", request)).read(TokenAnswer)
        self._token = answer.token
        self._good_until = asked + max(0.0, answer.expires_in_s - _EARLY_S)
