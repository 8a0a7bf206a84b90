"""The account a shop has at Alipay: who it is there, its key and whose signatures it believes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

PRODUCTION = "https://openapi.alipay.com/gateway.do"


@dataclass(frozen=True, slots=True)
class AlipayAccount:
    """One application at Alipay, in key mode or in certificate mode.

    In key mode `keys` holds Alipay's public key under ""; in certificate mode by certificate SN, two while
    Alipay's certificate changes, and
    `app_cert_sn` and `root_cert_sn` are sent with every request. `keys` never holds one of ours.
    """

    app_id: str
    key: RSAPrivateKey = field(repr=False)
    keys: Mapping[str, RSAPublicKey]
    gateway_url: str = PRODUCTION
    notify_url: str = ""
    seller_id: str = ""
    """The account that gets the money (PID); checked in notifications where it is known."""
    app_cert_sn: str = ""
    root_cert_sn: str = ""
    content_key: str = field(default="", repr=False)
    """AES key in base64, where contents are encrypted besides."""
    app_auth_token: str = field(default="", repr=False)
    """What a merchant gave a service provider to act for it."""
    provider_id: str = ""
    """`sys_service_provider_id`, for the service provider's own account of what it brought."""
