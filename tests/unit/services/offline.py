"""The other side of a till that is offline: our cloud's keys and what it would sign."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.payment import State
from app.domain.pricing import PricedCart
from app.ports import Attempt
from app.services.payments import PaymentNews
from app.wire.messages import PublicKey
from app.wire.proofs import PROOF_MS, Proof, spoken_code
from app.wire.tokens import read_order_token
from tests.unit.services.till import GUIDE, Till

CLOUD = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
STRANGER = Ed25519PrivateKey.from_private_bytes(b"x" * 32)
KID = "s0badcafe"
SECRET = bytes(32)
"""What the till of these tests was given when it was enrolled."""


def pin(till: Till, key: Ed25519PrivateKey = CLOUD, kid: str = KID, expires_ms: int = 0) -> None:
    """Let the till believe this key of the cloud, and no other."""
    public = PublicKey(kid=kid, key=key.public_key().public_bytes_raw(), expires_ms=expires_ms)
    till.do(lambda uow: uow.pin_cloud("t", [public]))


def shown_offline(till: Till, priced: PricedCart | None = None) -> str:
    """Show a QR while the shop is offline and return its attempt."""
    news = till.payments.start(priced or till.basket(), GUIDE, offline=True).result()
    assert news.state.state is State.WAITING
    return news.attempt.attempt_id


def proof_of(attempt: Attempt, /, **changed: Any) -> Proof:
    """Return what the cloud would say of an attempt that was paid a minute after it was shown."""
    claims = read_order_token(attempt.token).claims
    paid_s = attempt.last.at.server_ms // 1_000 + 60
    proof = Proof(
        attempt_id=attempt.attempt_id,
        device=claims.device,
        nonce=claims.nonce,
        amount=claims.amount,
        currency=attempt.last.currency,
        provider="sandbox",
        provider_ref="sb-2026-0007",
        paid_s=paid_s,
        expires_s=paid_s + PROOF_MS // 1_000,
    )
    return replace(proof, **changed)


def proof_for(till: Till, attempt_id: str, /, **changed: Any) -> str:
    """Return the text on the phone of a customer who paid."""
    return proof_of(till.attempt(attempt_id), **changed).sign(KID, CLOUD)


def code_for(till: Till, attempt_id: str) -> str:
    """Return the digits on that phone."""
    attempt = till.attempt(attempt_id)
    nonce = read_order_token(attempt.token).claims.nonce
    return spoken_code(SECRET, attempt_id, nonce, attempt.last.amount)


def prove(till: Till, attempt_id: str, text: str = "") -> PaymentNews:
    """Scan a proof for an attempt."""
    return till.payments.prove(text or proof_for(till, attempt_id), attempt_id, "g").result()
