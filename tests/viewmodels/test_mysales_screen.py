"""The guide's day: the figures are the reader's, and every commission explains itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication

from app.domain.money import half_away
from tests.qml.counterdesk import CounterDesk, open_counter
from ui.text import Words
from ui.viewmodels.documentrows import explained


@pytest.fixture
def desk(furnished: Path, tmp_path: Path, qapp: QGuiApplication) -> Iterator[CounterDesk]:
    opened = open_counter(furnished, tmp_path / "till")
    yield opened
    opened.close()


@pytest.fixture
def mine(desk: CounterDesk) -> Any:
    vm: Any = desk.counter.my_sales
    desk.a_days_work(6)
    vm.of(desk.guide)
    return vm


def test_before_the_first_sale_everything_is_zero_and_says_what_will_come(desk):
    vm: Any = desk.counter.my_sales
    vm.of(desk.guide)
    assert (vm.net, vm.commission, vm.units, vm.sales) == ("¥0.00", "¥0.00", "0", "0")
    assert vm.isEmpty
    assert (vm.average, vm.attach, vm.bestHour) == ("", "", "还没有成交")


def test_the_figures_are_those_of_the_records(desk, mine):
    documents = [
        desk.till.store.reader.document(s.document_id) for s in desk.till.store.reader.documents()
    ]
    assert mine.net == desk.words.amount(sum(d.total for d in documents))
    earned = sum(entry.amount for d in documents for entry in d.commissions)
    assert mine.commission == desk.words.amount(earned)
    assert mine.sales == "6"


def test_every_entry_explains_itself_and_the_newest_comes_first(desk, mine):
    rows = mine.entries.rows
    assert [row["receiptNo"] for row in rows] == sorted(
        (row["receiptNo"] for row in rows), reverse=True
    )
    for row in rows:
        assert row["sum"].endswith(f"= {row['amount']}")
        assert "×" in row["sum"]


def test_the_curve_peaks_at_one_in_the_best_hour(mine):
    rows = mine.hours.rows
    best = [row for row in rows if row["best"]]
    assert [row["part"] for row in best] == [1.0]
    assert all(0 <= row["part"] <= 1 for row in rows)
    assert mine.bestHour.startswith(f"{best[0]['label']} 点最高")
    assert [int(row["label"]) for row in rows] == list(range(9, 23))


def test_nobody_signed_in_shows_nobodys_money(mine):
    mine.of(None)
    assert (mine.title, mine.net, mine.isEmpty) == ("", "¥0.00", True)


def test_in_english_the_goods_have_their_english_names(desk, mine):
    chinese = [row["name"] for row in mine.entries.rows]
    desk.words.speak("en")
    english = [row["name"] for row in mine.entries.rows]
    assert all(name.isascii() for name in english)
    assert len(chinese) == len(english)
    assert mine.title.endswith("today")


@pytest.mark.parametrize("amount", [193, 194, 195])
def test_a_fen_left_over_from_splitting_is_said(qapp, amount: int):
    base, rate, weight = 12_900, 300, 5_000
    exact = half_away(base * rate * weight, 100_000_000)
    said = explained(base, rate, weight, amount, Words("zh_CN"))
    assert ("尾差" in said) == (amount != exact)
    assert f"= ¥{amount / 100:.2f}" in said
