"""WeChat Pay's signatures and notifications, against published records, mutations and skew."""

from __future__ import annotations

import base64
import json
import random
import re

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cloud.gateways.signing import rsa
from cloud.gateways.signing.certificates import leaf, wechat_serial
from cloud.gateways.wechat import signing
from cloud.gateways.wechat.signing import Doubt, Merchant, NotWechat
from tests.cloud.gateways.records import made_key, record

NOW = 1_700_000_000


def attributes(header: str) -> tuple[str, dict[str, str]]:
    scheme, _, rest = header.partition(" ")
    return scheme, dict(re.findall(r'(\w+)="([^"]*)"', rest))


def test_the_string_to_sign_of_published_requests():
    for case in record("wechat_v3_authorization.json")["cases"]:
        text = signing.request_text(
            case["method"], case["canonical_url"], case["timestamp"], case["nonce"], case["body"]
        )
        assert text == case["string_to_sign"]


def test_the_header_has_the_published_attributes():
    vector = record("wechat_v3_authorization.json")["header_with_a_mock_signer"]
    case = record("wechat_v3_authorization.json")["cases"][vector["for_case"]]
    ours = signing.authorization_text(
        vector["mchid"],
        vector["serial_no"],
        case["timestamp"],
        case["nonce"],
        "Sign:" + case["string_to_sign"],
        scheme="WECHATPAY2-Mock",
    )
    assert attributes(ours) == attributes(vector["header"])


def test_our_authorization_holds_under_our_public_key():
    merchant = Merchant("1900000001", "5157F09EFDC096DE15EBE81A47057A72", made_key("merchant"))
    path, body = "/v3/pay/transactions/native", '{"description":"墨岚"}'
    header = signing.authorization(merchant, "POST", path, body, timestamp="1", nonce="n")
    scheme, held = attributes(header)
    assert scheme == signing.SCHEME
    signed = signing.request_text("POST", path, held["timestamp"], held["nonce_str"], body)
    rsa.verify(merchant.key.public_key(), signed.encode(), held["signature"])
    assert (held["mchid"], held["serial_no"]) == (merchant.mchid, merchant.serial)


def published() -> tuple[dict[str, str], bytes, dict[str, RSAPublicKey], int]:
    vector = record("wechat_v3_notify.json")
    certificate = leaf(vector["platform_certificate_pem"])
    keys = {wechat_serial(certificate): rsa.load_public(vector["platform_certificate_pem"])}
    return vector["headers"], vector["raw_body"].encode(), keys, int(vector["now_unix"])


def test_the_published_notification_holds_and_opens():
    vector = record("wechat_v3_notify.json")
    headers, body, keys, now = published()
    signing.check(headers, body, keys, now)
    told = json.loads(body)
    assert told["event_type"] == vector["expect"]["event_type"]
    plain = signing.open_resource(told["resource"], vector["apiv3_key"].encode())
    assert plain.decode() == vector["expect"]["plaintext"]
    text = signing.answer_text(
        headers["Wechatpay-Timestamp"], headers["Wechatpay-Nonce"], body
    ).decode()
    assert text == vector["string_to_verify"]


def doubt(headers, body, keys, now) -> Doubt:
    with pytest.raises(NotWechat) as refused:
        signing.check(headers, body, keys, now)
    return refused.value.doubt


def test_the_published_negatives_are_refused():
    headers, body, keys, now = published()
    assert doubt(headers, body[:-1] + b" ", keys, now) is Doubt.SIGNATURE_WRONG
    again = json.dumps(json.loads(body)).encode()
    assert doubt(headers, again, keys, now) is Doubt.SIGNATURE_WRONG
    for skew in (301, 300, -300, 10**9):
        assert doubt(headers, body, keys, now + skew) is Doubt.STALE
    signing.check(headers, body, keys, now + 299)
    assert doubt(headers, body, {"other": next(iter(keys.values()))}, now) is Doubt.SERIAL_UNKNOWN
    for name in headers:
        if name.startswith("Wechatpay"):
            fewer = {each: value for each, value in headers.items() if each != name}
            assert doubt(fewer, body, keys, now) is Doubt.HEADER_MISSING


def test_a_probe_is_named_as_one():
    headers, body, keys, now = published()
    probe = headers | {"Wechatpay-Signature": signing.PROBE + headers["Wechatpay-Signature"]}
    assert doubt(probe, body, keys, now) is Doubt.PROBE


def test_no_mutation_of_a_notification_is_believed():
    headers, body, keys, now = published()
    chance = random.Random(7)
    refused = 0
    for _ in range(300):
        altered = dict(headers)
        raw = bytearray(body)
        victim = chance.choice(
            ["body", "Wechatpay-Nonce", "Wechatpay-Timestamp", "Wechatpay-Signature"]
        )
        if victim == "body":
            raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        else:
            value = altered[victim]
            at = chance.randrange(len(value))
            other = chance.choice([each for each in "0123456789AZaz" if each != value[at]])
            altered[victim] = value[:at] + other + value[at + 1 :]
        doubt(altered, bytes(raw), keys, now)
        refused += 1
    assert refused == 300


@pytest.mark.parametrize("timestamp", ["", "x", "-1", "1.5", "１６２４５２３８４６"])
def test_a_time_that_is_none_is_refused(timestamp):
    headers, body, keys, now = published()
    doubt(headers | {"Wechatpay-Timestamp": timestamp}, body, keys, now)


@pytest.mark.parametrize("aad", ["", "transaction"])
def test_a_resource_opens_under_its_key_alone(aad):
    key, nonce, plain = b"k" * 32, "abcdefabcdef", '{"amount":{"total":170910}}'
    sealed = AESGCM(key).encrypt(nonce.encode(), plain.encode(), aad.encode())
    resource = {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "associated_data": aad,
        "nonce": nonce,
    }
    assert signing.open_resource(resource, key).decode() == plain
    for wrong in (
        resource | {"nonce": "abcdefabcdeg"},
        resource | {"associated_data": "refund"},
        resource | {"algorithm": "AEAD_SM4_GCM"},
        resource | {"ciphertext": "?"},
        {"algorithm": "AEAD_AES_256_GCM"},
    ):
        with pytest.raises(signing.ResourceUnreadable):
            signing.open_resource(wrong, key)
    with pytest.raises(signing.ResourceUnreadable):
        signing.open_resource(resource, b"x" * 32)


def test_the_page_hands_a_signed_call_to_the_bridge():
    merchant = Merchant("1900000001", "AB", made_key("merchant"))
    call = signing.page_call(merchant, "wx8888", "wx2016", timestamp="1395712654", nonce="e61463")
    assert call["package"] == "prepay_id=wx2016"
    signed = b"wx8888\n1395712654\ne61463\nprepay_id=wx2016\n"
    rsa.verify(merchant.key.public_key(), signed, call["paySign"])
