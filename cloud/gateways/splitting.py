"""How a provider is told to share out a payment (分账), in one Protocol for Alipay and WeChat Pay.

We only instruct a licensed institution; what each party has earned is our ledger's to say, what has moved
the provider's. Amounts are integer minor units, whole and final: no percentages travel.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cloud.gateways.base import AttemptKey


class Party(StrEnum):
    """Who a receiver is to the provider."""

    COMPANY = "company"
    PERSON = "person"
    """A person's wallet; WeChat Pay cannot take anything back from it."""


class Relation(StrEnum):
    """What a receiver is to the seller; both providers want to know."""

    STAFF = "staff"
    STORE = "store"
    BRAND = "brand"
    HEADQUARTERS = "headquarters"
    PLATFORM = "platform"
    DISTRIBUTOR = "distributor"
    SUPPLIER = "supplier"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Receiver:
    """Somebody who may get a share: the account at the provider and the name it is in."""

    party: Party
    account: str
    name: str
    relation: Relation


@dataclass(frozen=True, slots=True)
class Share:
    """What one receiver gets of a payment."""

    receiver: Receiver
    amount: int
    why: str


@dataclass(frozen=True, slots=True)
class Split:
    """Shares of one payment. `number` is ours and makes a repetition harmless; `finish` releases what is
    left to the seller."""

    attempt: AttemptKey
    payment_ref: str
    number: str
    shares: tuple[Share, ...]
    finish: bool = True


@dataclass(frozen=True, slots=True)
class GiveBack:
    """A share that returns to the seller before a refund. `number` makes a repetition harmless."""

    split: Split
    number: str
    receiver: Receiver
    amount: int
    why: str


class Moved(StrEnum):
    """Where the provider says a share stands. No answer at all is `Trouble`."""

    DONE = "done"
    PENDING = "pending"
    REFUSED = "refused"
    ABSENT = "absent"
    """The provider knows of no such split or share: it may be sent again under the same number."""


@dataclass(frozen=True, slots=True)
class ShareAnswer:
    """What became of one share. `reason` is the provider's word for why it was refused."""

    account: str
    amount: int
    moved: Moved
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SplitAnswer:
    """What became of a split: as a whole, and share by share as far as it is known."""

    moved: Moved
    shares: tuple[ShareAnswer, ...] = ()
    reason: str = ""


class Splitter(Protocol):
    """A provider that shares out. Every method raises Trouble(PAYMENT_UNRESOLVED) when no trustworthy
    answer came: then ask with `split_query`, and send the same number again."""

    def bind(self, receivers: tuple[Receiver, ...], number: str) -> SplitAnswer:
        """Make receivers known, once and before the first share."""

    def split(self, order: Split) -> SplitAnswer:
        """Share out. PENDING is usual: `split_query` tells the end."""

    def split_query(self, order: Split) -> SplitAnswer:
        """Return what became of a split."""

    def give_back(self, back: GiveBack) -> SplitAnswer:
        """Take a share back; do it before the customer's refund."""
