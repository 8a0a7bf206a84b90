"""The harness measures what it says it measures."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from app.devices.barcode import ZbarReader, ZxingReader
from app.domain.money import CURRENCIES
from app.ports import Frame
from app.services.replay import read_source
from app.services.scanning import Scanner
from benchmarks import bootstrapping, commit_ratio, decoding, frames, paying, throughput
from benchmarks.report import told
from benchmarks.run import BUDGETS, is_kept
from benchmarks.searches import KINDS, SCANS, Step, quantile, steps
from benchmarks.shops import copied, shop, template
from benchmarks.window import open_window
from guidepos.bootstrap import open_till

SKUS, MEMBERS = 60, 200


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(SKUS, MEMBERS, tmp_path_factory.mktemp("bench"))


def test_a_shop_sells_all_its_skus_and_knows_all_its_members(home: Path, tmp_path: Path):
    goods = shop(SKUS, MEMBERS)
    till = open_till(copied(home, tmp_path / "till"))
    try:
        reader = till.store.reader
        assert reader.find_code(goods.skus[-1].gtin) is not None
        assert reader.find_members(goods.members[-1].phone[-6:])
        assert sum(count for _, count in reader.categories()) == len(goods.styles)
        matrix = reader.matrix(goods.styles[0].style_no)
        assert matrix is not None
        assert any(cell and cell.others for row in matrix.cells for cell in row)
    finally:
        till.close()


def test_a_template_is_made_once(home: Path):
    before = (home / "store.db").stat().st_mtime_ns
    assert template(SKUS, MEMBERS, home.parent) == home
    assert (home / "store.db").stat().st_mtime_ns == before


def test_every_kind_has_its_repetitions_and_they_are_mixed():
    made = steps(shop(SKUS, 0), 12)
    assert Counter(step.kind for step in made) == dict.fromkeys(KINDS, 12)
    assert [step.kind for step in made] != sorted(step.kind for step in made)


def test_texts_are_in_the_shop_and_misses_are_not(home: Path, tmp_path: Path):
    till = open_till(copied(home, tmp_path / "till"))
    try:
        for step in steps(shop(SKUS, 0), 12):
            if step.kind in (*SCANS, "floor"):
                continue
            found = till.store.reader.style_cards(text=step.text, limit=5)
            assert bool(found) == (step.kind != "miss"), step
    finally:
        till.close()


@pytest.mark.qml
def test_every_kind_is_seen_in_the_window_and_leaves_no_trace(home: Path, tmp_path: Path):
    made = steps(shop(SKUS, MEMBERS), 2)
    result = frames.measure(copied(home, tmp_path / "till"), made, 0, None, online=False)
    for kind in KINDS:
        figures = result[kind]
        assert isinstance(figures, dict)
        assert figures["repetitions"] == 2
        assert figures["p50_ms"] > 0


@pytest.mark.qml
def test_a_sale_in_cash_ends_with_a_receipt(home: Path, tmp_path: Path):
    with open_window(copied(home, tmp_path / "till")) as watched:
        watched.sign_in()
        code = shop(SKUS, 0).skus[0].gtin
        watched.key("\r", watched.scan(code))
        watched.rest(60)
        paying.in_cash(watched, after_qr=False)
        assert watched.shell.root.property("sheet") == "done"


def test_a_recorded_file_has_its_lines_and_no_line_is_lost(tmp_path: Path):
    file = tmp_path / "recorded.csv"
    lines = throughput.write_recorded(file, 50)
    assert lines == 50 * throughput.LINES_EACH
    source = read_source(iter(file.read_text("utf-8").splitlines(keepends=True)), CURRENCIES["GBP"])
    assert len(source.invoices) == 50
    assert sum(len(invoice.lines) for invoice in source.invoices.values()) == lines
    with file.open(encoding="utf-8", newline="") as text:
        assert any(int(row["Quantity"]) < 0 for row in csv.DictReader(text))


def test_sales_for_the_push_are_recorded_with_five_lines(home: Path, tmp_path: Path):
    till = open_till(copied(home, tmp_path / "till"))
    try:
        throughput.record_sales(till, 7)
        documents = till.store.reader.documents()
        assert len(documents) == 7
        assert all(document.units == 5 for document in documents)
        assert till.store.verify_journal() is None
    finally:
        till.close()


def test_a_new_till_is_filled_and_the_longest_job_is_told(tmp_path: Path):
    figures = bootstrapping.measure(tmp_path / "new", tmp_path / "cloud", 60, 40)
    assert 0 < figures["bootstrap_selling_s"] <= figures["bootstrap_s"]
    assert figures["bootstrap_rows"] > 100
    assert figures["bootstrap_job_max_ms"] >= figures["bootstrap_job_p99_ms"] > 0


def test_the_commit_ratio_compares_both_sides():
    figures = commit_ratio.measure(20, 50)
    assert figures["commit_ratio_p50"] > 0
    assert figures["commit_store_p50_ms"] > 0


def test_quantiles_are_the_nearest_rank():
    values = [float(each) for each in range(1, 101)]
    assert [quantile(values, percent) for percent in (50, 95, 99)] == [50, 95, 99]
    assert quantile([7.0], 99) == 7.0


def test_a_missed_budget_is_said():
    figures = dict.fromkeys(BUDGETS, 1e9)
    assert [name for name in BUDGETS if is_kept(name, 1e9)] == [
        "replay_invoices_per_s",
        "push_sales_per_s",
        "pictures_right",
        "cloud_sales_per_s",
        "cloud_ratio_to_bare",
    ]
    assert told(figures).count("MISSED") == len(BUDGETS) - 5


def test_the_camera_sees_codes_in_three_scenes_and_none_in_five():
    seen = []
    for scene in decoding.scenes():
        scanner = Scanner(ZxingReader(), ZbarReader())
        looks = [scanner.look(Frame(scene, *decoding.SIZE)) for _ in range(3)]
        seen += [code.symbology for code in looks[-1]]
    assert seen == ["qr", "ean13", "code128"]


def test_a_step_is_what_was_typed():
    assert Step("pinyin", "yangma", "o").text == "yangmao"
