"""Ends an attempt's order at its provider. That an order may be reversed by it is written down before the
provider is asked; what the answer means for the attempt is judged elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.domain.payment import Way
from app.errors import Trouble
from cloud.gateways.base import PENDING, Answer, Standing
from cloud.gateways.registry import Gateways
from cloud.services import reversing
from cloud.services.attempts import Attempt, Ledger
from cloud.services.reversing import Asked

Change = Callable[[Callable[[Ledger], Attempt]], Attempt]


@dataclass(frozen=True, slots=True)
class Closing:
    """Ends orders. Blocking; takes no lock while it asks."""

    gateways: Gateways
    change: Change

    def shut(self, attempt: Attempt) -> tuple[Answer, Asked]:
        """Ask how a provider's order stands and end it if nothing was paid. One that was begun by the
        customer's code and about which nobody answers is reversed: paid or not, no money stays.

        Raises Trouble(PAYMENT_UNRESOLVED): unknown.
        """
        gateway = self.gateways.named(attempt.provider)
        asked = Asked(attempt.version)
        try:
            answer = gateway.query(attempt.key)
        except Trouble:
            if attempt.way is not Way.CODE:
                raise
            asked = self._begin(attempt)
            answer = gateway.cancel(attempt.key)
        if answer.standing in PENDING:
            answer, asked = self.close(attempt, asked)
        absent = answer.standing is Standing.ABSENT
        return Answer(Standing.CLOSED) if absent else answer, asked

    def close(self, attempt: Attempt, asked: Asked | None = None) -> tuple[Answer, Asked]:
        """Ask to close an order unpaid. Some providers reverse for it what a customer's code began.

        Raises Trouble(PAYMENT_UNRESOLVED): unknown.
        """
        asked = asked or Asked(attempt.version)
        if attempt.way is Way.CODE and not asked.own:
            asked = self._begin(attempt)
        return self.gateways.named(attempt.provider).close(attempt.key), asked

    def _begin(self, attempt: Attempt) -> Asked:
        begun = self.change(lambda ledger: reversing.begin(ledger, attempt))
        return Asked(begun.version, begun.version)
