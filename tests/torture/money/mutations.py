"""The rules without which money comes to harm, each taken out in one place. The machine must notice every
one of them missing, or it proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from app.domain.payment import Event, State, Way
from app.errors import RuleBroken, Trouble
from app.services.payments import Payments as TillPayments
from app.services.wallets import Wallets
from app.wire.tasks import LATE, PAYMENT
from cloud.gateways.base import Answer, Standing
from cloud.services import afterwards, ingest, money_tasks, payments
from cloud.services.attempts import Ledger
from cloud.services.by_hand import Unproven
from cloud.services.closing import Closing
from cloud.services.judging import judge
from cloud.services.lost_returns import LostReturns
from cloud.services.payments import Payments
from cloud.services.reversing import NOBODY_KNOWS
from tests.torture.invariants import Kind
from tests.torture.money.runs import CHANCES
from tests.torture.mutation import Mutation, Seam


@dataclass(frozen=True, slots=True)
class MoneyMutation(Mutation):
    """One that some steps show sooner than others."""

    chances: Mapping[str, int] = field(default_factory=lambda: CHANCES)


_judge = judge
_hear = Ledger.hear_money
_apply = Payments._apply
_shut = Closing.shut
_note = TillPayments.note
_collect = Wallets._collect_once


def _late_money_is_no_task(facts: Any, sold: Any, words: Any, now_ms: int) -> Any:
    found = _judge(facts, sold, words, now_ms)
    return replace(found, kind=PAYMENT) if found.code == LATE else found


def _lost_means_failed(self: Payments, attempt: Any, trouble: Any) -> Any:
    answer = Answer(Standing.DECLINED)
    return _apply(self, attempt.key, answer, Event.DECLINED, "provider", attempt.provider)


def _booked_each_time(self: Ledger, attempt: Any, provider: str, heard: Any) -> Any:
    again = [replace(piece, ref=f"{piece.ref}-{attempt.version}") for piece in heard]
    return _hear(self, attempt, provider, again)


def _money_after_the_end_is_dropped(self: Ledger, attempt: Any, provider: str, heard: Any) -> Any:
    return _hear(self, attempt, provider, heard if attempt.payment.is_open else ())


def _only_the_chosen_wallet_counts(self: Ledger, attempt: Any, provider: str, heard: Any) -> Any:
    mine = attempt.provider in ("", provider)
    return _hear(self, attempt, provider, heard if mine else ())


def _silence_is_a_cancellation(self: TillPayments, attempt_id: str, actor: str, close: bool) -> Any:
    try:
        view = (self._gateway.cancel if close else self._gateway.query)(attempt_id)
    except (RuleBroken, Trouble):
        return self.note(attempt_id, Event.CLOSED, actor)
    return self.note(attempt_id, view, actor)


def _silence_refuses_a_code(self: Wallets, attempt_id: str, code: Any, actor: str) -> Any:
    news = _collect(self, attempt_id, code, actor)
    if news.view is None and news.state.state is State.UNKNOWN:
        return self._payments.note(attempt_id, Event.DECLINED, actor)
    return news


def _silence_is_closed_without_reversing(self: Closing, attempt: Any) -> Any:
    try:
        self.gateways.named(attempt.provider).query(attempt.key)
    except Trouble:
        if attempt.way is Way.CODE:
            return Answer(Standing.CLOSED), NOBODY_KNOWS
    return _shut(self, attempt)


def _collects_without_a_word(self: TillPayments, attempt_id: str, heard: Any, actor: str) -> Any:
    if heard is Event.COLLECTING:
        return self._run(lambda uow: self._standing(uow, attempt_id))
    return _note(self, attempt_id, heard, actor)


def _nobody_looks(*_arguments: Any) -> None:
    """No last question to wallets, and none about sales that never came."""


def _nobody_asks(_self: Unproven, attempt: Any, _now_ms: int) -> Any:
    """The hand's word is all there is, whoever the provider."""
    return attempt


def _nobody_misses_a_sale(*_arguments: Any) -> None:
    """Nobody asks for payments whose sale never came."""


def _nobody_misses_a_return(*_arguments: Any) -> None:
    """Nobody asks for returns that never came, though their money went back."""


def _nobody_looks_at_records(*_arguments: Any) -> None:
    """Nothing is made of what tills say of their hands' word."""


_LATE = {"show": 2, "scan": 2, "choose": 3, "pay": 4, "cancel": 3, "notify": 2}
"""Steps after which money often comes late."""
_WALLETS = {"show": 1, "scan": 1, "choose": 6, "pay": 5, "notify": 2}
"""Steps after which there is money at two wallets."""
_COLLECTING = {"show": 2, "collect": 5, "lose": 5, "cancel": 3, "pay": 1, "ask": 1, "line": 1}
"""Steps that collect by customers' codes over lines that fail."""

MUTATIONS = (
    MoneyMutation(
        "late money: becomes a task of its store",
        (Seam(money_tasks, "judge", _late_money_is_no_task),),
        frozenset({Kind.LOST}),
        _LATE,
    ),
    MoneyMutation(
        "doubt: a lost answer is unknown and not a failure",
        (Seam(Payments, "_lose", _lost_means_failed),),
        frozenset(Kind),
    ),
    MoneyMutation(
        "once: the same number is the same money",
        (Seam(Ledger, "hear_money", _booked_each_time),),
        frozenset({Kind.ALTERED, Kind.DOUBLED, Kind.LOST}),
    ),
    MoneyMutation(
        "money after the end: booked all the same",
        (Seam(Ledger, "hear_money", _money_after_the_end_is_dropped),),
        frozenset({Kind.LOST}),
        _LATE,
    ),
    MoneyMutation(
        "every wallet: money at one that was left counts",
        (Seam(Ledger, "hear_money", _only_the_chosen_wallet_counts),),
        frozenset({Kind.LOST}),
        _WALLETS,
    ),
    MoneyMutation(
        "silence: a till believes an answer, never its absence",
        (Seam(TillPayments, "_refresh", _silence_is_a_cancellation),),
        frozenset({Kind.ALTERED, Kind.DOUBLED, Kind.LOST}),
    ),
    MoneyMutation(
        "last look: wallets are asked when nothing can come any more",
        (Seam(afterwards.LastLooks, "go", _nobody_looks),),
        frozenset({Kind.LOST}),
        _WALLETS | {"burn": 4},
    ),
    MoneyMutation(
        "orphans: a payment without a sale becomes a task",
        (Seam(payments, "look_for_orphans", _nobody_misses_a_sale),),
        frozenset({Kind.LOST}),
        {"show": 2, "scan": 2, "choose": 3, "pay": 4, "notify": 3, "drown": 2},
    ),
    MoneyMutation(
        "lost returns: money that went back and whose return never came is a task",
        (Seam(LostReturns, "go", _nobody_misses_a_return),),
        frozenset({Kind.LOST}),
        {"collect": 2, "give_back": 3, "drown": 1},
    ),
    MoneyMutation(
        "by hand: what a manager saw is asked about until its provider has said something final",
        (Seam(Unproven, "ask", _nobody_asks),),
        frozenset({Kind.LOST}),
        {"show": 3, "vouch": 3, "choose": 1, "scan": 1, "wait": 1, "sync": 1},
    ),
    MoneyMutation(
        "the hand's word: a cloud that hears of it lets nobody pay the code again",
        (Seam(ingest, "note_vouched", _nobody_looks_at_records),),
        frozenset({Kind.ALTERED}),
        {"show": 3, "vouch": 3, "choose": 1, "scan": 1, "wait": 1, "sync": 1},
    ),
    MoneyMutation(
        "reversal: what a code began and nobody answers about is reversed",
        (Seam(Closing, "shut", _silence_is_closed_without_reversing),),
        frozenset({Kind.ALTERED, Kind.LOST}),
        _COLLECTING,
    ),
    MoneyMutation(
        "collecting: silence about a code is doubt and not a refusal",
        (Seam(Wallets, "_collect_once", _silence_refuses_a_code),),
        frozenset({Kind.ALTERED}),
        _COLLECTING,
    ),
    MoneyMutation(
        "the word before the code: a till writes down that it collects",
        (Seam(TillPayments, "note", _collects_without_a_word),),
        frozenset({Kind.ALTERED}),
        _COLLECTING,
    ),
)
