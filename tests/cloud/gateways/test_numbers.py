"""Merchants' order numbers: fit for every provider, each of one attempt of one store, and readable again."""

from __future__ import annotations

import re
import uuid

from hypothesis import given
from hypothesis import strategies as st

from app.domain.ids import uuid7
from cloud.gateways.base import AttemptKey
from cloud.gateways.numbers import attempt_id_of, attempt_of, books, first_number, order_number

IDS = st.builds(uuid7, st.integers(0, (1 << 48) - 1), st.binary(min_size=10, max_size=10))
CODES = st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True)
KEYS = st.builds(AttemptKey, CODES, CODES, IDS)


@given(KEYS)
def test_a_number_fits_every_provider_and_leads_back(attempt: AttemptKey):
    number = order_number(attempt)
    assert re.fullmatch(r"[0-9A-Za-z]{32}", number, re.ASCII)
    assert attempt_id_of(number) == attempt.attempt_id
    assert attempt_of(number, books(attempt)) == attempt


@given(KEYS, CODES, CODES)
def test_the_same_id_in_another_store_has_another_number(
    attempt: AttemptKey, tenant: str, store: str
):
    other = AttemptKey(tenant, store, attempt.attempt_id)
    assert (order_number(other) == order_number(attempt)) == (other == attempt)
    assert (attempt_of(order_number(attempt), books(other)) is None) == (other != attempt)


@given(KEYS)
def test_a_number_from_before_still_leads_back(attempt: AttemptKey):
    number = first_number(attempt.attempt_id)
    assert attempt_id_of(number) == attempt.attempt_id
    assert attempt_of(number, books(attempt)) == attempt


def test_other_systems_numbers_are_none_of_ours():
    for number in ("", "WEB-1", "A" * 31, "z" * 32, "0" * 31 + "_", str(uuid.uuid4())):
        assert attempt_id_of(number) == ""
        assert attempt_of(number, "t.s") is None
