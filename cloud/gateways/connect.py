"""Opens the gateways whose accounts are written down: ours by name, others by entry point.

A plugin is an entry point of the group `guidepos.gateways`: a function (folder, account's name, `Tools`)
that returns a `Gateway`, named as `provider` says in the account's file. Raises AccountUnfit for what is
written down wrongly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from cloud.gateways.accounts import AccountUnfit, Watched, Written, read
from cloud.gateways.alipay.account import PRODUCTION as ALIPAY
from cloud.gateways.alipay.account import AlipayAccount
from cloud.gateways.alipay.gateway import AlipayGateway
from cloud.gateways.base import AttemptKey, Gateway, Money
from cloud.gateways.emvco.codec import Template
from cloud.gateways.emvco.gateway import NUMERIC, EmvcoAccount, EmvcoGateway
from cloud.gateways.line import Line
from cloud.gateways.numbers import order_number
from cloud.gateways.signing import rsa
from cloud.gateways.signing.certificates import (
    alipay_root_serial,
    alipay_serial,
    leaf,
    wechat_serial,
)
from cloud.gateways.wechat.account import OAUTH, OAUTH_PAGE, PUBLIC_KEY_MODE, WechatAccount
from cloud.gateways.wechat.account import PRODUCTION as WECHAT
from cloud.gateways.wechat.gateway import WechatGateway
from cloud.gateways.wechat.signing import Merchant

PLUGINS = "guidepos.gateways"
_API_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Tools:
    """What a gateway is handed: a line, the clock, our own ledger, and where notifications may come."""

    line: Line
    now_ms: Callable[[], int]
    booked: Callable[[str, AttemptKey], tuple[Money, ...]]
    """What our ledger has heard of a provider (by name) about an attempt."""
    tenant: str
    public_url: str
    number: Callable[[AttemptKey], str] = order_number
    """Under which number an attempt's order is known."""

    def notify_url(self, name: str) -> str:
        """Return where an account's provider shall send its notifications."""
        return f"{self.public_url}/notify/{name}"


Opener = Callable[[Path, str, Tools], Gateway]


def connect(folder: Path, name: str, tools: Tools) -> Gateway:
    """Open the gateway of one account. Raises AccountUnfit."""
    provider = read(folder, name).text("provider")
    opener = _OURS.get(provider) or _plugin(provider)
    if opener is None:
        raise AccountUnfit(f"provider {provider} is not known; ours are {', '.join(_OURS)}")
    return opener(folder, name, tools)


def _plugin(provider: str) -> Opener | None:
    for found in entry_points(group=PLUGINS):
        if found.name == provider:
            opener: Opener = found.load()
            return opener
    return None


def alipay_account(found: Written, tools: Tools) -> AlipayAccount:
    """Read an account at Alipay, in key mode or, with `app_cert`, in certificate mode."""
    try:
        key = rsa.load_private(found.text("private_key"))
        app_sn = root_sn = ""
        if found.has("app_cert"):
            app_sn = alipay_serial(leaf(found.text("app_cert")))
            root_sn = alipay_root_serial(found.text("root_cert"))
            keys = _alipay_certificates(found)
            own = rsa.load_public(found.text("app_cert"))
            if own.public_numbers() != key.public_key().public_numbers():
                raise AccountUnfit("app_cert does not belong to private_key")
        else:
            keys = {"": rsa.load_public(found.text("alipay_public_key"))}
    except rsa.KeyUnfit as error:
        raise AccountUnfit(str(error)) from error
    ours = key.public_key().public_numbers()
    if any(each.public_numbers() == ours for each in keys.values()):
        raise AccountUnfit("alipay_public_key is the app's own public key; Alipay's is needed")
    return AlipayAccount(
        app_id=found.text("app_id"),
        key=key,
        keys=keys,
        gateway_url=found.address("gateway_url", ALIPAY),
        notify_url=found.text("notify_url", tools.notify_url(found.name)),
        seller_id=found.text("seller_id", ""),
        app_cert_sn=app_sn,
        root_cert_sn=root_sn,
        content_key=found.text("content_key", ""),
        app_auth_token=found.text("app_auth_token", ""),
        provider_id=found.text("provider_id", ""),
    )


def _alipay_certificates(found: Written) -> dict[str, RSAPublicKey]:
    """Return Alipay's keys by SN: of its certificate, and of the next one while it is being changed."""
    texts = [found.text("alipay_cert")]
    if found.has("next_alipay_cert"):
        texts.append(found.text("next_alipay_cert"))
    return {alipay_serial(leaf(text)): rsa.load_public(text) for text in texts}


def wechat_account(found: Written, tools: Tools) -> WechatAccount:
    """Read an account at WeChat Pay, in public-key mode or with platform certificates."""
    api_key = found.text("api_v3_key").encode()
    if len(api_key) != _API_KEY_BYTES:
        raise AccountUnfit(f"api_v3_key has {len(api_key)} bytes, it must have {_API_KEY_BYTES}")
    try:
        key = rsa.load_private(found.text("private_key"))
        serial = found.text("serial", "")
        if found.has("certificate"):
            own = leaf(found.text("certificate"))
            serial = serial or wechat_serial(own)
            theirs = rsa.load_public(found.text("certificate"))
            if theirs.public_numbers() != key.public_key().public_numbers():
                raise AccountUnfit("certificate does not belong to private_key")
        keys = {}
        for name in ("public_key", "next_public_key"):
            if found.has(f"{name}_id"):
                keys[found.text(f"{name}_id")] = rsa.load_public(found.text(name))
    except rsa.KeyUnfit as error:
        raise AccountUnfit(str(error)) from error
    if not serial:
        raise AccountUnfit("serial is missing (or give the certificate)")
    if any(not each.startswith(PUBLIC_KEY_MODE) for each in keys):
        raise AccountUnfit(f"public_key_id must begin with {PUBLIC_KEY_MODE}")
    return WechatAccount(
        merchant=Merchant(found.text("mchid"), serial, key),
        appid=found.text("appid"),
        api_key=api_key,
        keys=keys,
        base_url=found.address("base_url", WECHAT),
        notify_url=found.text("notify_url", tools.notify_url(found.name)),
        app_secret=found.text("app_secret", ""),
        oauth_url=found.address("oauth_url", OAUTH),
        oauth_page=found.address("oauth_page", OAUTH_PAGE),
        split=found.yes("split"),
    )


def emvco_account(found: Written, tools: Tools) -> EmvcoAccount:
    """Read a merchant account of an EMVCo scheme."""
    currency, template = found.text("currency"), found.text("template")
    if currency not in NUMERIC:
        raise AccountUnfit(f"currency {currency} is not known; known are {', '.join(NUMERIC)}")
    if not (template.isascii() and template.isdigit() and 26 <= int(template) <= 51):
        raise AccountUnfit("template must be a number from 26 to 51")
    parts = found.table("scheme")
    if "00" not in parts:
        raise AccountUnfit("scheme needs 00, the scheme's globally unique identifier")
    return EmvcoAccount(
        tenant=tools.tenant,
        scheme=Template(template, tuple(sorted(parts.items()))),
        currency=currency,
        country=found.text("country"),
        name=found.text("merchant_name"),
        city=found.text("city"),
        category=found.text("category", "5651"),
        secret=found.text("webhook_secret", ""),
    )


def _alipay(folder: Path, name: str, tools: Tools) -> Gateway:
    account = Watched(folder, name, lambda found: alipay_account(found, tools))
    return AlipayGateway(account, tools.line, tools.now_ms, name, tools.number)


def _wechat(folder: Path, name: str, tools: Tools) -> Gateway:
    account = Watched(folder, name, lambda found: wechat_account(found, tools))
    return WechatGateway(account, tools.line, tools.now_ms, name, tools.number)


def _emvco(folder: Path, name: str, tools: Tools) -> Gateway:
    account = Watched(folder, name, lambda found: emvco_account(found, tools))
    return EmvcoGateway(account, lambda key: tools.booked(name, key), tools.now_ms, name)


_OURS: dict[str, Opener] = {"alipay": _alipay, "wechat": _wechat, "emvco": _emvco}
