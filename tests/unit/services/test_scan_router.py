"""What a scanned code is: goods first, then by its own shape, and never an exception."""

from __future__ import annotations

import json
import uuid

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.payment_code import PaymentCode
from app.services.scan_router import ScanKind, Scanned, ScanRouter, is_merchant_code
from app.wire.tokens import OrderToken
from tests.recorded import shared
from tests.unit.services.till import COAT, GOLD, LABEL, Till, sku_row

TOKEN = OrderToken(
    device="T1",
    attempt_id=str(uuid.UUID(int=7)),
    nonce=bytes(8),
    amount=12_300,
    expires_s=1_800_000_000,
    order_hash=bytes(16),
).sign(Ed25519PrivateKey.from_private_bytes(bytes(32)))


@pytest.fixture
def router(till: Till) -> ScanRouter:
    return ScanRouter(lambda: till.store.reader)


@pytest.mark.parametrize("code", [COAT, COAT.lower(), LABEL, f" {LABEL}\n", LABEL.zfill(14)])
def test_goods_of_the_shop(router: ScanRouter, code: str):
    assert router.route(code) == Scanned(ScanKind.GOODS, code.strip())


def test_an_article_nobody_imported_is_still_goods(router: ScanRouter):
    assert router.route("96385074") == Scanned(ScanKind.GOODS, "96385074")


def test_an_article_inside_a_longer_code(router: ScanRouter):
    link = f"https://id.gs1.org/01/{LABEL.zfill(14)}/21/7"
    assert router.route(link) == Scanned(ScanKind.GOODS, LABEL.zfill(14))


@pytest.mark.parametrize(
    ("code", "wallet"),
    [
        ("134567890123456789", PaymentCode.WECHAT),
        ("2812345678901234", PaymentCode.ALIPAY),
        ("6212345678901234567", PaymentCode.UNIONPAY),
        ("hQVDUFYwMWEaTwegAAAA", PaymentCode.EMV_CPM),
    ],
)
def test_a_customers_payment_code(router: ScanRouter, code: str, wallet: PaymentCode):
    assert router.route(code) == Scanned(ScanKind.PAYMENT_CODE, code, wallet)


def test_the_shops_own_numbers_come_before_anybodys_payment_codes(till: Till):
    number = "134567890123456789"
    till.do(lambda uow: uow.put_skus([sku_row(number, 100)]))
    router = ScanRouter(lambda: till.store.reader)
    assert router.route(number).kind is ScanKind.GOODS


def test_a_proof_of_payment(router: ScanRouter):
    assert router.route("GP1:6BFOXN%TS3DH").kind is ScanKind.PROOF


def test_an_order_of_ours(router: ScanRouter):
    assert router.route(f"https://pay.shop.example/o/{TOKEN}") == Scanned(ScanKind.ORDER, TOKEN)


@pytest.mark.parametrize("token", ["x", TOKEN[:-1], TOKEN + "A", ""])
def test_an_address_with_another_token_is_no_order(router: ScanRouter, token: str):
    assert router.route(f"https://pay.shop.example/o/{token}").kind is ScanKind.UNKNOWN


def test_a_member(router: ScanRouter):
    assert router.route(GOLD) == Scanned(ScanKind.MEMBER, GOLD)
    assert router.route("m-nobody").kind is ScanKind.UNKNOWN


def test_published_merchant_codes_are_known_by_their_checksum():
    cases = json.loads(shared("codes", "emv_payloads.json").read_text("utf-8"))["payloads"]
    assert len(cases) > 20
    for case in cases:
        assert is_merchant_code(case["payload"]) is bool(case.get("crc_ok")), case["payload"]


def test_a_merchant_code_is_told_from_goods(router: ScanRouter):
    payload = "00020101021229300012D156000000000510A93FO3230Q520441115802CN5914BEST TRANSPORT6304"
    crc = next(f"{n:04X}" for n in range(65_536) if is_merchant_code(payload + f"{n:04X}"))
    assert router.route(payload + crc).kind is ScanKind.MERCHANT_CODE


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=80), st.sampled_from(["", "http://", "000201", "GP1:", "https://x/o/"]))
def test_no_text_breaks_it(router: ScanRouter, text: str, beginning: str):
    assert router.route(beginning + text).kind in ScanKind
