"""Whether the cloud's books are still the same: asked by whoever was refused, answered by the next hello."""

from __future__ import annotations

from app.errors import Code, Trouble
from app.ports import BOOKS_ANSWERED, BOOKS_ASKED
from app.services.same_books import note_books, refuses_for_sure
from tests.sync.till import Till


def begin(till: Till) -> None:
    till.store.run(lambda uow: note_books(uow, "r1")).result()


def is_sure(till: Till) -> bool:
    """Hear a refusal."""
    return till.store.run(lambda uow: refuses_for_sure(uow, "r1")).result()


def test_a_round_greets_for_whoever_was_refused_though_no_hello_is_due(till: Till):
    till.engine.run()
    begin(till)
    assert not is_sure(till)
    till.transport.calls.clear()
    till.engine.run(hello=False, pull=False)
    assert till.transport.calls == ["hello"]
    assert is_sure(till)
    till.engine.run(hello=False, pull=False)
    assert till.transport.calls == ["hello"], "one answer is enough"


def test_a_cloud_that_came_back_from_a_backup_proves_nothing(till: Till):
    till.record(2)
    till.engine.run()
    begin(till)
    till.cloud.timeline = "restored"
    for _ in range(3):
        assert not is_sure(till)
        till.engine.run(hello=False)
    assert till.store.held.who.timeline == "restored"


def test_a_hello_that_was_asked_before_the_refusal_is_no_answer_to_it(till: Till, monkeypatch):
    till.engine.run()
    begin(till)
    hello = till.cloud.hello

    def refused_meanwhile(device, request):
        answer = hello(device, request)
        assert not is_sure(till)
        return answer

    monkeypatch.setattr(till.cloud, "hello", refused_meanwhile)
    till.engine.run()
    assert not is_sure(till)
    monkeypatch.undo()
    till.engine.run(hello=False)
    assert is_sure(till)


def test_a_hello_without_an_answer_leaves_the_question_open(till: Till, monkeypatch):
    till.engine.run()
    begin(till)
    assert not is_sure(till)

    def lost(device, request):
        raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True)

    with monkeypatch.context() as line:
        line.setattr(till.cloud, "hello", lost)
        till.engine.run()
    assert not is_sure(till)
    assert till.store.held.states[BOOKS_ASKED] == "1"
    assert till.store.held.states.get(BOOKS_ANSWERED, "") == ""
    till.engine.run(hello=False)
    assert is_sure(till)


def test_what_was_begun_without_knowing_the_books_is_never_sure(till: Till):
    till.engine.run()
    assert not is_sure(till)
    till.engine.run()
    assert not is_sure(till)
