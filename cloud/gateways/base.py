"""What the cloud needs from a payment provider, in its three honest answers: paid, not paid, unknown.

A gateway translates one provider's protocol and nothing else: it knows neither our state machine nor
our pages. One provider order exists per attempt, named after the attempt's key: the id is what
providers accept as the merchant's own order number and de-duplicate on; tenant and store travel in
what they give back with a notification, so that one finds its books without asking every store.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Standing(StrEnum):
    """Where the provider says an order stands. No answer at all is not a standing but `Trouble`."""

    ABSENT = "absent"
    """The provider knows no such order yet. Pending, not failed: some create it at the first scan."""
    OPEN = "open"
    PAID = "paid"
    DECLINED = "declined"
    """Can no longer be paid: the payer or the provider said no."""
    CLOSED = "closed"
    """Closed unpaid, at our wish or by the provider's own timer."""


@dataclass(frozen=True, slots=True)
class Money:
    """One payment the provider confirms. `ref` is its number there; the same ref is the same money."""

    ref: str
    amount: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider says about an attempt: its standing and all the money it has confirmed so far."""

    standing: Standing
    money: tuple[Money, ...] = ()


@dataclass(frozen=True, slots=True)
class AttemptKey:
    """Which attempt: its id, and the store in whose books it stands."""

    tenant: str
    store: str
    attempt_id: str


@dataclass(frozen=True, slots=True)
class Charge:
    """What a provider is asked to collect. Amount in minor units; `back` is where the payer returns."""

    attempt: AttemptKey
    merchant: str
    amount: int
    currency: str
    expires_ms: int
    back: str


@dataclass(frozen=True, slots=True)
class Started:
    """The provider's order: its reference there and the address that opens the payer's wallet."""

    ref: str
    url: str


Listener = Callable[[AttemptKey, Answer], None]
"""Called with (attempt, answer) when a provider speaks first, as a verified notification does."""


class Gateway(Protocol):
    """A payment provider. Calls may wait for the network and are never made under a row lock.

    Every method raises Trouble(PAYMENT_UNRESOLVED, retryable=True) when no trustworthy answer came.
    """

    @property
    def name(self) -> str:
        """The provider's code as it stands in tenders and reports."""

    def create(self, charge: Charge) -> Started:
        """Open the provider's order; the same attempt again returns the same one."""

    def query(self, attempt: AttemptKey) -> Answer:
        """Return what the provider holds about an attempt."""

    def close(self, attempt: AttemptKey) -> Answer:
        """Ask to close unpaid. Answers PAID, with the money, when the payer was quicker."""
