"""Every gateway on a bench: with a provider behind it, a customer who pays, and a hand on the faults."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Protocol, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509.oid import NameOID

from app.domain.ids import new_id
from cloud.bootstrap import Cloud
from cloud.fakes.alipay import FakeAlipay
from cloud.fakes.arithmetic import PrivateNumbers, PublicNumbers
from cloud.fakes.faults import Fault, Faults, Letter, Lost
from cloud.fakes.wechat import FakeWechat
from cloud.gateways.alipay.account import AlipayAccount
from cloud.gateways.alipay.gateway import AlipayGateway
from cloud.gateways.base import AttemptKey, Charge, Gateway, Money
from cloud.gateways.emvco import gateway as emvco
from cloud.gateways.emvco.codec import Template
from cloud.gateways.line import Ask, Got, Line, LineBroken
from cloud.gateways.numbers import order_number
from cloud.gateways.sandbox import SandboxGateway
from cloud.gateways.signing.certificates import alipay_serial, wechat_serial
from cloud.gateways.wechat.account import WechatAccount
from cloud.gateways.wechat.gateway import WechatGateway
from cloud.gateways.wechat.signing import Merchant
from tests.cloud.gateways.records import made_key

NOW_MS = 1_795_660_000_000
PUBLIC_KEY_ID = "PUB_KEY_ID_0116000000012024112600000000000000"
API_KEY = hashlib.sha256(b"a test's APIv3 key").digest()


def charge(amount: int = 170_910, **changed: object) -> Charge:
    """Return a charge of a fresh attempt."""
    made = Charge(
        attempt=AttemptKey("t1", "S001", new_id()),
        merchant="墨岚 南京西路店 / A&B=C",
        amount=amount,
        currency="CNY",
        expires_ms=NOW_MS + 300_000,
        back="/o/x",
    )
    return replace(made, **changed)  # type: ignore[arg-type]


class Bench(Protocol):
    """A gateway and the world behind it."""

    gateway: Gateway
    faults: Faults

    def pays(self, asked: Charge, amount: int | None = None) -> None:
        """The customer pays, or pays another amount."""

    def letters(self) -> list[Letter]:
        """Return the notifications sent so far, oldest first."""

    def code(self, ending: str) -> str:
        """Return a customer's code: its last digit 1 declines, 2 asks for a password, 0 pays."""


def line_to(provider: FakeAlipay | FakeWechat) -> Line:
    """Return a line that leads to a make-believe provider without a network."""

    def exchange(ask: Ask) -> Got:
        try:
            reply = provider.exchange(ask.method, ask.url, ask.headers, ask.body)
        except Lost as error:
            raise LineBroken("lost") from error
        headers = {name.lower(): value for name, value in reply.headers.items()}
        return Got(reply.status, headers, reply.body)

    return exchange


def public_numbers(key: RSAPrivateKey) -> PublicNumbers:
    numbers = key.public_key().public_numbers()
    return PublicNumbers(numbers.n, numbers.e)


def private_numbers(key: RSAPrivateKey) -> PrivateNumbers:
    numbers = key.private_numbers()
    return PrivateNumbers(numbers.public_numbers.n, numbers.d)


@cache
def certificate(name: str) -> x509.Certificate:
    """Return a certificate over the made key of that name, signed by itself."""
    issuer = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "A test"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(issuer)
        .issuer_name(issuer)
        .public_key(made_key(name).public_key())
        .serial_number(int.from_bytes(hashlib.sha256(name.encode()).digest()[:15]))
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=3650))
        .sign(made_key(name), hashes.SHA256())
    )


def pem(made: x509.Certificate) -> str:
    return made.public_bytes(serialization.Encoding.PEM).decode()


@dataclass
class SandboxBench:
    """The sandbox on a cloud's database. It loses no answers by `faults`: its codes do."""

    gateway: SandboxGateway
    faults: Faults = field(default_factory=Faults)

    def pays(self, asked: Charge, amount: int | None = None) -> None:
        assert amount is None
        payment_id = self.gateway.create(asked).ref
        self.gateway.approve(payment_id)

    def letters(self) -> list[Letter]:
        return []

    def code(self, ending: str) -> str:
        return f"99000000000000000{ending}"


@dataclass
class AlipayBench:
    gateway: AlipayGateway
    provider: FakeAlipay
    account: AlipayAccount

    @property
    def faults(self) -> Faults:
        return self.provider.faults

    def pays(self, asked: Charge, amount: int | None = None) -> None:
        number = order_number(asked.attempt)
        self.provider.scan(number)
        self.provider.pay(number, amount)

    def letters(self) -> list[Letter]:
        return self.provider.outbox

    def code(self, ending: str) -> str:
        return f"28982105115796236{ending}"


@dataclass
class WechatBench:
    gateway: WechatGateway
    provider: FakeWechat
    account: WechatAccount

    @property
    def faults(self) -> Faults:
        return self.provider.faults

    def pays(self, asked: Charge, amount: int | None = None) -> None:
        self.provider.pay(order_number(asked.attempt), amount)

    def letters(self) -> list[Letter]:
        return self.provider.outbox

    def code(self, ending: str) -> str:
        return f"13006109882800940{ending}"


@dataclass
class EmvcoBench:
    gateway: emvco.EmvcoGateway
    secret: str
    booked: dict[AttemptKey, tuple[Money, ...]]
    sent: list[Letter] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)

    def pays(self, asked: Charge, amount: int | None = None) -> None:
        """The bank's relay confirms, and the ledger has heard it."""
        paid = asked.amount if amount is None else amount
        told = {
            "reference": emvco.reference(asked.attempt),
            "store": asked.attempt.store,
            "transaction": f"bank-{len(self.sent)}",
            "amount": paid,
            "currency": "CNY",
            "paid_ms": NOW_MS,
        }
        body, stamp = json.dumps(told).encode(), str(NOW_MS // 1000)
        headers = {"X-GuidePOS-Timestamp": stamp}
        headers["X-GuidePOS-Signature"] = emvco.sign(self.secret, stamp, body)
        self.sent.append(Letter("", headers, body))
        heard = self.gateway.hear(headers, body)
        assert heard.attempt == asked.attempt
        assert heard.answer is not None
        self.booked[heard.attempt] = heard.answer.money

    def letters(self) -> list[Letter]:
        return self.sent

    def code(self, ending: str) -> str:
        return ""


def alipay_bench(*, certificates: bool = False, content_key: str = "") -> AlipayBench:
    ours, theirs = made_key("shop at alipay"), made_key("alipay")
    sn = alipay_serial(certificate("alipay")) if certificates else ""
    account = AlipayAccount(
        app_id="2021000000000001",
        key=ours,
        keys={sn: theirs.public_key()},
        notify_url="https://pay.example/notify/alipay",
        seller_id="2088000000000001",
        app_cert_sn=alipay_serial(certificate("shop at alipay")) if certificates else "",
        root_cert_sn="root_sn" if certificates else "",
        content_key=content_key,
    )
    provider = FakeAlipay(
        app_id=account.app_id,
        merchant=public_numbers(ours),
        key=private_numbers(theirs),
        now_ms=lambda: NOW_MS,
        cert_sn=sn,
    )
    gateway = AlipayGateway(lambda: account, line_to(provider), lambda: NOW_MS)
    return AlipayBench(gateway, provider, account)


def wechat_bench(*, certificates: bool = False, split: bool = False) -> WechatBench:
    ours, theirs = made_key("shop at wechat"), made_key("wechat")
    merchant = Merchant("1900000001", wechat_serial(certificate("shop at wechat")), ours)
    serial = wechat_serial(certificate("wechat")) if certificates else PUBLIC_KEY_ID
    account = WechatAccount(
        merchant=merchant,
        appid="wx8888888888888888",
        api_key=API_KEY,
        keys={} if certificates else {serial: theirs.public_key()},
        base_url="https://wechat.invalid",
        notify_url="https://pay.example/notify/wechat",
        app_secret="s",
        oauth_url="https://wechat.invalid",
        split=split,
    )
    provider = FakeWechat(
        mchid=merchant.mchid,
        appid=account.appid,
        merchant=public_numbers(ours),
        merchant_serial=merchant.serial,
        api_key=API_KEY,
        key=private_numbers(theirs),
        serial=serial,
        now_ms=lambda: NOW_MS,
        certificate=pem(certificate("wechat")) if certificates else "",
    )
    gateway = WechatGateway(lambda: account, line_to(provider), lambda: NOW_MS)
    return WechatBench(gateway, provider, account)


def emvco_bench(secret: str = "a webhook's secret") -> EmvcoBench:
    account = emvco.EmvcoAccount(
        tenant="t1",
        scheme=Template("26", (("00", "com.example.pay"), ("01", "M0001"))),
        currency="CNY",
        country="CN",
        name="MOLAN WEST NANJING ROAD STORE",
        city="SHANGHAI",
        secret=secret,
    )
    booked: dict[AttemptKey, tuple[Money, ...]] = {}
    gateway = emvco.EmvcoGateway(lambda: account, lambda key: booked.get(key, ()), lambda: NOW_MS)
    return EmvcoBench(gateway, secret, booked)


def benches(cloud: Cloud) -> dict[str, Callable[[], Bench]]:
    """Return what makes each bench, by name."""
    makers: dict[str, Callable[[], object]] = {
        "sandbox": lambda: SandboxBench(SandboxGateway(cloud.db, lambda: NOW_MS)),
        "alipay": alipay_bench,
        "alipay certificates": lambda: alipay_bench(certificates=True),
        "wechat": wechat_bench,
        "wechat certificates": lambda: wechat_bench(certificates=True),
        "emvco": emvco_bench,
    }
    return cast(dict[str, Callable[[], Bench]], makers)


NAMES = ("sandbox", "alipay", "alipay certificates", "wechat", "wechat certificates", "emvco")
ONLINE: Iterable[str] = NAMES[1:5]
"""Those with a provider behind a line."""

DOUBTFUL = [
    Fault.LOSE_REQUEST,
    Fault.LOSE_ANSWER,
    Fault.WRONG_SIGNATURE,
    Fault.UNSIGNED,
    Fault.SYSTEM_ERROR,
    Fault.DONE_SYSTEM_ERROR,
    Fault.HTML,
]
"""Faults after which nobody may believe anything."""
