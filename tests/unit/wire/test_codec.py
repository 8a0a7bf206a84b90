"""Journal bodies: frozen to the letter, read back exactly, and tolerant of tills that know more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.facts import Fact, fact_id
from app.errors import Code, Trouble
from app.wire.bodies import BODIES, EPOCH_OPENED
from app.wire.codec import decode, decode_body, encode
from app.wire.versions import HANDSHAKE, PROTOCOL, SCHEMA
from tests.unit.wire.samples import ADJUSTMENT, AT, FACTS, REFUND, SALE, STEP, facts, header

GOLDEN = Path(__file__).with_name("golden")


def read_back(fact: Fact) -> Fact:
    kind, body = encode(fact)
    return decode(header(kind, fact.at, fact.actor), body)


@pytest.mark.parametrize("kind", FACTS)
def test_bodies_are_frozen_to_the_byte(kind: str) -> None:
    """A changed file here means that tills already in shops can no longer be read: add, never change."""
    golden = (GOLDEN / f"{kind}.json").read_bytes().rstrip(b"\n")
    assert encode(FACTS[kind]) == (kind, golden)
    assert decode(header(kind, AT, FACTS[kind].actor), golden) == FACTS[kind]


def test_a_step_of_a_till_that_knew_no_evidence_is_the_same_to_the_byte() -> None:
    golden = (GOLDEN / "payment_step_without_evidence.json").read_bytes().rstrip(b"\n")
    step = replace(STEP, evidence="")
    assert encode(step) == ("payment_step", golden)
    assert decode(header("payment_step", AT, step.actor), golden) == step


def test_a_refund_of_a_till_that_knew_no_other_way_is_the_same_to_the_byte() -> None:
    golden = (GOLDEN / "refund_without_cash_reason.json").read_bytes().rstrip(b"\n")
    refund = replace(REFUND, cash_reason="")
    assert encode(refund) == ("refund", golden)
    assert decode(header("refund", AT, refund.actor), golden) == refund


@pytest.mark.parametrize("kind", FACTS)
def test_the_frozen_example_shows_every_field(kind: str) -> None:
    golden = msgspec.json.decode((GOLDEN / f"{kind}.json").read_bytes())
    _all_named(BODIES[kind], golden)


def _all_named(shape: Any, value: dict[str, Any]) -> None:
    described = msgspec.inspect.type_info(shape)
    assert isinstance(described, msgspec.inspect.StructType)
    assert {field.encode_name for field in described.fields} == set(value), shape
    for field in described.fields:
        if isinstance(field.type, msgspec.inspect.VarTupleType) and isinstance(
            field.type.item_type, msgspec.inspect.StructType
        ):
            for item in value[field.encode_name]:
                _all_named(field.type.item_type.cls, item)


@given(facts)
def test_every_fact_reads_back_as_it_was(fact: Fact) -> None:
    assert read_back(fact) == fact


@given(facts)
def test_a_body_carries_the_facts_own_id(fact: Fact) -> None:
    _, body = encode(fact)
    assert msgspec.json.decode(body)["id"] == fact_id(fact)


@pytest.mark.parametrize("kind", FACTS)
def test_fields_of_newer_tills_are_ignored(kind: str) -> None:
    body = msgspec.json.decode((GOLDEN / f"{kind}.json").read_bytes())
    body["invented_later"] = {"deep": [1, 2, 3]}
    for rows in (body.get("lines", []), body.get("tenders", []), body.get("movements", [])):
        for row in rows:
            row["invented_later"] = True
    read = decode(header(kind, AT, FACTS[kind].actor), msgspec.json.encode(body))
    assert read == FACTS[kind]


def test_fields_at_their_default_are_left_out_and_come_back() -> None:
    kind, body = encode(ADJUSTMENT)
    assert b"reference" in body
    bare = b'{"id":"a","business_date":"2025-10-09","reason":"found"}'
    read = decode(header(kind, AT, "p"), bare)
    assert encode(read)[1] == bare


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("gift_card", b"{}"),
        ("sale", b""),
        ("sale", b"{"),
        ("sale", b"[]"),
        ("sale", b"{}"),
        ("sale", b'{"id":1}'),
        ("sale", b"\xff\xfe"),
        ("payment_step", b"null"),
    ],
)
def test_what_is_no_body_is_trouble_not_a_crash(kind: str, body: bytes) -> None:
    with pytest.raises(Trouble) as error:
        decode_body(kind, body)
    assert error.value.code is Code.CLOUD_MESSAGE_INVALID
    assert not error.value.retryable


@given(st.binary(max_size=60), st.sampled_from(sorted(BODIES)))
def test_no_bytes_at_all_can_crash_the_reader(body: bytes, kind: str) -> None:
    with pytest.raises(Trouble):
        decode_body(kind, body)


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("sale", b'"kind":"qr"', b'"kind":"palm"'),
        ("sale", b'"kind":"service"', b'"kind":"rental"'),
        ("refund", b'"kind":"return"', b'"kind":"swap"'),
        ("payment_step", b'"state":"confirmed"', b'"state":"settled"'),
        ("payment_step", b'"late"', b'"odd"'),
    ],
)
def test_words_of_newer_tills_are_trouble_not_a_crash(kind: str, old: bytes, new: bytes) -> None:
    body = (GOLDEN / f"{kind}.json").read_bytes()
    assert old in body
    with pytest.raises(Trouble) as error:
        decode(header(kind, AT, "p"), body.replace(old, new))
    assert error.value.code is Code.CLOUD_MESSAGE_INVALID


def test_an_unknown_time_quality_is_trouble() -> None:
    kind, body = encode(SALE)
    with pytest.raises(Trouble):
        decode(replace(header(kind, AT, "p"), t_quality="Z"), body)


def test_every_kind_has_a_version() -> None:
    assert SCHEMA.keys() == BODIES.keys() == FACTS.keys() | {EPOCH_OPENED}
    assert set(SCHEMA.values()) == {PROTOCOL} == {HANDSHAKE} == {1}


def test_no_body_has_a_place_for_personal_data() -> None:
    """Members are references; names, phones and notes would make erasing a person break the chain."""
    for shape in BODIES.values():
        names = {field.encode_name for field in msgspec.structs.fields(shape)}
        assert not names & {"name", "phone", "note", "member", "member_name", "buyer"}
