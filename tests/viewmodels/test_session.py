"""Signing in: the PIN as it is typed, refusals and the lock-out's countdown."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.domain.people import Person
from tests.qml.stage import StageTill
from ui.text import Words
from ui.viewmodels.session import SessionVm


@pytest.fixture
def session(till: StageTill, words: Words, owner: QObject) -> Any:
    vm = SessionVm(till.session, till.network, words, owner)
    vm.load()
    return vm


def enter(session: Any, pin: str) -> None:
    for figure in pin:
        session.digit(figure)
    session.submit()


def test_everyone_of_the_store_is_listed(session: Any):
    assert len(session.people.rows) == 8
    assert [row["letters"] for row in session.people.rows[:2]] == ["晴", "桐"]


def test_the_right_pin_signs_in(qtbot: QtBot, session: Any):
    session.choose("G01")
    with qtbot.waitSignal(session.signedIn) as signed:
        enter(session, "1001")
    assert signed.args is not None
    person = signed.args[0]
    assert isinstance(person, Person)
    assert person.person_id == "G01"
    assert (session.chosen, session.typed) == ("", 0)


def test_too_few_figures_cannot_be_sent(session: Any):
    session.choose("G01")
    enter(session, "100")
    assert not session.busy
    assert session.typed == 3


def test_a_pin_has_at_most_eight_figures_and_no_letters(session: Any):
    session.choose("G01")
    for figure in "12345678901a":
        session.digit(figure)
    assert session.typed == 8
    session.erase()
    assert session.typed == 7


def test_a_wrong_pin_says_how_many_tries_are_left_and_forgets_the_figures(
    qtbot: QtBot, session: Any
):
    session.choose("G01")
    with qtbot.waitSignal(session.refused):
        enter(session, "9999")
    assert "4" in session.message
    assert session.isProblem
    assert session.typed == 0


def test_five_wrong_pins_lock_with_a_countdown_that_ends(
    qtbot: QtBot, session: Any, till: StageTill
):
    session.choose("G01")
    for _ in range(5):
        with qtbot.waitSignal(session.refused):
            enter(session, "9999")
    assert session.locked
    assert "1:00" in session.message
    session._count_down()
    assert "0:59" in session.message
    session.digit("1")
    assert session.typed == 0
    session.back()
    session.choose("G01")
    assert session.locked
    till.clock.advance(61)
    session.choose("G01")
    assert not session.locked


def test_names_follow_the_language(session: Any, words: Words):
    words.speak("en")
    assert session.people.rows[0]["name"] == "Lin Wanqing"
    assert session.people.rows[0]["letters"] == "LW"
