"""Money going back at a cloud that lives in memory, and that keeps count of what is left to go back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from app.domain.money_back import Back
from app.errors import Code, RuleBroken, Trouble
from app.wire.refunds import RefundRequest, RefundView
from tests.fakes.clock import NOON


@dataclass(frozen=True)
class _Held:
    asked: RefundRequest
    standing: Back
    version: int = 1
    word: str = ""


@dataclass
class FakeRefundDesk:
    """The port `RefundDesk`. `received` says how much came by each attempt.

    `next` is what the provider will say to the next refunds, done if nothing is said; `lose_requests` and
    `lose_answers` count down: a lost request never arrived, a lost answer did.
    """

    received: Callable[[str], int]
    provider: str = "sandbox"
    next: list[Back] = field(default_factory=list)
    refuses: Code | None = None
    """What the cloud says to every new refund."""
    lose_requests: int = 0
    lose_answers: int = 0
    calls: list[tuple[str, str]] = field(default_factory=list)
    _held: dict[str, _Held] = field(default_factory=dict)
    _forgotten: dict[str, _Held] = field(default_factory=dict)
    """What the provider does and the cloud knows nothing of any more."""

    # --- the port ---------------------------------------------------------------------------------

    def give_back(self, asked: RefundRequest) -> RefundView:
        self._arrive("give_back", asked.number)
        known = self._held.get(asked.number)
        if known is None:
            if self.refuses is not None:
                raise RuleBroken(self.refuses)
            self._forgotten.pop(asked.number, None)
            received = self.received(asked.attempt_id)
            if not received:
                raise RuleBroken(Code.PAYMENT_UNKNOWN)
            if asked.amount > received - self.gone(asked.attempt_id):
                raise RuleBroken(Code.REFUND_EXCEEDS_PAYMENT)
            standing = self.next.pop(0) if self.next else Back.DONE
            self._held[asked.number] = _Held(asked, standing)
        elif (known.asked.attempt_id, known.asked.amount) != (asked.attempt_id, asked.amount):
            raise RuleBroken(Code.REFERENCE_ALREADY_USED)
        return self._answer(asked.number)

    def query(self, number: str) -> RefundView:
        self._arrive("query", number)
        if number not in self._held:
            raise RuleBroken(Code.REFUND_UNKNOWN)
        return self._answer(number)

    # --- the provider -----------------------------------------------------------------------------

    def say(self, number: str, standing: Back, word: str = "") -> None:
        """Let the provider say how a refund stands now."""
        held = self._held[number]
        after = held.standing.after(standing)
        self._held[number] = replace(held, standing=after, version=held.version + 1, word=word)

    def forget(self) -> None:
        """Be restored from a backup that knows of no refund."""
        self._forgotten |= self._held
        self._held.clear()

    def gone(self, attempt_id: str) -> int:
        """How much has gone or may be going back by an attempt."""
        return sum(
            held.asked.amount
            for held in (self._held | self._forgotten).values()
            if held.asked.attempt_id == attempt_id and held.standing.counts
        )

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(self._held)

    def request(self, number: str) -> RefundRequest:
        return self._held[number].asked

    # --- inside -----------------------------------------------------------------------------------

    def _arrive(self, call: str, number: str) -> None:
        self.calls.append((call, number))
        if self.lose_requests:
            self.lose_requests -= 1
            raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True)

    def _answer(self, number: str) -> RefundView:
        if self.lose_answers:
            self.lose_answers -= 1
            raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True)
        held = self._held[number]
        asked, done = held.asked, held.standing is Back.DONE
        return RefundView(
            number=number,
            attempt_id=asked.attempt_id,
            document=asked.document,
            state=held.standing.value,
            amount=asked.amount,
            back=asked.amount if done else 0,
            currency=asked.currency,
            provider=self.provider,
            ref=f"{self.provider}-{number[-8:]}" if held.standing.is_accepted else "",
            word=held.word,
            created_ms=NOON,
            changed_ms=NOON,
            server_ms=NOON,
            version=held.version,
        )
