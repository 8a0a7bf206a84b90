"""Answers come home to the GUI thread, sorted, and never to somebody who is gone."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from PySide6.QtCore import QObject

from app.errors import Code, RuleBroken, Trouble
from ui.tasks import Failure, FailureKind, Tasks, then


@pytest.fixture
def tasks(qapp):
    owner = QObject()
    yield Tasks(owner)
    owner.deleteLater()


def test_a_result_arrives_on_the_gui_thread(qtbot, tasks):
    heard: list[tuple[int, threading.Thread]] = []
    with ThreadPoolExecutor(1) as pool:
        tasks.follow(
            pool.submit(lambda: 42), lambda x: heard.append((x, threading.current_thread()))
        )
        assert tasks.isBusy()
        qtbot.waitUntil(lambda: bool(heard))
    assert heard == [(42, threading.main_thread())]
    assert not tasks.isBusy()


def test_a_finished_future_still_answers_later_never_inside_follow(qtbot, tasks):
    done: Future[str] = Future()
    done.set_result("x")
    heard: list[str] = []
    tasks.follow(done, heard.append)
    assert heard == []
    qtbot.waitUntil(lambda: heard == ["x"])


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            RuleBroken(Code.CASH_NOT_ENOUGH, missing=5),
            Failure(FailureKind.RULE, Code.CASH_NOT_ENOUGH, {"missing": 5}),
        ),
        (
            Trouble(Code.CLOUD_UNREACHABLE, retryable=True),
            Failure(FailureKind.TROUBLE, Code.CLOUD_UNREACHABLE, {}, True),
        ),
    ],
)
def test_failures_are_sorted_into_rule_and_trouble(qtbot, tasks, error, expected):
    future: Future[None] = Future()
    heard: list[Failure] = []
    tasks.follow(future, lambda _: None, heard.append)
    future.set_exception(error)
    qtbot.waitUntil(lambda: bool(heard))
    assert heard == [expected]


def test_a_bug_reaches_the_crash_report_and_the_person(qtbot, tasks, monkeypatch):
    reported: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda _t, error, _tb: reported.append(error))
    future: Future[None] = Future()
    heard: list[Failure] = []
    tasks.follow(future, lambda _: None, heard.append)
    bug = KeyError("slip")
    future.set_exception(bug)
    qtbot.waitUntil(lambda: bool(heard))
    assert reported == [bug]
    assert heard == [Failure(FailureKind.BUG)]


def test_a_newer_question_in_a_lane_silences_the_older(qtbot, tasks):
    older: Future[str] = Future()
    newer: Future[str] = Future()
    heard: list[str] = []
    tasks.follow(older, heard.append, lane="search")
    tasks.follow(newer, heard.append, lane="search")
    older.set_result("older")
    newer.set_result("newer")
    qtbot.waitUntil(lambda: bool(heard))
    qtbot.wait(1)
    assert heard == ["newer"]


def test_a_forgotten_lane_is_silent_and_not_busy(qtbot, tasks):
    future: Future[str] = Future()
    heard: list[str] = []
    tasks.follow(future, heard.append, lane="look")
    tasks.forget("look")
    assert not tasks.isBusy()
    future.set_result("x")
    qtbot.wait(1)
    assert heard == []


def test_quiet_work_makes_nobody_wait(qtbot, tasks):
    future: Future[str] = Future()
    told: list[bool] = []
    tasks.busyChanged.connect(lambda: told.append(tasks.isBusy()))
    tasks.follow(future, lambda _: None, quiet=True)
    assert not tasks.isBusy()
    loud: Future[str] = Future()
    tasks.follow(loud, lambda _: None)
    loud.set_result("")
    future.set_result("")
    qtbot.waitUntil(lambda: told == [True, False])


def test_an_answer_to_somebody_who_is_gone_hurts_nobody(qtbot, qapp):
    owner = QObject()
    tasks = Tasks(owner)
    future: Future[str] = Future()
    heard: list[str] = []
    tasks.follow(future, heard.append)
    owner.deleteLater()
    qtbot.wait(1)
    future.set_result("x")
    qtbot.wait(1)
    assert heard == []


def test_a_cancelled_future_is_silence(qtbot, tasks):
    future: Future[str] = Future()
    heard: list[object] = []
    tasks.follow(future, heard.append, heard.append)
    future.cancel()
    qtbot.waitUntil(lambda: not tasks.isBusy())
    assert heard == []


def test_what_follows_a_future_is_done_where_it_was_completed():
    first: Future[int] = Future()
    threads: list[threading.Thread] = []

    def work(value: int) -> int:
        threads.append(threading.current_thread())
        return value * 2

    second = then(first, work)
    worker = threading.Thread(target=lambda: first.set_result(21))
    worker.start()
    worker.join()
    assert second.result() == 42
    assert threads == [worker]


def test_a_failure_passes_through_what_follows():
    first: Future[int] = Future()
    second = then(first, lambda value: value)
    first.set_exception(Trouble(Code.STORE_BUSY))
    with pytest.raises(Trouble):
        second.result(timeout=0)
