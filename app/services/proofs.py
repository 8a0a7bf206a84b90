"""What is believed of a payment where the cloud cannot be asked: its signature on the customer's phone, or
eight digits read aloud. Says yes to this order, this nonce, this amount, this till, once; anything else is
refused by its own code. Records nothing: what is believed becomes a step like any other news.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import msgspec

from app.domain.payment import PAID_STATES, Event
from app.domain.times import Moment
from app.errors import Code, RuleBroken
from app.ports import Attempt, UnitOfWork
from app.wire.proofs import SPOKEN_TRIES, Proof, is_spoken_code, read_proof, spoken_code
from app.wire.tokens import read_order_token

log = logging.getLogger(__name__)

TRIES = "spoken.tries"
"""Device state: how often a code was tried, by attempt."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a payment is believed. `text` is the proof as it was shown, "" for a spoken code."""

    event: Event
    provider: str = ""
    provider_ref: str = ""
    text: str = ""


def attempt_of(uow: UnitOfWork, text: str) -> Attempt:
    """Return the attempt a proof is about, before the proof is believed.

    Raises RuleBroken: PROOF_INVALID, PROOF_OTHER_DEVICE, PROOF_OTHER_ORDER for an order that is not here.
    """
    claims = read_proof(text).claims
    attempt = uow.attempt(claims.attempt_id)
    if attempt is None:
        foreign = claims.device != uow.identity().device
        raise RuleBroken(Code.PROOF_OTHER_DEVICE if foreign else Code.PROOF_OTHER_ORDER)
    return attempt


def judge_proof(uow: UnitOfWork, attempt: Attempt, text: str, now: Moment) -> Evidence:
    """Return what a proof is worth for an attempt of this till.

    Raises RuleBroken: PROOF_INVALID, PROOF_KEY_UNKNOWN, PROOF_OTHER_ORDER, PROOF_OTHER_DEVICE,
    PROOF_OTHER_NONCE, PROOF_OTHER_AMOUNT, PROOF_EXPIRED, PROOF_USED when it is paid already.
    """
    try:
        proof = read_proof(text).verify(uow.cloud_keys())
        _check(proof, attempt, uow.identity().device, now)
    except RuleBroken as refusal:
        log.warning("a proof for attempt %s was refused: %s", attempt.attempt_id, refusal.code)
        raise
    return Evidence(Event.PROVED, proof.provider, proof.provider_ref, text)


def _check(proof: Proof, attempt: Attempt, device: str, now: Moment) -> None:
    asked = read_order_token(attempt.token).claims
    last = attempt.last
    wrong = {
        Code.PROOF_OTHER_ORDER: proof.attempt_id != attempt.attempt_id,
        Code.PROOF_OTHER_DEVICE: proof.device != device,
        Code.PROOF_OTHER_NONCE: proof.nonce != asked.nonce,
        Code.PROOF_OTHER_AMOUNT: (proof.amount, proof.currency) != (last.amount, last.currency),
        Code.PROOF_EXPIRED: proof.expires_s * 1_000 <= now.server_ms,
        Code.PROOF_USED: last.after.state in PAID_STATES,
    }
    for code, is_so in wrong.items():
        if is_so:
            raise RuleBroken(code)


def take_try(uow: UnitOfWork, attempt: Attempt, typed: str) -> tuple[bool, int]:
    """Compare what a customer read out; return whether it is right and how many tries are left.

    The try is counted in this transaction, whatever comes of it. Raises RuleBroken: SPOKEN_CODE_LOCKED
    when none is left, PROOF_USED when it is paid already.
    """
    if attempt.last.after.state in PAID_STATES:
        raise RuleBroken(Code.PROOF_USED)
    tries = tries_of(uow.state(TRIES))
    used = tries.get(attempt.attempt_id, 0)
    if used >= SPOKEN_TRIES:
        raise RuleBroken(Code.SPOKEN_CODE_LOCKED)
    kept = {each: count for each, count in tries.items() if _may_be_spoken(uow, each)}
    counted = kept | {attempt.attempt_id: used + 1}
    uow.set_state(TRIES, msgspec.json.encode(counted).decode())
    asked = read_order_token(attempt.token).claims
    expected = spoken_code(
        uow.device_secret(), attempt.attempt_id, asked.nonce, attempt.last.amount
    )
    return is_spoken_code(typed, expected), SPOKEN_TRIES - used - 1


def tries_of(state: str) -> dict[str, int]:
    """Return how often a code was tried, by attempt, from what is kept under `TRIES`."""
    return msgspec.json.decode(state, type=dict[str, int]) if state else {}


def _may_be_spoken(uow: UnitOfWork, attempt_id: str) -> bool:
    """Tell whether a code for this attempt would still be believed: a closed one's, too, until it is paid."""
    attempt = uow.attempt(attempt_id)
    return attempt is not None and attempt.last.after.state not in PAID_STATES
