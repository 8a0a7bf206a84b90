"""What Alipay signs and how its answers are cut, against published records and hostile ones."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.gateways.alipay import content, text
from cloud.gateways.signing import certificates, rsa
from cloud.gateways.signing.certificates import alipay_root_serial, alipay_serial, leaf
from tests.cloud.gateways.records import made_key, record

NODE = "alipay_trade_query_response"


def test_the_documented_notification_gives_its_string():
    vector = record("alipay.json")["notify_string_to_verify"]
    assert text.notify_text(vector["params"]) == vector["expect_string"]


def test_a_request_signs_its_type_and_leaves_empty_values_out():
    asked = {"method": "alipay.trade.query", "sign_type": "RSA2", "app_auth_token": "", "sign": "x"}
    assert text.request_text(asked) == "method=alipay.trade.query&sign_type=RSA2"


def test_published_answers_are_cut_or_refused():
    found = record("alipay.json")["response_content_extraction"]
    for case in [*found["cases"], found["extra_case_of_ours"]]:
        if case["expect"] == "no crash":
            with pytest.raises(text.AnswerMalformed):
                text.cut(case["raw"], case["node"])
        else:
            assert text.cut(case["raw"], case["node"]).content == case["expect"]


def test_a_second_node_behind_the_signed_one_is_never_read():
    raw = record("alipay.json")["response_content_extraction"]["duplicate_key_attack"]["raw"]
    key = made_key("duplicate")
    sign = rsa.sign(key, b'{"should_be_true":true}')
    signed = text.cut(raw.replace("<sign over the first>", sign), "response")
    rsa.verify(key.public_key(), signed.content.encode(), signed.sign)
    assert json.loads(signed.content) == {"should_be_true": True}


def test_an_error_is_an_error_and_its_empty_signature_never_holds():
    signed = text.cut(record("alipay.json")["error_response"]["raw"], NODE)
    assert signed.is_error
    assert json.loads(signed.content)["code"] == "40002"
    assert signed.certificate_sn
    with pytest.raises(rsa.SignatureWrong):
        rsa.verify(made_key("error").public_key(), signed.content.encode(), signed.sign)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "[]",
        "null",
        "{",
        '{"a"',
        '{"a":',
        '{"a":1',
        '{"a":1}x',
        '{"a":1,}',
        "{1:2}",
        "<html>",
        '{"alipay_trade_query_response":}',
        '{"alipay_trade_query_response":{"a":"}"',
        '{"sign":1}',
        '{"alipay_trade_query_response":{},"sign":5}',
        '{"alipay_trade_query_response":{} "sign":""}',
    ],
)
def test_what_is_no_answer_of_alipay_is_refused(raw):
    with pytest.raises(text.AnswerMalformed):
        text.cut(raw, NODE)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(
    json_values,
    st.dictionaries(st.text(min_size=1), json_values, max_size=3),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_whatever_json_holds_is_cut_exactly(value, others, indent, ascii_only):
    others = {name: each for name, each in others.items() if name != NODE} | {"sign": "c2ln"}
    others.pop("alipay_cert_sn", None)
    raw = json.dumps({NODE: value} | others, indent=indent, ensure_ascii=ascii_only)
    signed = text.cut(raw, NODE)
    assert json.loads(signed.content) == value
    assert raw.count(signed.content) >= 1
    assert signed.sign == "c2ln"
    assert not signed.is_error


@given(st.text(alphabet='{}[]",:\\ a1', max_size=40))
def test_any_text_is_cut_or_refused(raw):
    with contextlib.suppress(text.AnswerMalformed):
        text.cut('{"' + NODE + '":' + raw, NODE)


def test_serial_numbers_of_published_certificates():
    found = record("alipay.json")["cert_sn"]
    public, app = leaf(found["alipay_public_cert_pem"]), leaf(found["app_public_cert_pem"])
    assert alipay_serial(public) == found["expect_alipay_cert_sn"]
    assert alipay_serial(app) == found["expect_app_cert_sn"]
    assert alipay_root_serial(found["alipay_root_cert_pem"]) == found["expect_alipay_root_cert_sn"]
    second = found["alipay_public_cert_pem"].split("-----END CERTIFICATE-----", 1)[1]
    assert alipay_serial(leaf(second)) == found["second_pem_in_same_file_sn"]


def test_a_root_block_nobody_can_parse_is_skipped_and_an_empty_file_is_not():
    found = record("alipay.json")["cert_sn"]
    broken = found["alipay_root_cert_pem"].replace("MII", "MIJ", 1)
    assert alipay_root_serial(broken) == found["expect_alipay_root_cert_sn"]
    with pytest.raises(rsa.KeyUnfit):
        certificates.alipay_root_serial("no certificate")
    with pytest.raises(rsa.KeyUnfit):
        leaf("no certificate")


def test_contents_are_encrypted_as_published():
    vector = record("alipay.json")["content_aes"]
    assert content.encrypt(vector["key_b64"], vector["plaintext"]) == vector["ciphertext_b64"]
    assert content.decrypt(vector["key_b64"], vector["ciphertext_b64"]) == vector["plaintext"]
    for wrong in ("AAAA", vector["ciphertext_b64"][:-4] + "AAA=", "not base64"):
        with pytest.raises(content.ContentUnreadable):
            content.decrypt(vector["key_b64"], wrong)
