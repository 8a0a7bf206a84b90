"""Whatever is lost, refused, restored or restarted, never more goes back than came, and the books say so."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.domain.money_back import Back
from app.domain.refund import Refund
from app.domain.sale import Sale, TenderKind
from app.errors import Code, RuleBroken
from tests.unit.services.test_giving_back import Counter
from tests.unit.services.test_refused_for_sure import greet
from tests.unit.services.till import COAT, SCARF, Till

MOVES = st.sampled_from(
    [
        *(
            "give",
            "give",
            "lose answer",
            "lose request",
            "refuse",
            "pend",
            "ask",
            "cash",
            "restart",
        ),
        *("cloud refuses", "cloud refuses", "restore the cloud", "hello", "hello"),
    ]
)


def _row(*moves: str) -> list[tuple[str, int, int]]:
    return [(move, 1, 1) for move in moves]


@settings(max_examples=40, deadline=None)
@example(_row("lose answer", "restore the cloud", "hello", "cloud refuses", "cash"))
@example(_row("lose answer", "cloud refuses", "restore the cloud", "cloud refuses", "cash"))
@example(_row("lose request", "cloud refuses", "hello", "cloud refuses", "cash"))
@given(st.lists(st.tuples(MOVES, st.integers(1, 3), st.integers(1, 2)), max_size=14))
def test_never_more_goes_back_than_came_whatever_is_lost(moves: list[tuple[str, int, int]]):
    with tempfile.TemporaryDirectory() as folder:
        till = Till(Path(folder) / "till.db")
        try:
            _play(Counter(till), moves)
        finally:
            till.close()


def _play(counter: Counter, moves: list[tuple[str, int, int]]) -> None:
    sale = counter.sale(COAT, SCARF, SCARF)
    attempt_id, books = sale.tenders[0].attempt_id, 1
    greet(counter, str(books))
    for move, line_no, pieces in moves:
        counter.desk.lose_answers = int(move == "lose answer")
        counter.desk.lose_requests = int(move == "lose request")
        counter.desk.next = {"refuse": [Back.REFUSED], "pend": [Back.PENDING]}.get(move, [])
        if move == "restore the cloud":
            counter.desk.forget()
            books += 1
        try:
            if move == "restart":
                counter.restart()
            elif move == "hello":
                greet(counter, str(books))
            elif move in ("cloud refuses", "restore the cloud"):
                _be_refused(counter)
            elif move == "ask":
                _ask_on(counter)
            elif move == "cash":
                counter.cash(sale, {line_no: pieces}, "wish")
            else:
                counter.give(sale, {line_no: pieces})
        except RuleBroken:
            pass
        counter.desk.lose_answers = counter.desk.lose_requests = 0
        counter.desk.next.clear()
        assert counter.desk.gone(attempt_id) <= sale.total
    _ask_on(counter)
    assert counter.job.not_ended() == ()
    _check_books(counter, sale, attempt_id)


def _ask_on(counter: Counter) -> None:
    """Let the provider do what it has accepted, and the till ask."""
    for step in counter.job.not_ended():
        if step.number in counter.desk.numbers:
            counter.desk.say(step.number, Back.DONE)
        counter.job.refresh(step.number).result()


def _be_refused(counter: Counter) -> None:
    """Ask on at a cloud that gives nothing back which it does not know yet."""
    counter.desk.refuses = Code.PAYMENT_NOT_CONFIRMED
    for step in counter.job.not_ended():
        counter.job.refresh(step.number).result()
    counter.desk.refuses = None


def _check_books(counter: Counter, sale: Sale, attempt_id: str) -> None:
    reader = counter.till.store.reader
    found = [reader.document(row.document_id) for row in reader.documents()]
    refunds = [document for document in found if isinstance(document, Refund)]
    by_phone = sum(
        tender.amount
        for refund in refunds
        for tender in refund.tenders
        if tender.kind is TenderKind.QR
    )
    assert by_phone == counter.desk.gone(attempt_id), "the books say what the provider did"
    assert sum(refund.total for refund in refunds) <= sale.total
