"""Whether the cloud that refuses something still has the books it had when that was asked of it.

One that came back from an older backup may have forgotten what it did, and then its plain "no" proves
nothing. A hello tells of that, so a refusal counts once a later hello has told of none.
"""

from __future__ import annotations

from app.ports import BOOKS_ANSWERED, BOOKS_ASKED, UnitOfWork

_BOOKS_OF, _ASKED_OF = "cloud.books.of.", "cloud.books.asked."
"""Device state by number: the timeline when it was begun, and the question since its first refusal."""


def note_books(uow: UnitOfWork, number: str) -> None:
    """Remember which books the cloud has, in the transaction that records what will be asked of it."""
    uow.set_state(_BOOKS_OF + number, uow.identity().timeline)


def note_silence(uow: UnitOfWork, number: str) -> None:
    """Let no earlier refusal count: what got no answer just now may have been taken."""
    if uow.state(_ASKED_OF + number):
        uow.set_state(_ASKED_OF + number, "")


def forget_books(uow: UnitOfWork, number: str) -> None:
    """Keep nothing of what has come to its end."""
    for state in (_BOOKS_OF, _ASKED_OF):
        uow.set_state(state + number, "")


def refuses_for_sure(uow: UnitOfWork, number: str) -> bool:
    """Tell whether a refusal just heard proves that the cloud never took this; if not, ask the next hello.

    It does when the same books refused before, a hello asked since then told of no others, and no
    answer was lost in between.
    """
    books, asked = uow.state(_BOOKS_OF + number), uow.state(_ASKED_OF + number)
    if not books or books != uow.identity().timeline:
        return False
    if not asked:
        question = str(int(uow.state(BOOKS_ASKED) or 0) + 1)
        uow.set_state(BOOKS_ASKED, question)
        uow.set_state(_ASKED_OF + number, question)
        return False
    return int(uow.state(BOOKS_ANSWERED) or 0) >= int(asked)
