"""What people have said of an attempt's money by settling its tasks, so that each word counts once and for
nothing but what it was about.

Money that comes after a word waits for another one, and money that leaves takes its word with it. Amounts are
minor units. Knows no table and no state; the rule is 23 of PAYMENTS.md.
"""

from __future__ import annotations

import msgspec

from app.wire.tasks import (
    BELIED,
    DELIVERED,
    LATE,
    NO_SALE,
    NOT_GIVEN_BACK,
    OVER,
    PARTIAL,
    STUCK,
    TAKEN_BACK,
)

MONEY_HERE = frozenset({LATE, NO_SALE, PARTIAL, OVER})
"""Codes of money that is there. A word about one of them is about that money."""


class Words(msgspec.Struct, frozen=True, omit_defaults=True):
    """How much each kind of word answers for, and the last of them."""

    goods: int = 0
    """The price of goods that went out for money without a sale in the books."""
    otherwise: int = 0
    """What was given back by hand, or seen to in another way."""
    stuck: int = 0
    refused: int = 0
    taken_back: int = 0
    belied: int = 0
    said: str = ""

    def after(self, word: str, code: str, amount: int, due: int) -> Words:
        """Return the words once a task that names `amount` is settled by one more: *delivered* answers for
        the goods, any other for what is named. One that says nothing of money changes nothing."""
        if code in MONEY_HERE and word == DELIVERED:
            return msgspec.structs.replace(self, goods=due, said=word)
        kind = "otherwise" if code in MONEY_HERE else _OF_MONEY_GONE.get(code)
        if kind is None:
            return self
        more = {kind: getattr(self, kind) + amount}
        return msgspec.structs.replace(self, said=word, **more)


_OF_MONEY_GONE = {
    STUCK: "stuck",
    NOT_GIVEN_BACK: "refused",
    TAKEN_BACK: "taken_back",
    BELIED: "belied",
}
NO_WORDS = Words()


def is_about_money(code: str) -> bool:
    """Tell whether a word about a task of this code answers for an amount."""
    return code in MONEY_HERE or code in _OF_MONEY_GONE


def read_words(kept: str) -> Words:
    """Return the words a task's row keeps."""
    return msgspec.json.decode(kept, type=Words) if kept else NO_WORDS


def kept_words(words: Words) -> str:
    """Return how a task's row keeps words, "" for none."""
    return "" if words == NO_WORDS else msgspec.json.encode(words).decode()
