"""The EMVCo codec against the official samples, the published table of checksums and generated codes."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.gateways.emvco.codec import (
    DYNAMIC,
    FORMAT,
    QrInvalid,
    Template,
    checksum,
    decode,
    encode,
)
from tests.cloud.gateways.records import record


def tree(objects) -> list[object]:
    return [
        [each.id, [list(part) for part in each.parts]] if isinstance(each, Template) else list(each)
        for each in objects
    ]


def test_the_table_of_checksums():
    cases = record("emvco.json")["crc16_ccitt_false"]["cases"]
    assert [case["text"] for case in cases if checksum(case["text"]) != case["crc_hex"]] == []
    assert any(case["crc_hex"].startswith("0") for case in cases)


def test_the_official_sample():
    sample = record("emvco.json")["mpm_official"]
    read = decode(sample["payload"])
    assert tree(read) == sample["tree"][:-1]
    assert encode(read) == sample["payload"]
    assert sample["payload"].endswith(sample["crc"])


def test_more_valid_payloads_are_read_and_written_back():
    for case in record("emvco.json")["mpm_more_valid"]:
        assert encode(decode(case["payload"])) == case["payload"]


def test_invalid_payloads_are_refused():
    for case in record("emvco.json")["mpm_invalid"]:
        with pytest.raises(QrInvalid):
            decode(case["payload"])


@pytest.mark.parametrize(
    "objects",
    [
        [FORMAT, ("54", "12.3x")],
        [FORMAT, ("54", "-1")],
        [FORMAT, ("59", "")],
        [FORMAT, ("59", "x" * 100)],
        [FORMAT, ("59", "a"), ("59", "b")],
        [DYNAMIC, FORMAT],
        [FORMAT, ("5", "x")],
        [FORMAT, *((f"{number:02d}", "x" * 99) for number in range(65, 71))],
    ],
)
def test_what_breaks_a_limit_is_not_written(objects):
    with pytest.raises(QrInvalid):
        encode(objects)


names = st.text(min_size=1, max_size=25)


@given(names, names, st.integers(min_value=1, max_value=10**9))
def test_what_is_written_is_read_back(name, account, amount):
    objects = (
        FORMAT,
        DYNAMIC,
        Template("26", (("00", "com.example"), ("01", account))),
        ("54", f"{amount // 100}.{amount % 100:02d}"),
        ("59", name),
    )
    assert decode(encode(objects)) == objects


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(QrInvalid):
        decode(text)
