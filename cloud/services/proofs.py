"""The proof a customer shows to a shop that is offline, and what follows from its being out there: money
does not go back behind the back of the till that may have seen it. Knows no page and no provider."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from app.domain.payment import PAID_STATES, Anomaly, State
from app.errors import Code, RuleBroken
from app.wire.proofs import PROOF_MS, Proof, spoken_code
from app.wire.tokens import is_portable, read_order_token
from cloud.db.base import Database
from cloud.db.columns import rows_of
from cloud.db.tables import device, payment_step
from cloud.gateways.base import AttemptKey
from cloud.services import attempts
from cloud.services.attempts import Attempt
from cloud.services.keys import ServerKeys
from cloud.services.money_facts import made_its_sale


@dataclass(frozen=True, slots=True)
class Shown:
    """What the paid page shows the shop: the proof's text, and the code to read aloud. `awaited`: the
    till may be offline and has not told us that it knows of the money."""

    text: str
    spoken: str
    awaited: bool


class Proofs:
    """Proofs of payment. Blocking."""

    def __init__(self, database: Database, keys: ServerKeys) -> None:
        self._database, self._keys = database, keys

    def of(self, attempt: Attempt) -> Shown | None:
        """Return the proof of a payment that stands, None for any other; the same attempt has always the
        same one, until our key changes."""
        if attempt.payment.state is not State.CONFIRMED or not is_proved(attempt):
            return None
        nonce = read_order_token(attempt.token).claims.nonce
        proof = Proof(
            attempt_id=attempt.attempt_id,
            device=attempt.device,
            nonce=nonce,
            amount=attempt.amount,
            currency=attempt.currency,
            provider=attempt.provider,
            provider_ref=attempt.provider_ref,
            paid_s=attempt.paid_ms // 1_000,
            expires_s=counts_until_ms(attempt) // 1_000,
        )

        def look_up(conn: sa.Connection) -> tuple[bytes, bool]:
            awaited = is_portable(attempt.token) and not _has_told(conn, attempt)
            return _secret(conn, attempt), awaited

        secret, awaited = self._database.read(look_up)
        return Shown(
            text=self._keys.prove_payment(proof),
            spoken=spoken_code(secret, attempt.attempt_id, nonce, attempt.amount),
            awaited=awaited,
        )


def is_proved(attempt: Attempt) -> bool:
    """Tell whether the customer of this payment is given a proof: of every one that came in time, and of
    late ones where the till may have been offline, and so cannot have seen the code end."""
    in_time = Anomaly.LATE not in attempt.payment.anomalies
    return attempt.paid_ms > 0 and (in_time or is_portable(attempt.token))


def counts_until_ms(attempt: Attempt) -> int:
    """Return until when a till takes the proof of this payment."""
    return max(attempt.expires_ms, attempt.paid_ms) + PROOF_MS


def refuse_refund(connection: sa.Connection, key: AttemptKey, asking: str, now_ms: int) -> None:
    """Raise RuleBroken(PROOF_OUT) where money must not go back yet at the wish of `asking`, a device, or
    "" for anybody who is no till of the shop.

    The customer of a paid order may hold its proof, and the till that showed the QR may have taken it for
    the money. So only that till may start a refund, until it has told us what became of the payment or
    the proof counts no more. Whoever sends money back must ask here first, whatever the provider.
    """
    attempt = attempts.known(connection, key)
    if attempt is None or not is_proved(attempt) or asking == attempt.device:
        return
    if now_ms < counts_until_ms(attempt) and not _has_told(connection, attempt):
        raise RuleBroken(Code.PROOF_OUT, attempt=key.attempt_id)


def _has_told(connection: sa.Connection, attempt: Attempt) -> bool:
    """Tell whether the till's own journal says that this was paid, or holds the sale it paid."""
    step, paid = payment_step.c, [state.value for state in PAID_STATES]
    own = rows_of(payment_step, tenant_id=attempt.tenant, store_id=attempt.store)
    said = sa.exists().where(own, step.attempt_id == attempt.attempt_id, step.state.in_(paid))
    return bool(connection.scalar(sa.select(sa.or_(said, made_its_sale(attempt)))))


def _secret(connection: sa.Connection, attempt: Attempt) -> bytes:
    query = sa.select(device.c.secret).where(
        rows_of(
            device,
            tenant_id=attempt.tenant,
            store_id=attempt.store,
            device_id=attempt.device,
        )
    )
    return bytes(connection.execute(query).scalar_one())
