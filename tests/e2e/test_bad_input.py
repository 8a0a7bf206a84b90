"""Every hostile string anybody collected, in every field a person can type into."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.money import CNY, parse_amount
from app.errors import RuleBroken
from app.services.catalogue import Article, Problem, read_catalogue
from app.wire.spreadsheets import harmless
from guidepos.bootstrap import open_till
from guidepos.till import Till
from tests.recorded import shared


def _hostile() -> list[str]:
    with gzip.open(shared("bad_input", "blns", "blns.json.gz"), "rt", encoding="utf-8") as file:
        strings: list[str] = json.load(file)
    injections = shared("bad_input", "csv-injection", "payloadbox_csv-payload.txt")
    amounts = shared("bad_input", "amounts", "seclists_amounts.txt")
    for listed in (injections, amounts):
        strings += listed.read_text("utf-8", errors="surrogateescape").split("\n")
    return strings


@pytest.fixture(scope="module")
def till(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    """A till with an empty store."""
    till = open_till(tmp_path_factory.mktemp("till"))
    yield till
    till.close()


def test_a_product_name_is_refused_with_a_code_or_shown_as_it_is(till: Till) -> None:
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(("sku", "style", "name", "price"))
    names = [name for name in _hostile() if name.strip()]
    writer.writerows((f"S{n}", f"T{n}", name, "1.00") for n, name in enumerate(names))
    table.seek(0)
    rows = list(read_catalogue(table, CNY))
    articles = [row for row in rows if isinstance(row, Article)]
    problems = [row for row in rows if isinstance(row, Problem)]
    assert len(articles) + len(problems) == len(names)
    assert len(articles) > len(names) // 2
    till.store.run(lambda uow: uow.put_skus([article.sku for article in articles])).result()
    for article in articles:
        kept = till.store.reader.sku(article.sku.sku_id)
        assert kept is not None
        assert kept.name == article.sku.name
        assert not harmless(kept.name).startswith(("=", "+", "-", "@"))


def test_searching_for_anything_answers(till: Till) -> None:
    for text in _hostile():
        till.store.reader.style_cards(text=text)
        till.store.reader.find_members(text)
        till.store.reader.find_code(text)
        till.store.reader.documents(text=text)


def test_a_member_with_any_name_and_note_is_refused_or_kept_as_it_is(till: Till) -> None:
    kept = 0
    for number, text in enumerate(_hostile()):
        try:
            member = till.members.join(text, f"1540{number:07d}").result()
        except RuleBroken:
            continue
        till_knows = till.members.get(member.member_ref)
        assert till_knows is not None
        assert till_knows.name == member.name
        kept += 1
        try:
            till.members.set_note(member, text).result()
        except RuleBroken:
            continue
        noted = till.members.get(member.member_ref)
        assert noted is not None
        assert noted.note == member.name
    assert kept > 200


def test_nothing_but_digits_is_a_pin(till: Till) -> None:
    for text in _hostile():
        with pytest.raises(RuleBroken):
            till.session.sign_in("nobody", text)


def test_amounts_are_read_exactly_or_refused() -> None:
    for text in _hostile():
        try:
            minor = parse_amount(text, CNY)
        except RuleBroken:
            continue
        assert isinstance(minor, int)


def test_every_csv_of_the_spectrum_is_read_or_refused() -> None:
    folder = shared("bad_input", "csv-spectrum", "csvs")
    for file in sorted(Path(folder).glob("*.csv")):
        with file.open(encoding="utf-8-sig", newline="") as lines, pytest.raises(RuleBroken):
            list(read_catalogue(lines, CNY))
        with file.open(encoding="utf-8-sig", newline="") as lines:
            heading = next(csv.reader(lines))
            first = heading[0]
            lines.seek(0)
            mapping = {"sku": first, "name": first, "price": first}
            rows = list(read_catalogue(lines, CNY, mapping))
        assert all(isinstance(row, Article | Problem) for row in rows)
