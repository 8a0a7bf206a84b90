"""Whose payment code a text is, and the article number inside longer codes."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.catalog import gtin_check_digit
from app.domain.gs1 import article_number
from app.domain.payment_code import PaymentCode, payment_code
from tests.recorded import shared

DIGITS = "0123456789"


def test_the_published_payment_codes_are_told_apart():
    cases = json.loads(shared("payments", "payment_code_prefixes.json").read_text("utf-8"))["cases"]
    assert len(cases) > 10
    for case in cases:
        assert payment_code(case["code"]) == case["expect"], case


@pytest.mark.parametrize(
    ("first", "last", "lengths", "code"),
    [
        (25, 30, range(16, 25), PaymentCode.ALIPAY),
        (10, 15, range(18, 19), PaymentCode.WECHAT),
        (62, 62, range(19, 20), PaymentCode.UNIONPAY),
    ],
)
def test_every_prefix_counts_at_its_lengths_only(first, last, lengths, code):
    for prefix in range(100):
        for length in range(2, 30):
            text = f"{prefix:02d}".ljust(length, "7")
            fits = first <= prefix <= last and length in lengths
            assert (payment_code(text) is code) is fits, text


@given(st.text(max_size=40))
def test_no_text_is_a_payment_code_unless_it_is_digits_or_base64(text: str):
    if payment_code(text) is not PaymentCode.UNKNOWN:
        assert re.fullmatch(r"[0-9A-Za-z+/=]+", text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 130061098828009406",
        "130061098828009406 ",
        "１３0061098828009406",
        "hQVDUFY",
        "hQVDUFY!",
    ],
)
def test_what_only_looks_like_a_payment_code_is_unknown(text: str):
    assert payment_code(text) is PaymentCode.UNKNOWN


def test_an_article_number_has_no_length_of_a_payment_code():
    for length in (8, 12, 13, 14):
        for prefix in range(100):
            assert payment_code(f"{prefix:02d}".ljust(length, "0")) is PaymentCode.UNKNOWN


def test_the_published_digital_links_name_their_article():
    links = json.loads(shared("codes", "gs1_vectors.json").read_text("utf-8"))["digital_link"]
    named = 0
    for link in links:
        wanted = re.search(r"\^01(\d{14})", link["element_string"] or "")
        # A word instead of the number 01 and an article told in the query are not looked for.
        if wanted and "/01/" in link["uri"]:
            named += 1
            assert article_number(link["uri"]).zfill(14) == wanted[1], link["uri"]
        elif "/01/" not in link["uri"]:
            assert article_number(link["uri"]) == "", link["uri"]
    assert named > 5


@given(st.text(DIGITS, min_size=13, max_size=13), st.text("ABC123", max_size=8))
def test_an_article_is_found_in_element_strings(body: str, serial: str):
    number = body + str(gtin_check_digit(body))
    for text in (
        f"01{number}21{serial}",
        f"(01){number}(21){serial}",
        f"]C101{number}\x1d21{serial}",
        f"https://id.gs1.org/01/{number}/21/{serial}x",
        f"HTTP://shop.example/stem/01/{number}?17=261231",
    ):
        assert article_number(text) == number


@given(st.text(max_size=60))
def test_no_text_breaks_it(text: str):
    for asked in (text, "https://" + text, "01" + text, "http://a/01/" + text):
        article_number(asked)


@pytest.mark.parametrize(
    "text",
    [
        "https://a/01/4006381333930",  # check digit
        "https://a/01/4006381333931/21",  # a qualifier without its value
        "ftp://a/01/4006381333931",
        "https:///01/4006381333931",
        "https://[/01/4006381333931",
        "00614141123456789012",
    ],
)
def test_what_names_no_article_gives_none(text: str):
    assert article_number(text) == ""
