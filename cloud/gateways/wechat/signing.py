"""WeChat Pay's signatures in both directions, its encrypted notifications and the page's payment call.

Pure: time, nonce and keys are handed in. Sources: wechatpay-go (credentials, verifiers, notify) and the
published rules of the interface, version 3.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cloud.gateways.signing import rsa

SCHEME = "WECHATPAY2-SHA256-RSA2048"
MOST_SKEW_S = 300
"""An answer or notification whose time is five minutes or more from ours is refused as stale."""
PROBE = "WECHATPAY/SIGNTEST/"
"""How a signature begins that is wrong on purpose, to see whether we look."""

TIMESTAMP, NONCE = "wechatpay-timestamp", "wechatpay-nonce"
SIGNATURE, SERIAL = "wechatpay-signature", "wechatpay-serial"


class Doubt(StrEnum):
    """Why bytes are not believed to come from WeChat Pay."""

    HEADER_MISSING = "header_missing"
    STALE = "stale"
    SERIAL_UNKNOWN = "serial_unknown"
    PROBE = "probe"
    SIGNATURE_WRONG = "signature_wrong"


class NotWechat(Exception):  # noqa: N818 - says what happened, like the house's own
    """These bytes are not proven to come from WeChat Pay."""

    def __init__(self, doubt: Doubt, serial: str = "") -> None:
        super().__init__(doubt.value)
        self.doubt = doubt
        self.serial = serial


class ResourceUnreadable(Exception):  # noqa: N818 - says what happened, like the house's own
    """A notification's contents do not open with the APIv3 key."""


@dataclass(frozen=True, slots=True)
class Merchant:
    """Who signs: the merchant's number, the serial of its certificate and the private key."""

    mchid: str
    serial: str
    key: RSAPrivateKey


def request_text(method: str, path: str, timestamp: str, nonce: str, body: str) -> str:
    """Return what is signed of a request; `path` with its query, encoded exactly as it is sent."""
    return f"{method}\n{path}\n{timestamp}\n{nonce}\n{body}\n"


def authorization(
    merchant: Merchant, method: str, path: str, body: str, *, timestamp: str, nonce: str
) -> str:
    """Return the Authorization header of a request."""
    signature = rsa.sign(merchant.key, request_text(method, path, timestamp, nonce, body).encode())
    return authorization_text(merchant.mchid, merchant.serial, timestamp, nonce, signature)


def authorization_text(
    mchid: str, serial: str, timestamp: str, nonce: str, signature: str, scheme: str = SCHEME
) -> str:
    """Write the header's attributes; their order is free."""
    return (
        f'{scheme} mchid="{mchid}",nonce_str="{nonce}",timestamp="{timestamp}",'
        f'serial_no="{serial}",signature="{signature}"'
    )


def answer_text(timestamp: str, nonce: str, body: bytes) -> bytes:
    """Return what WeChat Pay signs of an answer or a notification: over the raw bytes of the body."""
    return b"%b\n%b\n%b\n" % (timestamp.encode(), nonce.encode(), body)


def check(
    headers: Mapping[str, str], body: bytes, keys: Mapping[str, RSAPublicKey], now_s: int
) -> None:
    """Return if an answer or notification is WeChat Pay's own and fresh.

    `keys` are WeChat's by serial: platform certificates and `PUB_KEY_ID_…` may stand side by side.
    Raises NotWechat with the doubt.
    """
    held = {name.lower(): value for name, value in headers.items()}
    timestamp, nonce = held.get(TIMESTAMP, ""), held.get(NONCE, "")
    signature, serial = held.get(SIGNATURE, ""), held.get(SERIAL, "")
    if not (timestamp and nonce and signature and serial):
        raise NotWechat(Doubt.HEADER_MISSING, serial)
    if not (timestamp.isascii() and timestamp.isdigit()):
        raise NotWechat(Doubt.STALE, serial)
    if abs(now_s - int(timestamp)) >= MOST_SKEW_S:
        raise NotWechat(Doubt.STALE, serial)
    if signature.startswith(PROBE):
        raise NotWechat(Doubt.PROBE, serial)
    key = keys.get(serial)
    if key is None:
        raise NotWechat(Doubt.SERIAL_UNKNOWN, serial)
    try:
        rsa.verify(key, answer_text(timestamp, nonce, body), signature)
    except rsa.SignatureWrong as error:
        raise NotWechat(Doubt.SIGNATURE_WRONG, serial) from error


def open_resource(resource: Mapping[str, object], api_key: bytes) -> bytes:
    """Decrypt what a notification or a list of certificates holds (AES-GCM under the APIv3 key).

    Raises ResourceUnreadable.
    """
    try:
        if resource.get("algorithm") != "AEAD_AES_256_GCM":
            raise ResourceUnreadable("another algorithm")
        sealed = base64.b64decode(str(resource["ciphertext"]), validate=True)
        aad = str(resource.get("associated_data") or "").encode()
        return AESGCM(api_key).decrypt(str(resource["nonce"]).encode(), sealed, aad)
    except (KeyError, ValueError, binascii.Error, InvalidTag) as error:
        raise ResourceUnreadable("does not open") from error


def page_call(
    merchant: Merchant, appid: str, prepay_id: str, *, timestamp: str, nonce: str
) -> dict[str, str]:
    """Return what our page hands to WeChat's bridge to open the payment sheet (JSAPI)."""
    package = f"prepay_id={prepay_id}"
    signed = rsa.sign(merchant.key, f"{appid}\n{timestamp}\n{nonce}\n{package}\n".encode())
    return {
        "appId": appid,
        "timeStamp": timestamp,
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": signed,
    }
