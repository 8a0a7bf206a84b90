"""Payment attempts at a cloud that lives in memory, with a customer who does as the test says."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec

from app.domain.payment import Event, PaymentState, State, Way, judge_amount
from app.errors import Code, RuleBroken, Trouble
from app.wire.messages import (
    News,
    Order,
    OwnCode,
    PaymentCode,
    PaymentIntent,
    PaymentView,
    ProviderQrView,
    WayRate,
    WaysToPay,
)
from app.wire.portable import unpack
from app.wire.tokens import OrderToken, order_hash, read_order_token
from tests.fakes.clock import NOON


@dataclass
class _Held:
    intent: PaymentIntent
    order: Order
    payment: PaymentState
    expires_ms: int
    received: int = 0
    provider_ref: str = ""
    version: int = 1
    looked_at: bool = False
    changed_ms: int = 0
    provider: str = ""
    way: Way = Way.NOT_YET


@dataclass
class FakeGateway:
    """The port `PaymentGateway`: keeps to the payment table and to the order's hash in its token.

    `lose_requests` and `lose_answers` count down: a lost request never arrived, a lost answer did.
    """

    now_ms: Callable[[], int] = lambda: NOON
    provider: str = "sandbox"
    public_url: str = "https://shop.example"
    lose_requests: int = 0
    lose_answers: int = 0
    refuses: Code | None = None
    """What the cloud says to every order that it is sent."""
    collects: list[str] = field(default_factory=lambda: [""])
    shows: list[OwnCode] = field(default_factory=list)
    rates: list[WayRate] = field(default_factory=list)
    collected: list[str] = field(default_factory=list)
    """The attempts for which a provider was asked to collect by a code, in order."""
    calls: list[tuple[str, str]] = field(default_factory=list)
    on_change: Callable[[News], None] = lambda news: None
    _held: dict[str, _Held] = field(default_factory=dict)

    # --- the port ---------------------------------------------------------------------------------

    def create(self, intent: PaymentIntent) -> PaymentView:
        claims = read_order_token(intent.token).claims
        self._arrive("create", claims.attempt_id)
        known = self._held.get(claims.attempt_id)
        if known is not None and known.intent != intent:
            raise RuleBroken(Code.REFERENCE_ALREADY_USED)
        if self.refuses is not None:
            raise RuleBroken(self.refuses)
        if claims.is_portable:
            return self._take(claims.attempt_id, known, intent, _travelled(claims))
        order = msgspec.json.decode(intent.order, type=Order)
        if claims.order_hash != order_hash(intent.order) or claims.amount != order.total:
            raise RuleBroken(Code.TOKEN_INVALID)
        return self._take(claims.attempt_id, known, intent, order)

    def _take(
        self, attempt_id: str, known: _Held | None, intent: PaymentIntent, order: Order
    ) -> PaymentView:
        if known is None:
            self._refuse_second(order)
            waiting = PaymentState().after(Event.SHOWN)
            expires_ms = read_order_token(intent.token).claims.expires_s * 1_000
            self._held[attempt_id] = _Held(intent, order, waiting, expires_ms)
        return self._answer(attempt_id)

    def query(self, attempt_id: str) -> PaymentView:
        self._arrive("query", attempt_id)
        held = self._find(attempt_id)
        if held.payment.is_open and held.expires_ms <= self.now_ms():
            self._apply(attempt_id, Event.TIMED_OUT)
        return self._answer(attempt_id)

    def cancel(self, attempt_id: str) -> PaymentView:
        self._arrive("cancel", attempt_id)
        if self._find(attempt_id).payment.is_open:
            self._apply(attempt_id, Event.CLOSED)
        return self._answer(attempt_id)

    def collect(self, attempt_id: str, code: PaymentCode) -> PaymentView:
        """Do as the sandbox does: the last digit of a code says what comes of it."""
        self._arrive("collect", attempt_id)
        held = self._find(attempt_id)
        if not {code.wallet, ""} & set(self.collects):
            raise RuleBroken(Code.PAYMENT_NOT_OFFERED)
        provider = code.wallet if code.wallet in self.collects else self.provider
        if held.payment.is_open and held.provider != provider and not held.received:
            held.provider, held.way, held.version = provider, Way.CODE, held.version + 1
            self.collected.append(attempt_id)
            match code.code[-1:]:
                case "1":
                    self.decline(attempt_id)
                case "2":
                    pass  # a password is asked for
                case "4":
                    self.lose_provider(attempt_id)
                case _:
                    self.pay(attempt_id)
        return self._answer(attempt_id)

    def own_code(self, attempt_id: str, provider: str) -> ProviderQrView:
        self._arrive("own_code", attempt_id)
        held = self._find(attempt_id)
        if provider not in {each.provider for each in self.shows}:
            raise RuleBroken(Code.PAYMENT_NOT_OFFERED)
        if not held.payment.is_open:
            raise RuleBroken(Code.ORDER_CLOSED)
        self.begin(attempt_id, provider, Way.QR)
        return ProviderQrView(text=f"{provider}://pay/{attempt_id}", payment=self._view(attempt_id))

    def ways(self) -> WaysToPay:
        self._arrive("ways", "")
        return WaysToPay(
            collects=list(self.collects), shows=list(self.shows), rates=list(self.rates)
        )

    # --- the customer and the provider ------------------------------------------------------------

    def look(self, attempt_id: str) -> None:
        """Open the order on a phone."""
        held = self._find(attempt_id)
        held.looked_at, held.version = True, held.version + 1
        self.on_change(News(kind="payment", subject=attempt_id, version=held.version))

    def pay(self, attempt_id: str, received: int | None = None) -> None:
        """Let `received` minor units arrive (the exact amount if not said), however late."""
        held = self._find(attempt_id)
        held.received += held.order.total if received is None else received
        held.provider_ref = f"{held.provider or self.provider}-{attempt_id[:8]}"
        self._apply(attempt_id, judge_amount(held.order.total, held.received))

    def begin(self, attempt_id: str, provider: str, way: Way = Way.PAGE) -> None:
        """Open an order at a provider, as a customer does who goes to their wallet from our page."""
        held = self._find(attempt_id)
        if held.provider != provider:
            held.provider, held.way, held.version = provider, way, held.version + 1

    def decline(self, attempt_id: str) -> None:
        self._apply(attempt_id, Event.DECLINED)

    def go_back(self, attempt_id: str, event: Event) -> None:
        """Let the cloud hear how its refund of this money goes."""
        self._apply(attempt_id, event)

    def lose_provider(self, attempt_id: str) -> None:
        """Let the cloud ask its provider and hear nothing it can trust."""
        self._apply(attempt_id, Event.LOST)

    @property
    def attempt_ids(self) -> tuple[str, ...]:
        return tuple(self._held)

    def order(self, attempt_id: str) -> Order:
        return self._find(attempt_id).order

    # --- inside -----------------------------------------------------------------------------------

    def _refuse_second(self, order: Order) -> None:
        """A sale that is paid, or may still be paid by an earlier code, gets no second code."""
        of_sale = [held for held in self._held.values() if held.order.sale_id == order.sale_id]
        if any(held.payment.state is State.CONFIRMED for held in of_sale):
            raise RuleBroken(Code.ORDER_PAID)
        if any(held.payment.is_open for held in of_sale):
            raise RuleBroken(Code.PAYMENT_ALREADY_OPEN)
        if order.expires_ms <= self.now_ms():
            raise RuleBroken(Code.TOKEN_EXPIRED)

    def _arrive(self, call: str, attempt_id: str) -> None:
        self.calls.append((call, attempt_id))
        if self.lose_requests:
            self.lose_requests -= 1
            raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True)

    def _answer(self, attempt_id: str) -> PaymentView:
        if self.lose_answers:
            self.lose_answers -= 1
            raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True)
        return self._view(attempt_id)

    def _view(self, attempt_id: str) -> PaymentView:
        held = self._find(attempt_id)
        return PaymentView(
            attempt_id=attempt_id,
            state=held.payment.state.value,
            anomalies=sorted(anomaly.value for anomaly in held.payment.anomalies),
            amount=held.order.total,
            received=held.received,
            provider=held.provider or self.provider,
            provider_ref=held.provider_ref,
            expires_ms=held.expires_ms,
            changed_ms=held.changed_ms,
            server_ms=self.now_ms(),
            version=held.version,
            looked_at=held.looked_at,
            url=f"{self.public_url}/o/{held.intent.token}",
            way=held.way.value,
        )

    def _find(self, attempt_id: str) -> _Held:
        if attempt_id not in self._held:
            raise RuleBroken(Code.PAYMENT_UNKNOWN)
        return self._held[attempt_id]

    def _apply(self, attempt_id: str, event: Event) -> None:
        held = self._find(attempt_id)
        held.payment = held.payment.after(event)
        held.version += 1
        held.changed_ms = self.now_ms()
        self.on_change(News(kind="payment", subject=attempt_id, version=held.version))


def _travelled(claims: OrderToken) -> Order:
    """Return the order that travels in a token, without the names only a catalogue has."""
    content = unpack(claims.content)
    return Order(
        attempt_id=claims.attempt_id,
        sale_id=content.sale_id,
        store="",
        guide_name=content.guide_id,
        guide_name_en=content.guide_id,
        currency=content.currency,
        total=claims.amount,
        lines=[],
        reasons=[],
        created_ms=0,
        expires_ms=claims.expires_s * 1_000,
    )


class FakeLiveFeed:
    """The port `LiveFeed` as a queue. `tell` sends news, `fail` breaks the connection."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[News | Trouble | None] = queue.Queue()
        self.listening = 0

    def tell(self, news: News) -> None:
        self._waiting.put(news)

    def fail(self) -> None:
        self._waiting.put(Trouble(Code.CLOUD_UNREACHABLE, retryable=True))

    def listen(self, stop: Callable[[], bool]) -> Iterator[News]:
        self.listening += 1
        while not stop():
            item = self._waiting.get()
            if item is None:
                return
            if isinstance(item, Trouble):
                raise item
            yield item

    def close(self) -> None:
        self._waiting.put(None)
