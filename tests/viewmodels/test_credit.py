"""Parts of a line's credit always sum to the whole."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QObject

from app.domain.people import GuideShare, sole_guide
from tests.qml.stage import StageTill
from ui.text import Words
from ui.viewmodels.credit import CreditVm
from ui.viewmodels.shoplists import ShopLists


@pytest.fixture
def sheet(till: StageTill, words: Words, owner: QObject) -> Any:
    lists = ShopLists(till.store, words)
    lists.load()
    vm = CreditVm(words, lists, owner)
    vm.open("1", sole_guide("G01"))
    return vm


def kept(sheet: Any) -> tuple[GuideShare, ...]:
    heard: list[tuple[GuideShare, ...]] = []
    sheet.shared.connect(lambda _line, shares: heard.append(shares))
    sheet.keep()
    return heard[-1] if heard else ()


def test_choosing_a_second_guide_shares_evenly(sheet: Any):
    sheet.toggle("G02")
    assert [s.weight_bp for s in kept(sheet)] == [5_000, 5_000]


def test_three_guides_sum_to_exactly_everything(sheet: Any):
    sheet.toggle("G02")
    sheet.toggle("G03")
    assert [s.weight_bp for s in kept(sheet)] == [3_334, 3_333, 3_333]


def test_parts_move_by_a_tenth_and_nobody_falls_under_one(sheet: Any):
    sheet.toggle("G02")
    for _ in range(20):
        sheet.more("G02")
    assert {s.guide_id: s.weight_bp for s in kept(sheet)} == {"G01": 1_000, "G02": 9_000}


def test_nobody_chosen_cannot_be_kept(sheet: Any):
    sheet.toggle("G01")
    assert not sheet.canKeep
    assert kept(sheet) == ()


def test_no_more_than_five_share(sheet: Any):
    for guide in ("G02", "G03", "G04", "G05", "G06"):
        sheet.toggle(guide)
    assert len(kept(sheet)) == 5
