"""Whatever thread posts, the GUI thread takes, in order; and posting to the dead hurts nobody."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from queue import SimpleQueue

import pytest
from PySide6.QtCore import QObject

from ui.postbox import posted_to
from ui.shell import delete_now
from ui.tasks import Tasks

ROUNDS = 8_000


class Taker(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.taken: list[tuple[int, threading.Thread]] = []

    def take(self, what: int) -> None:
        self.taken.append((what, threading.current_thread()))


@pytest.fixture
def impatient() -> Iterator[None]:
    """Threads that interrupt one another as often as Python lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def test_letters_of_any_thread_are_taken_in_order_on_the_gui_thread(qtbot):
    taker = Taker()
    post = posted_to(taker.take)
    poster = threading.Thread(target=lambda: [post(n) for n in range(100)])
    poster.start()
    poster.join()
    assert taker.taken == []
    qtbot.waitUntil(lambda: len(taker.taken) == 100)
    assert taker.taken == [(n, threading.main_thread()) for n in range(100)]


@pytest.mark.parametrize("by_qt", [True, False], ids=["deleted by Qt", "forgotten by Python"])
def test_what_is_on_its_way_to_somebody_who_is_gone_is_dropped(qtbot, by_qt: bool):
    taker, witness = Taker(), Taker()
    post, taken = posted_to(taker.take), taker.taken
    post(1)
    if by_qt:
        delete_now(taker)
    else:
        del taker
        gc.collect()
    post(2)
    posted_to(witness.take)(3)
    qtbot.waitUntil(lambda: bool(witness.taken))
    assert taken == []


def test_a_letter_that_raises_loses_no_other(qtbot):
    class Clumsy(Taker):
        def take(self, what: int) -> None:
            super().take(what)
            if what == 1:
                raise ValueError("the letter is torn")

    clumsy = Clumsy()
    post = posted_to(clumsy.take)
    with qtbot.captureExceptions() as raised:
        for number in range(3):
            post(number)
        qtbot.waitUntil(lambda: len(clumsy.taken) == 3)
    assert [kind for kind, _, _ in raised] == [ValueError]


def test_answers_that_come_while_their_screen_is_deleted_hurt_nobody(qapp, impatient):
    """The answer's thread and the deleting one meet at every point there is between them."""
    completed: SimpleQueue[Future[int] | None] = SimpleQueue()

    def complete() -> None:
        while (future := completed.get()) is not None:
            future.set_result(1)

    stores = [threading.Thread(target=complete) for _ in range(4)]
    for store in stores:
        store.start()
    for turn in range(ROUNDS):
        owner = QObject()
        tasks = Tasks(owner)
        for _ in range(8):
            future: Future[int] = Future()
            tasks.follow(future, lambda _: None)
            completed.put(future)
        for _ in range(turn % 7):
            qapp.processEvents()
        delete_now(owner)
    for _ in stores:
        completed.put(None)
    for store in stores:
        store.join()
    qapp.processEvents()
