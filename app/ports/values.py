"""The values that cross the ports: plain, frozen, and of the till's own terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.cart import Cart
from app.domain.facts import PaymentStep
from app.domain.people import Person
from app.errors import Code
from app.wire.journal import Damaged, Record
from app.wire.messages import Row

BOOKS_ASKED, BOOKS_ANSWERED = "cloud.books.asked", "cloud.books.answered"
"""Device state, two counts: how often this till wanted to be told whether the cloud's books are still the
ones it knew (`Identity.timeline`), and the last of these questions that was older than a finished hello."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this till is. Before enrolment `device` is "" for the cloud and the journal is provisional."""

    tenant: str
    store: str
    device: str
    device_code: str
    epoch: str
    epoch_ordinal: int
    enrolled: bool
    public_url: str = ""
    timeline: str = ""
    cloud_url: str = ""


@dataclass(frozen=True, slots=True)
class JournalMark:
    """A place in the journal: the last record's seq and hash (genesis for seq 0)."""

    epoch: str
    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Unsent:
    """Consecutive places of the journal the cloud does not hold yet, and the hash they continue from.

    A record is sound; what is left of a damaged one goes along sealed.
    """

    prev_hash: bytes
    records: tuple[Record | Damaged, ...]


@dataclass(frozen=True, slots=True)
class SignInRecord:
    """What sign-in needs to know about a person; `pin_hash` is argon2id in PHC form."""

    person: Person
    pin_hash: str
    failures: int
    locked_until_ms: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """A payment attempt as its steps left it."""

    last: PaymentStep
    token: str

    @property
    def attempt_id(self) -> str:
        return self.last.attempt_id


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """One row of the history. `net` is minor units, negative for refunds; `kind` sale or refund."""

    document_id: str
    kind: str
    receipt_no: str
    at_ms: int
    business_date: str
    net: int
    units: int
    actor: str
    member_ref: str
    tender_kinds: tuple[str, ...]
    sent: bool


@dataclass(frozen=True, slots=True)
class Earnings:
    """A guide's day: documents they are credited in, their credited net and commission, minor units."""

    sales: int
    units: int
    net: int
    commission: int
    hourly_net: tuple[int, ...]
    """24 figures by local hour."""


@dataclass(frozen=True, slots=True)
class EarningsLine:
    """One commission entry of a guide's day with all that explains it."""

    receipt_no: str
    document_id: str
    line_no: int
    name: str
    base: int
    rate_bp: int
    weight_bp: int
    amount: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """How far behind the cloud this till is. Times are Unix ms, 0 for never.

    `member_refused` counts changes of members that the cloud will not take.
    """

    unsent: int
    oldest_unsent_ms: int
    last_push_ms: int
    last_pull_ms: int
    member_changes: int
    head: JournalMark
    member_refused: int = 0


@dataclass(frozen=True, slots=True)
class CopyStanding:
    """How the second copy stands: on which card, how many records behind, and what is wrong with it.

    `alarm` is COPY_FAILED (with the system's word for it in `detail`) or COPY_AHEAD: `missing_here`
    of the copied records are not in the store. `written_ms` is Unix ms, 0 for not yet.
    """

    place: str
    behind: int = 0
    alarm: Code | None = None
    detail: str = ""
    missing_here: int = 0
    written_ms: int = 0


@dataclass(frozen=True, slots=True)
class Alarm:
    """Trouble of this very till that a person must see. `code` says which, `subject` what it is about
    (a seq, a day, a file) and `detail` what was found; code and subject together are its name."""

    code: str
    subject: str
    detail: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class FeedState:
    """How one feed stands at this till.

    `complete` is the generation of rows in use, 0 before the first snapshot; `filling` the one being
    filled, 0 for none: `taken` of `expected` rows are here, the last one under `after`. `total` is the
    sum over all rows (see `app.wire.checksum`). `sweeping`: rows of older generations are still to be
    dropped. `void`: what is complete came from another cloud. Times are Unix ms, 0 for never.
    """

    stream: str
    complete: int = 0
    filling: int = 0
    after: str = ""
    taken: int = 0
    expected: int = 0
    total: int = 0
    feed_generation: int = 0
    checked_ms: int = 0
    mended_ms: int = 0
    sweeping: bool = False
    void: bool = False

    @property
    def is_whole(self) -> bool:
        """A complete snapshot of the cloud this till belongs to is here and none is being filled."""
        return self.complete > 0 and not self.filling and not self.void


@dataclass(frozen=True, slots=True)
class SnapshotPiece:
    """Rows of a snapshot in the order of their keys, and the record their stock figures count."""

    stream: str
    rows: Sequence[Row]
    applied_epoch: str = ""
    applied_seq: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """A cart kept across a crash. `slot` is "open" for the one on screen, else a parked cart's id."""

    slot: str
    cart: Cart
    saved_ms: int
