"""What a round leaves for a person at the till: damage, another epoch, books that differ; each once."""

from __future__ import annotations

from app.sync.report import BooksDifference
from app.wire.upkeep import BooksAnswer, DayBooks
from tests.sync.till import Till

DAY = "2025-10-09"


def alarms(till: Till) -> list[tuple[str, str]]:
    return sorted((code, subject) for code, subject in till.store.held.alarms)


def books(till: Till, monkeypatch, here: list[DayBooks], there: BooksAnswer) -> None:
    monkeypatch.setattr(type(till.store.held), "day_books", lambda uow, since: tuple(here))
    monkeypatch.setattr(till.cloud, "books", lambda device, since: there)


def sold(documents: int, total: int) -> DayBooks:
    return DayBooks(business_date=DAY, kind="sale", documents=documents, total=total)


def test_a_quiet_round_leaves_nothing(till: Till):
    till.record(3)
    till.engine.run()
    assert alarms(till) == []


def test_damage_and_another_epoch_are_left_once(till: Till):
    till.record(3)
    till.store.damage(2)
    till.engine.run()
    assert alarms(till) == [("sealed_damaged", "2")]
    till.store.held.states["restored"] = "1"
    for _ in range(2):
        till.engine.run()
    epoch = till.store.held.who.epoch
    assert alarms(till) == [("epoch_restored", epoch), ("sealed_damaged", "2")]


def test_books_that_differ_are_left_with_both_sides_figures(till: Till, monkeypatch):
    books(till, monkeypatch, [sold(3, 300)], BooksAnswer(days=[sold(2, 200)]))
    report = till.engine.run()
    assert report.books == (BooksDifference(DAY, "sale", (3, 300), (2, 200)),)
    assert till.store.held.alarms["books_differ", f"{DAY} sale"] == "3 = 300 / 2 = 200"


def test_books_that_agree_or_cannot_be_compared_are_silent(till: Till, monkeypatch):
    books(till, monkeypatch, [sold(3, 300)], BooksAnswer(days=[sold(3, 300)]))
    assert till.engine.run().books == ()
    books(till, monkeypatch, [sold(3, 300)], BooksAnswer(days=[], set_aside=1))
    assert till.engine.run().books == ()
    assert alarms(till) == []


def test_books_are_compared_at_a_hello_only(till: Till, monkeypatch):
    till.engine.run()
    till.transport.calls.clear()
    till.engine.run(hello=False)
    assert "books" not in till.transport.calls
