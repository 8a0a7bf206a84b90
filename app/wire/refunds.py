"""Messages about money going back through the payment provider, by the number the till chose for it.

Shapes as in `messages`. The states are those of `app.domain.money_back`.
"""

from __future__ import annotations

from app.wire.messages import Message

NEWS_KIND = "refund"
"""The kind of `News` whose subject is a refund's number."""


class RefundRequest(Message, frozen=True, kw_only=True):
    """`POST /v1/refunds`: give part of a payment back. `number` is a UUID made on the device, before
    anything else: however often it is sent, the money goes back once.

    `person` is the manager who decides. `document` is the till's refund document, "" for money no sale was
    made of: then `claim_id` names the claim on the attempt's task. `amount` is minor units.
    Answer: the `RefundView`. 404 `payment_unknown`; 409 `refund_exceeds_payment` (`detail` is what is
    left), `reference_already_used`, `payment_not_confirmed`, `payment_already_open`, `proof_out`, `claimed`;
    403 `not_a_manager`.
    """

    number: str
    attempt_id: str
    amount: int
    currency: str
    reason: str
    person: str = ""
    document: str = ""
    claim_id: str = ""


class RefundView(Message, frozen=True, kw_only=True):
    """How a refund stands. `state`: unknown, pending, done, refused or stuck; `word` is the provider's own
    for why not. `back` is what has certainly gone back, minor units; times are Unix ms."""

    number: str
    attempt_id: str
    document: str
    state: str
    amount: int
    back: int
    currency: str
    provider: str
    ref: str
    word: str
    created_ms: int
    changed_ms: int
    server_ms: int
    version: int
