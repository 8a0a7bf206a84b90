"""What the cloud needs from a payment provider, in its honest answers: paid, pending, failed, unknown.

A gateway translates one provider's protocol and nothing else: it knows neither our state machine nor
our pages. One provider order exists per attempt, named after the attempt's whole key, which providers
accept as the merchant's own order number and de-duplicate on; tenant and store travel in what they give
back with a notification, too, so that one finds its books without asking every store.

"Unknown" is not a value here but `Trouble`, so that nobody can take it for an answer. Amounts are
integer minor units everywhere; a provider that speaks yuan is translated at its own edge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, tzinfo
from enum import StrEnum
from typing import Protocol, runtime_checkable

from app.domain.times import SHOP_ZONE
from app.errors import Code, RuleBroken, Trouble


class Offer(StrEnum):
    """What a provider can do besides taking an order and telling how it stands."""

    QR = "qr"
    """Its order has an address to show as a QR or to open."""
    PAGE = "page"
    """Its order can be paid inside its wallet's browser, by a payer whose id there is known."""
    CODE = "code"
    """It collects by the code a customer shows."""
    REFUND = "refund"
    BILL = "bill"
    NOTIFY = "notify"
    """It speaks first, over HTTP."""
    BY_HAND = "by_hand"
    """It never confirms by itself: a person or a webhook of the bank does."""
    AGAIN = "again"
    """One of its orders can be paid more than once, and it says so when it is asked."""


class Wallet(StrEnum):
    """Whose browser a page is open in, or whose browser pays an order best."""

    ANY = ""
    WECHAT = "wechat"
    ALIPAY = "alipay"
    UNIONPAY = "unionpay"


class Standing(StrEnum):
    """Where the provider says an order stands. No answer at all is not a standing but `Trouble`."""

    ABSENT = "absent"
    """The provider knows no such order yet. Pending, not failed: some create it at the first scan."""
    OPEN = "open"
    PAYING = "paying"
    """Open, and the payer is at it: a password is being typed."""
    PAID = "paid"
    DECLINED = "declined"
    """Can no longer be paid: the payer or the provider said no."""
    CLOSED = "closed"
    """Closed unpaid, at our wish or by the provider's own timer."""
    REVERSED = "reversed"
    """It was paid or might have been, and the provider keeps and owes nothing any more."""


PENDING = frozenset({Standing.ABSENT, Standing.OPEN, Standing.PAYING})
"""Standings in which money may still come in the ordinary way."""


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
    """What a provider is asked to collect. Amount in minor units; `back` is where the payer returns.

    `payer` is the payer's id at the provider where its own browser pays (WeChat's openid), else "".
    `device_ip` is where the till or phone asks from, for providers that want to know.
    """

    attempt: AttemptKey
    merchant: str
    amount: int
    currency: str
    expires_ms: int
    back: str
    payer: str = ""
    device_ip: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """The provider's order: its reference there and the address that opens the payer's wallet.

    `call` is what the provider's own browser is handed instead, if the charge named a payer.
    """

    ref: str
    url: str
    call: Mapping[str, str] = field(default_factory=dict)


class RefundStanding(StrEnum):
    """Where the provider says a refund stands. No answer at all is `Trouble` here, too."""

    DONE = "done"
    PENDING = "pending"
    ABSENT = "absent"
    """The provider knows no such refund: it never arrived, so the same one may be sent again."""
    REFUSED = "refused"
    """It will not happen as asked; `reason` is the provider's word for why."""
    STUCK = "stuck"
    """The provider cannot give the money back by itself; a person has to act there."""


@dataclass(frozen=True, slots=True)
class Refund:
    """Money to give back. `number` is ours and makes a repetition harmless: the same number, once.

    `payment_ref` is the provider's number of the payment, `total` what was paid; minor units.
    """

    attempt: AttemptKey
    number: str
    payment_ref: str
    amount: int
    total: int
    currency: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RefundAnswer:
    """What a provider says about a refund; `ref` is its number there, `amount` what it gave back."""

    standing: RefundStanding
    ref: str = ""
    amount: int = 0
    reason: str = ""


class BillKind(StrEnum):
    """What a line of a provider's bill is about."""

    PAYMENT = "payment"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a provider's daily bill. Amounts in minor units, never negative: `kind` says the way.

    `fee_mills` is what the provider keeps, in thousandths of a minor unit, negative where it returns
    some. `attempt_id` is "" for orders that are not ours. `ref` is the provider's number of the payment,
    also on the line of a refund. `store` and `way` are "" where a provider does not say them.
    """

    kind: BillKind
    attempt_id: str
    order_number: str
    ref: str
    amount: int
    fee_mills: int
    at_ms: int
    refund_number: str = ""
    currency: str = "CNY"
    store: str = ""
    """The store it was told with the order."""
    way: str = ""
    """How the money was collected; see `Tariff`."""


class Tariff(StrEnum):
    """How a customer paid, as far as it may cost differently."""

    QR = "qr"
    """By a code of ours that the customer scanned, on our page or not."""
    CODE = "code"
    """By the code the customer showed."""


@dataclass(frozen=True, slots=True)
class Bill:
    """A provider's account of one day: its lines, and the file as it came, to be kept.

    `zone` says when that day began and ended. `is_none`: the provider says that there is no bill, which
    may mean an empty day or one that is not billed yet.
    """

    day: date
    lines: tuple[BillLine, ...]
    file: bytes
    zone: tzinfo = SHOP_ZONE
    is_none: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What a provider's notification is answered with."""

    status: int
    body: bytes = b""
    media: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Notice:
    """A verified notification: what it says about which attempt, and the answer that ends its retries.

    `attempt` is None when it is genuine but about nothing of ours, for instance another product.
    """

    attempt: AttemptKey | None
    answer: Answer | None
    reply: Reply


class NoticeRefused(Exception):  # noqa: N818 - says what happened, like the house's own
    """A notification is not proven to be the provider's; `reply` makes a genuine one come again."""

    def __init__(self, why: str, reply: Reply) -> None:
        super().__init__(why)
        self.why = why
        self.reply = reply


Listener = Callable[[AttemptKey, Answer], object]
"""Called with (attempt, answer) when a provider speaks first, as a verified notification does."""


class Gateway(Protocol):
    """A payment provider. Calls may wait for the network and are never made under a row lock.

    Every method raises Trouble(PAYMENT_UNRESOLVED, retryable=True) when no trustworthy answer came: a
    lost line, a system error, a signature that does not hold. The truth is then heard by `query`, never
    by asking for the money again. A method the provider does not offer raises
    RuleBroken(PAYMENT_NOT_OFFERED); `offers` tells beforehand.
    """

    @property
    def name(self) -> str:
        """The provider's code as it stands in tenders and reports."""

    @property
    def offers(self) -> frozenset[Offer]:
        """What this provider can do."""

    @property
    def wallet(self) -> Wallet:
        """Whose browser pays its orders; ANY where the address opens anywhere."""

    def create(self, charge: Charge) -> Started:
        """Open the provider's order; the same attempt again returns the same one.

        Raises RuleBroken(ORDER_CLOSED) when the provider says it is paid or closed: then ask `query`.
        """

    def pay(self, charge: Charge, code: str) -> Answer:
        """Collect by the code a customer shows. PAYING means: a password is asked for, so query on."""

    def query(self, attempt: AttemptKey) -> Answer:
        """Return what the provider holds about an attempt."""

    def cancel(self, attempt: AttemptKey) -> Answer:
        """End an attempt in doubt: unpaid it is closed, paid the money goes back where that can be.

        ABSENT promises nothing: a code nobody has scanned yet may still be paid until it dies by
        itself. PAID means that it was too late to reverse, so refund.
        """

    def close(self, attempt: AttemptKey) -> Answer:
        """Ask to close unpaid. Answers PAID, with the money, when the payer was quicker."""

    def refund(self, refund: Refund) -> RefundAnswer:
        """Give money back; the same number again is the same refund.

        Raises RuleBroken(REFERENCE_ALREADY_USED) when the number stands for another amount.
        """

    def refund_query(self, refund: Refund) -> RefundAnswer:
        """Return what the provider holds about a refund."""

    def bill(self, day: date) -> Bill:
        """Fetch the provider's account of a past day, in its own time zone."""

    def hear(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """Verify and read a notification. Raises NoticeRefused."""


@runtime_checkable
class KnowsPayer(Protocol):
    """A gateway that pays inside its wallet's browser (`Offer.PAGE`) and must know who has it open."""

    def payer_url(self, back: str, state: str) -> str:
        """Return where to send the phone so that it comes to `back` with `code` and our `state`."""

    def payer(self, code: str) -> str:
        """Change the code (once) for the payer's id. Raises Trouble(PAYMENT_UNRESOLVED)."""


@runtime_checkable
class ReadsBills(Protocol):
    """A gateway that can also read a bill somebody downloaded from the provider's console."""

    def read_bill(self, file: bytes, day: date | None = None) -> Bill:
        """Read a bill's file, of the day it is itself of unless one is said.

        Raises BillUnreadable for what is no bill of this account and this day, or not all of it.
        """


def unresolved(provider: str, detail: str) -> Trouble:
    """Return the trouble that stands for "unknown". `detail` is for the log: no keys, nobody's data."""
    return Trouble(Code.PAYMENT_UNRESOLVED, retryable=True, provider=provider, detail=detail[:200])


def not_offered(provider: str) -> RuleBroken:
    """Return what a method raises that a provider has not."""
    return RuleBroken(Code.PAYMENT_NOT_OFFERED, provider=provider)
