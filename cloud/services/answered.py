"""How much of an attempt's money a person has answered for by a word, and what of it then still waits.

A word is about the money that was there when it was said. Money that comes later waits for another one, and
money that leaves takes its word with it. Amounts are minor units; knows no table and no state. The rule is 23
of PAYMENTS.md.
"""

from __future__ import annotations

from app.wire.tasks import DELIVERED, LATE, NO_SALE, OVER, PARTIAL

_UNSOLD = frozenset({LATE, NO_SALE, PARTIAL})
"""Codes of money none of which a sale has earned; `OVER` is of what is there beyond what was due."""


def has_word(code: str) -> bool:
    """Tell whether a word about a task of this code answers for money that is there."""
    return code in _UNSOLD or code == OVER


def after_word(word: str, code: str, amount: int, due: int, answered: int) -> int:
    """Return how much is answered for once a task that names `amount` is settled by `word`: all there is,
    and by `delivered` what the goods cost, also where their sale has come in before the word."""
    if not has_word(code):
        return answered
    there = amount + (max(due, answered) if code == OVER else answered)
    if word == DELIVERED:
        return min(there, max(due, answered))
    return there


def waits_of(code: str, amount: int, due: int, answered: int) -> tuple[str, int]:
    """Return what a task has to name, as code and amount, where all of the money, words aside, is `amount` of
    this code; 0 where everything is answered for. Whatever comes on top of an answered price is too much."""
    if code == OVER:
        return OVER, max(0, due + amount - max(due, answered))
    return (OVER if 0 < due <= answered else code), max(0, amount - answered)
