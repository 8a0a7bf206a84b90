"""How the money of a return goes back, in words: what will happen, what is being waited for, what was done.

Pure but for the words.
"""

from __future__ import annotations

from app.domain.facts import RefundStep
from app.domain.money_back import Back
from app.domain.refund import Refund, WayBack
from app.domain.sale import TenderKind
from ui.text import Words

CASH_REASONS = ("cash_wish", "cash_wallet", "cash_offline", "cash_refused")
"""Why cash is given although the money could go back by the way it came."""


def plan_line(words: Words, way: WayBack, *, in_cash: bool, offline: bool) -> str:
    """Say how the money will go back."""
    if in_cash or not way.wallet:
        return words.say("return.cash")
    if offline:
        return words.say("return.offline")
    if way.cash:
        return words.say("return.by_both", wallet=way.wallet, cash=way.cash)
    return words.say("return.by_wallet", amount=way.wallet)


def refused_line(words: Words, step: RefundStep) -> str:
    """Say that nothing went back, and whose word that is."""
    return words.say("return.refused", word=refusal(words, step.word))


def refusal(words: Words, word: str) -> str:
    """Say why a provider refused: in words where its code is known, else by the code itself."""
    for known in (f"refusal.{word.removeprefix('ACQ.').lower()}", f"error.{word}"):
        if words.knows(known):
            return words.say(known)
    return word or words.say("refusal.unsaid")


def done_line(words: Words, refund: Refund, standing: Back | None) -> str:
    """Say what was done, and what the person at the till has to do now."""
    if standing is None:
        return words.say("return.done")
    if standing is Back.STUCK:
        said = "return.done_stuck"
    else:
        said = "return.done_wallet" if standing is Back.DONE else "return.done_pending"
    cash = sum(t.amount for t in refund.tenders if t.kind is TenderKind.CASH)
    hand_out = words.say("return.hand_cash", cash=cash) if cash else ""
    return words.join(words.say(said), hand_out)


def done_hint(words: Words, refund: Refund, standing: Back | None) -> str:
    """Return the receipt's number, and what is to be known while the money has not arrived."""
    number = words.say("done.receipt_no", number=refund.receipt_no)
    if standing in (Back.STUCK, Back.PENDING):
        return words.join(number, words.say(f"return.{standing.value}_hint"))
    return number


def standing_line(words: Words, step: RefundStep) -> str:
    """Say where money on its way back stands."""
    return words.say(f"back.{step.standing.value}")
