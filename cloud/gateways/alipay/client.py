"""Calls a method of Alipay's classic protocol and returns only what Alipay has signed.

Whatever is not a verified answer (a lost line, a broken signature, code 20000) is Trouble: unknown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from app.domain.times import SHOP_ZONE
from cloud.gateways.alipay import content
from cloud.gateways.alipay.account import AlipayAccount
from cloud.gateways.alipay.text import AnswerMalformed, Signed, cut, request_text
from cloud.gateways.base import unresolved
from cloud.gateways.line import Ask, Got, Line, LineBroken
from cloud.gateways.signing import rsa

SUCCESS, AWAITING, FAILED = "10000", "10003", "40004"
_UNKNOWN = frozenset({"20000"})
_SYSTEM_ERRORS = frozenset({"ACQ.SYSTEM_ERROR", "SYSTEM_ERROR", "aop.ACQ.SYSTEM_ERROR"})
"""Business failures that say nothing about the business: as unknown as code 20000."""

_STAMP = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Said:
    """A verified answer. `sub_code` names a business failure, "" on success."""

    code: str
    sub_code: str
    fields: Mapping[str, object] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        """Tell whether the call did what it says; a payment may still wait (10003)."""
        return self.code == SUCCESS

    def text(self, name: str) -> str:
        """Return a field as text, "" if it is absent."""
        value = self.fields.get(name)
        return "" if value is None else str(value)


class AlipayClient:
    """Signs, sends, verifies. The account is asked for at each call, so that keys may change meanwhile."""

    def __init__(
        self, name: str, account: Callable[[], AlipayAccount], line: Line, now_ms: Callable[[], int]
    ) -> None:
        self._name = name
        self.account = account
        self.line = line
        self.now_ms = now_ms

    def call(self, method: str, contents: Mapping[str, object], *, notify: bool = False) -> Said:
        """Call `method` and return what Alipay signed.

        Raises Trouble(PAYMENT_UNRESOLVED): no answer, not Alipay's, or Alipay does not know either.
        """
        account = self.account()
        fields = self._parameters(account, method, contents, notify=notify)
        ask = Ask(
            "POST",
            account.gateway_url,
            {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"},
            urlencode(fields).encode(),
        )
        try:
            got = self.line(ask)
        except LineBroken as error:
            raise self._unknown(method, str(error)) from error
        return self._read(account, method, got)

    def _parameters(
        self, account: AlipayAccount, method: str, contents: Mapping[str, object], *, notify: bool
    ) -> dict[str, str]:
        text = json.dumps(contents, ensure_ascii=False, separators=(",", ":"))
        fields = {
            "app_id": account.app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": china_time(self.now_ms()),
            "version": "1.0",
            "app_cert_sn": account.app_cert_sn,
            "alipay_root_cert_sn": account.root_cert_sn,
            "app_auth_token": account.app_auth_token,
            "notify_url": account.notify_url if notify else "",
            "biz_content": text,
        }
        if account.content_key:
            fields["encrypt_type"] = "AES"
            fields["biz_content"] = content.encrypt(account.content_key, text)
        fields = {name: value for name, value in fields.items() if value}
        return fields | {"sign": rsa.sign(account.key, request_text(fields).encode())}

    def _read(self, account: AlipayAccount, method: str, got: Got) -> Said:
        if got.status != 200:
            raise self._unknown(method, f"HTTP {got.status}")
        try:
            signed = cut(got.body.decode(), method.replace(".", "_") + "_response")
            fields = _open(account, signed)
            code, sub_code = str(fields.get("code", "")), str(fields.get("sub_code", ""))
            self._verify(account, method, signed, f"{code} {sub_code}")
        except (UnicodeDecodeError, AnswerMalformed, content.ContentUnreadable) as error:
            raise self._unknown(method, f"not an answer: {error}") from error
        if not code or code in _UNKNOWN or sub_code in _SYSTEM_ERRORS:
            raise self._unknown(method, f"{code} {sub_code}")
        return Said(code, sub_code, fields)

    def _verify(self, account: AlipayAccount, method: str, signed: Signed, said: str) -> None:
        """An unsigned error (a wrong key of ours, say) is not proven either, but its code is logged."""
        sn = signed.certificate_sn if account.app_cert_sn else ""
        key = account.keys.get(sn)
        if key is None:
            raise self._unknown(method, f"certificate {sn or '-'} is not known here ({said})")
        try:
            rsa.verify(key, signed.content.encode(), signed.sign)
        except rsa.SignatureWrong as error:
            raise self._unknown(method, f"signature {error} ({said})") from error

    def _unknown(self, method: str, detail: str) -> Exception:
        return unresolved(self._name, f"{method}: {detail}")


def _open(account: AlipayAccount, signed: Signed) -> dict[str, object]:
    try:
        fields = json.loads(signed.content)
        if isinstance(fields, str):  # encrypted; the signature covers it with its quotes
            fields = json.loads(content.decrypt(account.content_key, fields))
    except ValueError as error:
        raise AnswerMalformed("no JSON inside") from error
    if not isinstance(fields, dict):
        raise AnswerMalformed("no object inside")
    return fields


def china_time(ms: int) -> str:
    """Write a moment as Alipay does, in China's time whatever the machine's zone."""
    return datetime.fromtimestamp(ms / 1000, SHOP_ZONE).strftime(_STAMP)


def moment(text: str) -> int:
    """Read a moment Alipay wrote, as Unix milliseconds; 0 for anything else."""
    try:
        naive = datetime.strptime(text[:19], _STAMP)  # noqa: DTZ007 - its zone is the next line's
    except ValueError:
        return 0
    return int(naive.replace(tzinfo=SHOP_ZONE).timestamp() * 1000)
