"""RSA signatures: the published ones hold, altered ones do not, and OpenSSL agrees with ours."""

from __future__ import annotations

import base64
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric import rsa as other_rsa

from cloud.gateways.signing import rsa
from cloud.gateways.signing.certificates import leaf, wechat_serial
from cloud.gateways.unionpay import signing as unionpay
from tests.cloud.gateways.records import made_key, private_text, public_text, record


def test_wechats_published_signatures():
    for vector in record("wechat_v3_rsa_sha256.json")["vectors"]:
        key = rsa.load_public(vector["public_key_pem"])
        message, signature = vector["message"].encode(), vector["signature_b64"]
        if vector["expect"] == "valid":
            rsa.verify(key, message, signature)
            certificate = leaf(vector["certificate_pem"])
            assert wechat_serial(certificate) == vector["certificate_serial_hex"]
            rsa.verify(rsa.load_public(vector["certificate_pem"]), message, signature)
        else:
            with pytest.raises(rsa.SignatureWrong):
                rsa.verify(key, message, signature)


def test_alipays_published_signatures():
    found = record("alipay.json")
    recorded = found["sync_response_verify"]
    key = rsa.load_public(recorded["alipay_public_key_b64_der"])
    rsa.verify(key, recorded["signed_content"].encode(), recorded["sign_b64"])
    with pytest.raises(rsa.SignatureWrong):
        rsa.verify(key, recorded["signed_content"].encode() + b" ", recorded["sign_b64"])
    vector = found["rsa2_sign"]
    key = rsa.load_public(vector["public_key_pem"])
    rsa.verify(key, vector["message"].encode(), vector["signature_RSA2_b64"])
    for message, signature in (
        (vector["must_fail_message"], vector["signature_RSA2_b64"]),
        (vector["message"], vector["signature_RSA_b64"]),  # the old SHA-1 kind
    ):
        with pytest.raises(rsa.SignatureWrong):
            rsa.verify(key, message.encode(), signature)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
@pytest.mark.parametrize("message", [b"x", "最佳运输&a=b".encode(), bytes(range(256)) * 40])
def test_openssl_verifies_our_signatures_and_we_verify_its(tmp_path: Path, message: bytes):
    key = made_key("openssl")
    (tmp_path / "public").write_text(public_text(key))
    (tmp_path / "private").write_text(private_text(key))
    (tmp_path / "message").write_bytes(message)
    (tmp_path / "signature").write_bytes(base64.b64decode(rsa.sign(key, message)))

    def openssl(*arguments: str) -> bytes:
        done = subprocess.run(
            ["openssl", "dgst", "-sha256", *arguments, "message"],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )
        return done.stdout

    assert b"Verified OK" in openssl("-verify", "public", "-signature", "signature")
    theirs = base64.b64encode(openssl("-sign", "private")).decode()
    rsa.verify(key.public_key(), message, theirs)
    assert theirs == rsa.sign(key, message)


def test_no_altered_message_and_no_altered_signature_holds():
    key, chance = made_key("mutations"), random.Random(4)
    message = b'{"code":"10000","total_amount":"1709.10","trade_status":"TRADE_SUCCESS"}'
    signature = base64.b64decode(rsa.sign(key, message))
    for _ in range(300):
        altered, forged = bytearray(message), bytearray(signature)
        victim = chance.choice((altered, forged))
        victim[chance.randrange(len(victim))] ^= 1 << chance.randrange(8)
        with pytest.raises(rsa.SignatureWrong):
            rsa.verify(key.public_key(), bytes(altered), base64.b64encode(forged).decode())


def test_keys_are_read_in_every_form_they_are_handed_out():
    key = made_key("forms")
    text = private_text(key)
    bare = "".join(line for line in text.splitlines() if "-----" not in line)
    old = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    for form in (text, bare, base64.b64encode(old).decode()):
        assert rsa.load_private(form).private_numbers() == key.private_numbers()
    half = public_text(key)
    for form in (half, "".join(line for line in half.splitlines() if "-----" not in line)):
        assert rsa.load_public(form).public_numbers() == key.public_key().public_numbers()


def test_unfit_keys_are_refused_without_repeating_them():
    small = private_text(other_rsa.generate_private_key(public_exponent=65_537, key_size=1024))
    curve = (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )
    for text in (small, curve, "MIIEvg", "nonsense!", ""):
        with pytest.raises(rsa.KeyUnfit) as refused:
            rsa.load_private(text)
        assert not text or text not in str(refused.value)
    with pytest.raises(rsa.KeyUnfit):
        rsa.load_public(private_text(made_key("forms")))


def test_a_field_sealed_to_an_owner_opens_for_nobody_else():
    sealed = rsa.seal(made_key("owner").public_key(), "陈美")
    assert rsa.unseal(made_key("owner"), sealed) == "陈美"
    assert sealed != rsa.seal(made_key("owner").public_key(), "陈美")
    with pytest.raises(ValueError, match=r"\w"):
        rsa.unseal(made_key("other"), sealed)


def test_unionpay_signs_the_hex_of_a_digest():
    key = made_key("unionpay")
    asked = {"version": "5.1.0", "txnAmt": "170910", "empty": "", "encoding": "UTF-8"}
    assert len(unionpay.digest(asked)) == 64
    signed = asked | {"signature": unionpay.sign(key, asked)}
    unionpay.verify(key.public_key(), signed)
    for altered in (signed | {"txnAmt": "1"}, signed | {"more": "1"}, asked):
        with pytest.raises(rsa.SignatureWrong):
            unionpay.verify(key.public_key(), altered)
