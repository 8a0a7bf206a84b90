"""The code a customer's wallet shows to be scanned (付款码), known by how it begins *and* how long it is.

Ranges: Alipay's and WeChat Pay's documentation of their bar-code payments, UnionPay's of its QR number,
and EMVCo's consumer-presented mode 1.1 (5.1.1.1), whose data object "CPV01" begins every such code.
"""

from __future__ import annotations

import re
from enum import StrEnum


class PaymentCode(StrEnum):
    """Whose code it is."""

    ALIPAY = "alipay"
    WECHAT = "wechat"
    UNIONPAY = "unionpay"
    EMV_CPM = "emv_cpm"
    UNKNOWN = "unknown"


_SHAPES = (
    (PaymentCode.ALIPAY, re.compile(r"(?:2[5-9]|30)[0-9]{14,22}")),
    (PaymentCode.WECHAT, re.compile(r"1[0-5][0-9]{16}")),
    (PaymentCode.UNIONPAY, re.compile(r"62[0-9]{17}")),
    (PaymentCode.EMV_CPM, re.compile(r"hQVDUFY[A-Za-z0-9+/]{1,500}={0,2}")),
)


def payment_code(text: str) -> PaymentCode:
    """Return whose payment code a text is; anything that is not wholly one is UNKNOWN."""
    for code, shape in _SHAPES:
        if shape.fullmatch(text):
            return code
    return PaymentCode.UNKNOWN
