"""Calls WeChat Pay and returns only what it has signed, freshly, with a key we believe.

Whatever is not a verified answer is Trouble: unknown. A wrong signature on an answer may be a probe and
says nothing about the payment. Platform certificates are fetched when a serial is new.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.domain.times import SHOP_ZONE
from cloud.gateways.base import unresolved
from cloud.gateways.line import Ask, Got, Line, LineBroken
from cloud.gateways.signing import rsa
from cloud.gateways.wechat import signing
from cloud.gateways.wechat.account import PUBLIC_KEY_MODE, WechatAccount
from cloud.gateways.wechat.signing import Doubt, NotWechat

CERTIFICATES = "/v3/certificates"
_REST_MS = 60_000
"""How long after fetching certificates in vain nobody tries again: forged serials must cost us nothing."""
_SYSTEM_ERRORS = frozenset({"SYSTEM_ERROR", "SYSTEMERROR", "FREQUENCY_LIMITED", "BANKERROR"})
_AGENT = "GuidePOS"


@dataclass(frozen=True, slots=True)
class Said:
    """A verified answer. `code` names a refusal (status 4xx), "" on success."""

    status: int
    code: str
    fields: Mapping[str, object] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        """Tell whether the call did what it says."""
        return self.status < 300

    def text(self, name: str) -> str:
        """Return a field as text, "" if it is absent."""
        value = self.fields.get(name)
        return "" if value is None else str(value)


class WechatClient:
    """Signs, sends, verifies. The account is asked for at each call, so that keys may change meanwhile."""

    def __init__(
        self, name: str, account: Callable[[], WechatAccount], line: Line, now_ms: Callable[[], int]
    ) -> None:
        self._name = name
        self.account = account
        self.line = line
        self.now_ms = now_ms
        self._fetched: dict[str, RSAPublicKey] = {}
        self._rest_until = 0
        self._fetching = threading.Lock()

    def call(
        self,
        method: str,
        path: str,
        contents: Mapping[str, object] | None = None,
        *,
        sealed_with: str = "",
    ) -> Said:
        """Call an endpoint and return what WeChat Pay signed; `sealed_with` names the key that sealed
        fields of `contents`.

        Raises Trouble(PAYMENT_UNRESOLVED): no answer, not WeChat's, or it does not know either.
        """
        got = self.send(method, path, contents, sealed_with=sealed_with)
        try:
            self.check(got.headers, got.body)
        except NotWechat as error:
            raise self.unknown(path, f"HTTP {got.status}, {error.doubt} {_word(got)}") from error
        try:
            fields = json.loads(got.body) if got.body.strip() else {}
        except ValueError as error:
            raise self.unknown(path, "not JSON") from error
        if not isinstance(fields, dict):
            raise self.unknown(path, "no object")
        code = "" if got.status < 300 else str(fields.get("code", ""))
        # 202 and 3xx are documented nowhere as an end; only 200 and 204 are.
        settled = got.status in (200, 204) or (400 <= got.status < 500 and got.status != 429)
        if not settled or code in _SYSTEM_ERRORS:
            raise self.unknown(path, f"HTTP {got.status} {code}")
        return Said(got.status, code, fields)

    def send(
        self,
        method: str,
        path: str,
        contents: Mapping[str, object] | None = None,
        *,
        sealed_with: str = "",
    ) -> Got:
        """Send a signed request and return the answer as it came. Raises Trouble when none came."""
        account = self.account()
        body = "" if contents is None else _json(contents)
        timestamp, nonce = str(self.now_ms() // 1000), secrets.token_hex(16)
        headers = {
            "Accept": "application/json",
            "User-Agent": _AGENT,
            "Authorization": signing.authorization(
                account.merchant, method, path, body, timestamp=timestamp, nonce=nonce
            ),
        }
        if body:
            headers["Content-Type"] = "application/json"
        if serial := sealed_with or account.public_key_id:
            headers["Wechatpay-Serial"] = serial
        try:
            return self.line(Ask(method, account.base_url + path, headers, body.encode()))
        except LineBroken as error:
            raise self.unknown(path, str(error)) from error

    def check(self, headers: Mapping[str, str], body: bytes) -> None:
        """Return if bytes are WeChat Pay's; a new serial is looked up once. Raises NotWechat."""
        try:
            signing.check(headers, body, self._keys(), self.now_ms() // 1000)
        except NotWechat as error:
            if error.doubt is not Doubt.SERIAL_UNKNOWN or not self._fetch(error.serial):
                raise
            signing.check(headers, body, self._keys(), self.now_ms() // 1000)

    def sealing_key(self) -> tuple[str, RSAPublicKey]:
        """Return WeChat's key for sensitive fields, with its serial. Raises Trouble when there is none."""
        account = self.account()
        if not self._keys():
            self._fetch("")
        keys = self._keys()
        serial = account.public_key_id or next(reversed(keys), "")
        if not serial:
            raise self.unknown(CERTIFICATES, "no key of WeChat Pay is known")
        return serial, keys[serial]

    def download(self, address: str) -> bytes:
        """Fetch a file behind a signed request; its answer carries no signature. Raises Trouble."""
        parts = urlsplit(address)
        got = self.send("GET", parts.path + (f"?{parts.query}" if parts.query else ""))
        if got.status != 200:
            raise self.unknown(parts.path, f"HTTP {got.status}")
        return got.body

    def unknown(self, path: str, detail: str) -> Exception:
        """Return the trouble that stands for "unknown"."""
        return unresolved(self._name, f"{path.partition('?')[0]}: {detail}")

    def _keys(self) -> dict[str, RSAPublicKey]:
        return {**self._fetched, **self.account().keys}

    def _fetch(self, serial: str) -> bool:
        """Fetch platform certificates; False if it is not worth it or brings nothing that is believed.

        The list is opened with our APIv3 key, so each certificate in it is WeChat's; the answer around it
        must then hold under one of them or the public key. A merchant who changes to the public key still
        gets notifications under a certificate for a while.
        """
        with self._fetching:
            if serial in self._fetched:
                return True
            if serial.startswith(PUBLIC_KEY_MODE) or self.now_ms() < self._rest_until:
                return False
            self._rest_until = self.now_ms() + _REST_MS
            got = self.send("GET", CERTIFICATES)
            try:
                fetched = _certificates(got.body, self.account().api_key)
                believed = {**fetched, **self.account().keys}
                signing.check(got.headers, got.body, believed, self.now_ms() // 1000)
            except (ValueError, KeyError, TypeError, NotWechat):
                return False
            except (signing.ResourceUnreadable, rsa.KeyUnfit):
                return False
            self._fetched = fetched
            return serial in fetched or not serial


def _certificates(body: bytes, api_key: bytes) -> dict[str, RSAPublicKey]:
    return {
        str(each["serial_no"]): rsa.load_public(
            signing.open_resource(each["encrypt_certificate"], api_key).decode()
        )
        for each in json.loads(body)["data"]
    }


def _json(contents: Mapping[str, object]) -> str:
    return json.dumps(contents, ensure_ascii=False, separators=(",", ":"))


def _word(got: Got) -> str:
    """Return the code an unproven error claims, for the log alone."""
    try:
        code = json.loads(got.body).get("code", "")
    except (ValueError, AttributeError):
        return ""
    return str(code)[:40] if isinstance(code, str) else ""


def rfc3339(ms: int) -> str:
    """Write a moment as WeChat Pay does, with China's offset."""
    return datetime.fromtimestamp(ms // 1000, SHOP_ZONE).isoformat(timespec="seconds")


def moment(text: str) -> int:
    """Read a moment WeChat Pay wrote, as Unix milliseconds; 0 for anything else."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return 0
    return int(at.timestamp() * 1000) if at.tzinfo else 0
