"""The account a shop has at WeChat Pay: who it is there, its key and whose signatures it believes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from cloud.gateways.wechat.signing import Merchant

PRODUCTION = "https://api.mch.weixin.qq.com"
OAUTH = "https://api.weixin.qq.com"
OAUTH_PAGE = "https://open.weixin.qq.com"
PUBLIC_KEY_MODE = "PUB_KEY_ID_"


@dataclass(frozen=True, slots=True)
class WechatAccount:
    """One merchant at WeChat Pay with the app its orders belong to.

    `keys` are WeChat's own by serial: one under `PUB_KEY_ID_…` in public-key mode, or two while it changes;
    platform certificates are fetched besides, whenever something is signed by one.
    """

    merchant: Merchant
    appid: str
    api_key: bytes = field(repr=False)
    """The APIv3 key, 32 bytes: it opens notifications and certificates."""
    keys: Mapping[str, RSAPublicKey] = field(default_factory=dict)
    base_url: str = PRODUCTION
    notify_url: str = ""
    app_secret: str = field(default="", repr=False)
    """The app's secret, for OAuth alone."""
    oauth_url: str = OAUTH
    oauth_page: str = OAUTH_PAGE
    split: bool = False
    """Whether payments are held back for profit sharing."""

    @property
    def public_key_id(self) -> str:
        """The serial of WeChat's public key, "" in certificate mode."""
        return next((each for each in self.keys if each.startswith(PUBLIC_KEY_MODE)), "")
