"""Makes keys for the make-believe providers and writes the accounts a cloud finds them by.

Everything is made afresh; nothing here is worth anything at a real provider.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from cloud.db.engine import write_private
from cloud.fakes.alipay import FakeAlipay
from cloud.fakes.arithmetic import PrivateNumbers, PublicNumbers
from cloud.fakes.serve import Providers
from cloud.fakes.wechat import FakeWechat

_APP, _MCHID, _WX = "2021000000000001", "1900000001", "wx8888888888888888"
_SELLER = "2088000000000001"
_PUBLIC_KEY_ID = "PUB_KEY_ID_0116000000012024112600000000000000"
_SERIAL = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
_ENCODING = serialization.Encoding.PEM


@dataclass(frozen=True, slots=True)
class Furnished:
    """Keys of both sides, for one run."""

    shop: rsa.RSAPrivateKey
    alipay: rsa.RSAPrivateKey
    wechat: rsa.RSAPrivateKey
    api_key: str

    def providers(self, base: str, now_ms: Callable[[], int]) -> Providers:
        """Return both providers at an address."""
        alipay = FakeAlipay(_APP, _public(self.shop), _private(self.alipay), now_ms, base, _SELLER)
        wechat = FakeWechat(
            mchid=_MCHID,
            appid=_WX,
            merchant=_public(self.shop),
            merchant_serial=_SERIAL,
            api_key=self.api_key.encode(),
            key=_private(self.wechat),
            serial=_PUBLIC_KEY_ID,
            now_ms=now_ms,
            base=base,
        )
        return Providers(alipay, wechat)

    def write(self, folder: Path, base: str) -> None:
        """Write both accounts into a cloud's folder. What is there already stays as it is."""
        write_private(folder / "shop.key", _pem(self.shop))
        write_private(folder / "alipay.pub", _half(self.alipay))
        write_private(folder / "wechat.pub", _half(self.wechat))
        write_private(
            folder / "alipay.toml",
            _toml(
                provider="alipay",
                app_id=_APP,
                seller_id=_SELLER,
                private_key="file:shop.key",
                alipay_public_key="file:alipay.pub",
                gateway_url=f"{base}/gateway.do",
            ),
        )
        write_private(
            folder / "wechat.toml",
            _toml(
                provider="wechat",
                mchid=_MCHID,
                appid=_WX,
                serial=_SERIAL,
                private_key="file:shop.key",
                public_key_id=_PUBLIC_KEY_ID,
                public_key="file:wechat.pub",
                api_v3_key=self.api_key,
                app_secret="make-believe",  # noqa: S106 - worth nothing anywhere
                base_url=base,
                oauth_url=base,
                oauth_page=base,
            ),
        )

    @staticmethod
    def remove(folder: Path) -> None:
        """Take away what `write` wrote."""
        for name in ("alipay.toml", "wechat.toml", "shop.key", "alipay.pub", "wechat.pub"):
            (folder / name).unlink(missing_ok=True)


def furnish() -> Furnished:
    """Make fresh keys."""
    shop, alipay, wechat = (
        rsa.generate_private_key(public_exponent=65_537, key_size=2048) for _ in range(3)
    )
    return Furnished(shop, alipay, wechat, secrets.token_hex(16))


def _toml(**values: str) -> bytes:
    return "".join(f'{name} = "{value}"\n' for name, value in values.items()).encode()


def _public(key: rsa.RSAPrivateKey) -> PublicNumbers:
    numbers = key.public_key().public_numbers()
    return PublicNumbers(numbers.n, numbers.e)


def _private(key: rsa.RSAPrivateKey) -> PrivateNumbers:
    numbers = key.private_numbers()
    return PrivateNumbers(numbers.public_numbers.n, numbers.d)


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        _ENCODING, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _half(key: rsa.RSAPrivateKey) -> bytes:
    shape = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(_ENCODING, shape)
