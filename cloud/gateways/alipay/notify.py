"""Alipay's notifications: a form whose sorted fields are signed. Knows no order and no amount of ours."""

from __future__ import annotations

from urllib.parse import parse_qsl

from cloud.gateways.alipay import outcomes
from cloud.gateways.alipay.account import AlipayAccount
from cloud.gateways.alipay.text import notify_text
from cloud.gateways.base import Notice, NoticeRefused, Reply
from cloud.gateways.numbers import attempt_of
from cloud.gateways.signing import rsa

TAKEN = Reply(200, b"success")
"""Exactly these seven letters; anything else brings the notification again, eight times within a day."""
AGAIN = Reply(200, b"failure")


def read(account: AlipayAccount, body: bytes) -> Notice:
    """Return what a genuine notification says. Raises NoticeRefused.

    What is signed but about another app, another seller or no order of ours is taken and left alone, or
    it would come again for nothing.
    """
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)
    except ValueError as error:
        raise NoticeRefused("not a form", AGAIN) from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise NoticeRefused("a field stands twice", AGAIN)
    if fields.get("sign_type") != "RSA2":
        raise NoticeRefused("another kind of signature", AGAIN)
    sn = fields.get("alipay_cert_sn", "") if account.app_cert_sn else ""
    key = account.keys.get(sn)
    if key is None:
        raise NoticeRefused("its certificate is not known here", AGAIN)
    try:
        rsa.verify(key, notify_text(fields).encode(), fields.get("sign", ""))
    except rsa.SignatureWrong as error:
        raise NoticeRefused(f"signature {error}", AGAIN) from error

    ours = fields.get("app_id") == account.app_id
    ours = ours and account.seller_id in ("", fields.get("seller_id", ""))
    attempt = attempt_of(fields.get("out_trade_no", ""), fields.get("passback_params", ""))
    if not ours or attempt is None:
        return Notice(None, None, TAKEN)
    try:
        return Notice(attempt, outcomes.standing(fields), TAKEN)
    except ValueError as error:
        raise NoticeRefused(str(error), AGAIN) from error
