"""What an attempt's money is to its store now, by all that is known and all that people have said of it.
Pure; reads nothing and writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from app.domain.payment import CLOSED_UNPAID, PAID_STATES, Anomaly, State
from app.wire.proofs import PROOF_MS
from app.wire.tasks import (
    BELIED,
    GOING_BACK,
    LATE,
    MONEY,
    NO_SALE,
    NOT_GIVEN_BACK,
    OVER,
    PARTIAL,
    PAYMENT,
    REFUNDED,
    STUCK,
    TAKEN_BACK,
    UNPROVEN,
)
from cloud.services.answered import NO_WORDS, Words
from cloud.services.money_facts import Known, Sold

ORPHAN_MS = 10 * 60_000
"""So long after its end a payment may be without its sale: the till may be writing it, or be offline."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a task of the attempt has to say. `settled`: nobody need act, and `answered` that this is so
    by the words of people alone."""

    kind: str
    code: str
    settled: bool
    amount: int
    answered: bool = False

    @property
    def waits(self) -> bool:
        """Money waits for a person."""
        return self.kind == MONEY and not self.settled


def judge(facts: Known, sold: Sold | None, words: Words, now_ms: int) -> Finding:
    """Say what an attempt is to its store. `words` are those of `still_good`."""
    found = _judge_beyond(facts, sold, words, now_ms)
    if found.waits or words == NO_WORDS:
        return found
    unsaid = _judge_beyond(facts, sold, NO_WORDS, now_ms)
    return replace(unsaid, settled=True, answered=True) if unsaid.waits else found


def still_good(words: Words, facts: Known, sold: Sold | None) -> Words:
    """Return what is left of people's words: what a word was about may have left, or have become a sale."""
    given, there = facts.given, max(0, _there(facts))
    goods = min(words.goods, there)
    earned = facts.due if sold is not None and sold.own else goods
    return msgspec.structs.replace(
        words,
        goods=goods,
        otherwise=min(words.otherwise, max(0, there - earned)),
        stuck=min(words.stuck, given.stuck),
        refused=min(words.refused, given.owed),
        taken_back=min(words.taken_back, facts.taken_back),
        belied=min(words.belied, given.belied),
    )


def _there(facts: Known) -> int:
    """Return the money that has come and not gone again, but for what went back for goods."""
    return (facts.received or facts.due) - facts.taken_back - facts.given.done


def _judge_beyond(facts: Known, sold: Sold | None, words: Words, now_ms: int) -> Finding:
    """Judge what words do not answer for. Money on its way back comes first: nobody may act on the rest of
    an attempt before it is certain what of it has gone."""
    given = facts.given
    if given.stuck > words.stuck:
        return Finding(MONEY, STUCK, False, given.stuck - words.stuck)
    if given.owed > words.refused:
        return Finding(MONEY, NOT_GIVEN_BACK, False, given.owed - words.refused)
    if given.going:
        return Finding(MONEY, GOING_BACK, False, given.going)
    kept = replace(facts, received=facts.received - facts.taken_back)
    found = _beyond_words(_judge_left(kept, sold, now_ms), facts, words)
    if (facts.received or facts.taken_back) and kept.received <= given.done:
        found = replace(found, settled=True)  # whatever it was, it is not here any more
    if found.waits:
        return found
    if facts.taken_back > words.taken_back:
        return Finding(MONEY, TAKEN_BACK, False, facts.taken_back - words.taken_back)
    if given.belied > words.belied:
        return Finding(MONEY, BELIED, False, given.belied - words.belied)
    return found


def _beyond_words(found: Finding, facts: Known, words: Words) -> Finding:
    """Name of money that is there only what nobody has said anything of. What comes on top of goods that
    went out is too much; what comes after another word is what it would be without."""
    if found.code == OVER:
        code, amount = OVER, _there(facts) - facts.due - words.otherwise
    elif found.code in (LATE, NO_SALE, PARTIAL) and words.goods:
        code, amount = OVER, _there(facts) - words.goods - words.otherwise
    elif found.code in (LATE, NO_SALE, PARTIAL):
        amount = found.amount - words.otherwise
        is_cut = words.otherwise or facts.given.done
        is_short = _there(facts) - words.otherwise < facts.due
        code = PARTIAL if is_cut and is_short else found.code  # no goods go out for the rest
    else:
        return found
    return replace(found, code=code, amount=max(amount, 0), settled=amount <= 0)


def _judge_left(facts: Known, sold: Sold | None, now_ms: int) -> Finding:
    """Judge what has not gone back of an attempt's money."""
    done = facts.given.done
    if not done:
        return _judge_kept(facts, sold, now_ms)
    left = replace(facts, received=facts.received - done)
    found = _judge_kept(left, sold, now_ms) if left.received > 0 else None
    if found is None or found.kind != MONEY:
        return Finding(MONEY, REFUNDED, True, done)
    return found


def _judge_kept(facts: Known, sold: Sold | None, now_ms: int) -> Finding:
    """Judge what is left of an attempt's money."""
    state, anomalies = facts.payment.state, facts.payment.anomalies
    paid = state in PAID_STATES
    returned = state in (State.REFUNDED, State.REFUND_PENDING)
    returned_goods = facts.given.of_sale or (sold is not None and sold.own)
    if returned and returned_goods:
        over = facts.received - facts.due  # what came on top is not what the goods were paid with
        if over > 0:
            return Finding(MONEY, OVER, False, over)
        return Finding(PAYMENT, state.value, True, facts.received)
    if state is State.REFUNDED and not facts.given.done:
        return Finding(MONEY, state.value, True, facts.received)
    if state is State.REFUND_PENDING and not facts.given.done:
        return Finding(MONEY, GOING_BACK, False, facts.received)
    if Anomaly.PARTIAL in anomalies and 0 < facts.received < facts.due:
        return Finding(MONEY, PARTIAL, False, facts.received)
    if facts.unproven:
        return Finding(MONEY, UNPROVEN, False, facts.due)
    if facts.by_hand:  # nothing has come that could be late, or be without its sale
        return Finding(PAYMENT, state.value, True, facts.due)
    made = sold is not None and sold.own
    # What went back for goods is not here any more, though the sale they were of is lost.
    left = (facts.received or facts.due) - facts.given.returned
    is_unsold = paid and not made and left > 0
    if is_unsold and Anomaly.LATE in anomalies:
        return Finding(MONEY, LATE, False, left)
    patience_ms = ORPHAN_MS + (PROOF_MS if facts.may_be_proved else 0)
    if is_unsold and (sold is not None or now_ms >= facts.expires_ms + patience_ms):
        return Finding(MONEY, NO_SALE, False, left)
    if paid and facts.received > facts.due:  # its till has made the sale, or is about to
        return Finding(MONEY, OVER, False, facts.received - facts.due)
    if paid and made:
        return Finding(PAYMENT, state.value, True, facts.received)
    is_over = paid or state in CLOSED_UNPAID
    return Finding(PAYMENT, state.value, is_over, facts.due)
