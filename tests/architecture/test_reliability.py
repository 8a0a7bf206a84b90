"""docs/RELIABILITY.md is what the tests say, and no fault that must be injected goes without a test."""

from __future__ import annotations

import pytest

from tests.torture.faults import FAULTS
from tests.torture.reliability import PAGE, Injected, collected, page, published

pytestmark = pytest.mark.xdist_group("reliability")  # one look at all tests serves both


@pytest.fixture(scope="module")
def injected() -> dict[int, Injected]:
    return collected()


def test_every_fault_is_injected_by_a_test_or_belongs_to_another_part(injected):
    bare = {n for n, fault in FAULTS.items() if not injected[n].tests and not fault.part}
    assert bare == set()


def test_the_committed_page_is_the_generated_one(injected):
    assert PAGE.read_text("utf-8") == page(injected, published()), "run `make reliability`"


def test_the_faults_are_numbered_without_gaps_and_the_foreign_ones_are_known():
    assert list(FAULTS) == list(range(1, 43))
    assert {n: fault.part for n, fault in FAULTS.items() if fault.part} == {
        39: "payments",
        42: "counter",
    }
