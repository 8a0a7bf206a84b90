"""What the core asks of the world. Each Protocol has an adapter outside the core and a fake in tests.

A method that takes or belongs to a `UnitOfWork` runs on the store thread; one that belongs to a
gateway or transport runs on a network thread; `Reader` answers at once from a read-only connection
and may be called on any thread, the GUI's included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Protocol, TypeVar

from app.domain.cart import Cart
from app.domain.catalog import Matrix, Sku, StyleCard
from app.domain.commission import CommissionPlan
from app.domain.facts import Fact, PaymentStep
from app.domain.member import Member, Tier
from app.domain.people import Person
from app.domain.receipt import Receipt, StoreHeader
from app.domain.refund import Refund, SoldLine
from app.domain.sale import Sale
from app.domain.times import Moment
from app.errors import Code
from app.wire.journal import Damaged, Record
from app.wire.messages import (
    CategoryRow,
    ConfigRow,
    EnrolAnswer,
    EnrolRequest,
    HelloAnswer,
    HelloRequest,
    KeySet,
    MemberChange,
    MembersPage,
    MembersPushAnswer,
    News,
    PaymentIntent,
    PaymentView,
    PersonRow,
    PublicKey,
    PullAnswer,
    PushAnswer,
    PushRequest,
    ReasonRow,
    Row,
    SkuRow,
    StockRow,
)
from app.wire.snapshot import SnapshotBegin, SnapshotChunk
from app.wire.tasks import TaskClaim, TaskRow, TaskSettlement
from app.wire.upkeep import BooksAnswer, DayBooks, EpochAnswer, EpochRequest

T = TypeVar("T")


# --- values that cross the ports ------------------------------------------------------------------


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


# --- the store ------------------------------------------------------------------------------------


class Priority(IntEnum):
    """Who goes first on the store thread."""

    SALE = 0
    SCREEN = 1
    SYNC = 2
    FILL = 3
    """What can be fetched again: a power cut may take the newest of it, never anything recorded."""


class UnitOfWork(Protocol):
    """One `BEGIN IMMEDIATE` transaction on the store thread. Leaving it without an exception commits."""

    def record(self, fact: Fact) -> JournalMark:
        """Write a fact and its journal row. The one door for facts.

        Raises RuleBroken(SALE_ALREADY_RECORDED) if a fact with this id exists and
        RuleBroken(REFERENCE_ALREADY_USED) if its reference does.
        """

    def record_again(self, record: Record) -> bool:
        """Write a fact that came back from a copy, under its own id; False if it is here already.

        Raises Trouble(CLOUD_MESSAGE_INVALID) for one this version cannot read.
        """

    def next_receipt_no(self) -> str:
        """Return the next receipt number; it is consumed only if the transaction commits."""

    def sale(self, sale_id: str) -> Sale | None: ...

    def sold_lines(self, sale_id: str) -> tuple[SoldLine, ...]:
        """Return a sale's lines with what has come back of each, under the write lock."""

    def sold_of_sku(self, sku_id: str, member_ref: str, limit: int = 20) -> tuple[SoldLine, ...]:
        """Return lines of this SKU sold to this member (newest first) that still hold pieces."""

    def document_with_reference(self, reference: str) -> str:
        """Return the id of the document with an outside reference, "" if there is none."""

    def attempt(self, attempt_id: str) -> Attempt | None: ...

    def attempts_of(self, sale_id: str) -> tuple[Attempt, ...]: ...

    def keep_token(self, attempt_id: str, token: str) -> None:
        """Remember the QR text of an attempt, so that it can be shown again after a restart."""

    def save_draft(self, draft: Draft) -> None: ...

    def draft(self, slot: str) -> Cart | None: ...

    def drop_draft(self, slot: str) -> None: ...

    def note_sign_in(self, person_id: str, failures: int, locked_until_ms: int) -> None: ...

    def change_member(self, change: MemberChange) -> None:
        """Apply a change to the local member and put it into the members' queue."""

    def state(self, key: str) -> str:
        """Return a piece of device state, "" if unset."""

    def set_state(self, key: str, value: str) -> None: ...

    # what a person must see
    def claim_of(self, task_id: str) -> str:
        """Return the id under which this till claims a task: the same one for ever, so that a lost
        answer can be asked for again."""

    def put_task(self, row: TaskRow) -> None:
        """Take over what the cloud answered about a task, before the stream tells it."""

    def raise_alarm(self, code: str, subject: str, detail: str, at_ms: int) -> None:
        """Let a person see trouble of this till. The very same alarm again changes nothing, even when
        it was settled; another detail raises it anew."""

    def settle_alarm(self, code: str, subject: str) -> None:
        """Put an alarm away; unknown ones are ignored."""

    # reference
    def put_config(self, config: ConfigRow) -> None: ...

    def put_people(self, rows: Sequence[PersonRow]) -> None: ...

    def put_skus(self, rows: Sequence[SkuRow]) -> None: ...

    def put_stock(self, rows: Sequence[StockRow]) -> None: ...

    # sync
    def identity(self) -> Identity: ...

    def is_revoked(self) -> bool:
        """Tell whether the cloud said that this device may only send what it has."""

    def set_revoked(self, revoked: bool) -> None:
        """Note what the proven cloud says of this device. A revoked one forgets its members at once,
        but neither their unsent changes nor any record."""

    def enrol(self, answer: EnrolAnswer, device_key: bytes, cloud_url: str) -> Identity:
        """Become the enrolled device: keep keys, open the new epoch, journal again what was recorded."""

    def unenrol(self, *, exported: tuple[int, int] = (0, 0)) -> None:
        """Forget the cloud, its secrets, people and members. Raises RuleBroken(UNSENT_LEFT), unless what
        the cloud lacks are just so many records and changes of members as a file holds."""

    def lacking(self) -> tuple[int, int]:
        """Return how many records and changes of members no cloud has taken, refused ones included."""

    def refuse_unsent(self) -> None:
        """Raise RuleBroken(UNSENT_LEFT) while the cloud lacks a record or a change of a member."""

    def device_key(self) -> bytes:
        """Return the raw Ed25519 private key of this device."""

    def device_secret(self) -> bytes:
        """Return the secret this device shares with the cloud alone, b"" before enrolment."""

    def cloud_keys(self) -> dict[str, bytes]:
        """Return the pinned signing keys of the cloud by key id."""

    def head(self) -> JournalMark: ...

    def acked(self) -> JournalMark: ...

    def unsent(self, *, max_records: int, max_bytes: int) -> Unsent: ...

    def batch_after(self, mark: JournalMark, *, max_records: int, max_bytes: int) -> Unsent:
        """Return the places that follow one of any epoch, within both limits."""

    def stretches(self) -> tuple[tuple[JournalMark, JournalMark], ...]:
        """Return each epoch of this device with its first kept record's predecessor and its last, the
        oldest first."""

    def escrow_key(self) -> bytes:
        """Return the cloud's public key for what only the cloud may read, b"" before enrolment."""

    def mark_received(self, seq: int, hash_: bytes, at_ms: int) -> bool:
        """Set the acknowledged mark, forward or (a restored cloud) back; False if the hash is not ours."""

    def note_durable(self, seq: int) -> None:
        """Remember up to where the cloud would hold this epoch even after a restore."""

    def prune(self, before_ms: int, most: int) -> int:
        """Let go of at most `most` old records, or settled changes of members, that the cloud cannot lose;
        return how many went."""

    def give_back(self, places: Sequence[JournalMark]) -> tuple[Record, ...]:
        """Return the records that belong to these places, as far as they are whole here, the later ones of
        an epoch first; and keep them from being let go as if the cloud had them."""

    def epoch_marks(self) -> tuple[JournalMark, ...]:
        """Return up to where the cloud was known to hold each enrolled epoch, the newest first."""

    def open_epoch(self, answer: EpochAnswer, reason: str, at: Moment) -> None:
        """Go on in another epoch; what the cloud is not proven to hold is journalled again."""

    def pin_cloud(self, timeline: str, keys: Sequence[PublicKey]) -> None:
        """Believe these signing keys (none: the same as before) and remember the cloud's timeline."""

    def day_books(self, since: str) -> tuple[DayBooks, ...]:
        """Return what this device sold and took back, by business date from `since` on."""

    def cursor(self, stream: str) -> str: ...

    def apply_page(self, page: PullAnswer) -> None:
        """Apply one page of reference and its cursor."""

    def feed(self, stream: str) -> FeedState: ...

    def begin_snapshot(self, begun: SnapshotBegin, *, mended_ms: int = 0) -> FeedState:
        """Start filling the next generation of a stream; what is in use stays in use.

        `mended_ms` is the time now where a wrong checksum is the reason, else 0.
        """

    def apply_snapshot(self, piece: SnapshotPiece) -> None:
        """Apply rows of the generation being filled and keep their last key."""

    def complete_snapshot(self, stream: str) -> None:
        """Put the filled generation in use; the cursor becomes the one the snapshot began with."""

    def sweep_feed(self, stream: str, most: int) -> bool:
        """Drop what the complete generation left behind among the next `most` rows; True if not done.

        Members only lose their place in the account: one the cloud lost is not lost here too.
        """

    def note_check(self, stream: str, at_ms: int) -> None:
        """Keep when a stream's sum was compared with the cloud's."""

    def member_queue(self, limit: int) -> tuple[MemberChange, ...]: ...

    def kept_changes(self) -> tuple[MemberChange, ...]:
        """Return every change no cloud has taken: those queued, then those it refused."""

    def settle_members(self, answer: MembersPushAnswer) -> None: ...

    def set_member_change_aside(self, change_id: str, code: str, at_ms: int) -> None:
        """Take a change that the cloud will never take out of the queue, and keep it."""

    def retry_refused_members(self) -> None:
        """Put what was set aside back at the end of the queue."""

    def queue_settled_members(self, most: int) -> bool:
        """Once the cloud's timeline is another, queue settled changes and known erasures again: at most
        `most`, before what waits; True while there may be more."""

    def tidy_members(self) -> bool:
        """Count the members' lease and, once it is over or somebody was erased, leave nothing of them in
        the file. Does a little at a time; True while there is more."""

    def apply_members(self, page: MembersPage) -> None: ...


class Reader(Protocol):
    """Bounded, read-only look-ups. Raises Trouble(STORE_BUSY) after 20 ms of waiting on a lock."""

    def find_code(self, code: str) -> Sku | None:
        """Return the SKU a scanned or typed code names (GTIN in any length, SKU id), or None."""

    def sku(self, sku_id: str) -> Sku | None: ...

    def style_cards(
        self, *, text: str = "", category: str = "", limit: int = 60, offset: int = 0
    ) -> tuple[StyleCard, ...]:
        """Return tiles for a search (characters, pinyin, initials, style number, colour) in a category."""

    def categories(self) -> tuple[tuple[CategoryRow, int], ...]:
        """Return categories in the shop's order with their number of styles."""

    def matrix(self, style_no: str) -> Matrix | None: ...

    def find_members(self, text: str, limit: int = 20) -> tuple[Member, ...]:
        """Return members by phone (any part of it from 3 digits), name, pinyin or initials."""

    def member(self, member_ref: str) -> Member | None: ...

    def members_expired(self) -> bool:
        """Tell whether members may not be looked up because the till has not heard of them too long."""

    def people(self) -> tuple[Person, ...]: ...

    def sign_in_record(self, person_id: str) -> SignInRecord | None: ...

    def tiers(self) -> tuple[Tier, ...]: ...

    def discount_reasons(self) -> tuple[ReasonRow, ...]: ...

    def plan(self) -> CommissionPlan: ...

    def store_header(self) -> StoreHeader: ...

    def payment_minutes(self) -> int: ...

    def documents(
        self, *, day: date | None = None, text: str = "", limit: int = 50, offset: int = 0
    ) -> tuple[DocumentSummary, ...]: ...

    def document(self, document_id: str) -> Sale | Refund | None: ...

    def document_by_receipt(self, receipt_no: str) -> Sale | Refund | None: ...

    def earnings(self, guide_id: str, day: date) -> Earnings: ...

    def earnings_lines(self, guide_id: str, day: date) -> tuple[EarningsLine, ...]: ...

    def references_and_nets(self) -> Iterator[tuple[str, int]]:
        """Yield (outside reference, net in minor units) of every document that has one, in journal order."""

    def open_attempts(self) -> tuple[Attempt, ...]: ...

    def uneasy_attempts(self) -> tuple[Attempt, ...]:
        """Return attempts with money where no sale is: late, over, partial, or paid without a sale."""

    def tasks(self) -> tuple[TaskRow, ...]:
        """Return the store's tasks and its payments, the newest first; settled ones for some days."""

    def alarms(self) -> tuple[Alarm, ...]:
        """Return this till's alarms that nobody has put away, the newest first."""

    def is_revoked(self) -> bool: ...

    def drafts(self) -> tuple[Draft, ...]: ...

    def state(self, key: str) -> str: ...

    def identity(self) -> Identity: ...

    def sync_status(self) -> SyncStatus: ...

    def feeds(self) -> tuple[FeedState, ...]:
        """Return how every feed stands, in the order a new till needs them."""


class Store(Protocol):
    """The encrypted file of one till."""

    @property
    def reader(self) -> Reader:
        """Look-ups for the calling thread (each thread has its own read-only connection)."""

    @property
    def drain_only(self) -> bool:
        """A newer program wrote this file: unsent records may leave, nothing else is written."""

    def run(
        self, job: Callable[[UnitOfWork], T], *, priority: Priority = Priority.SCREEN
    ) -> Future[T]:
        """Run `job` in one transaction on the store thread. Its result is there only after COMMIT.

        An exception from COMMIT itself means *unknown*: read again by id before saying anything.
        """

    def verify_journal(self) -> int | None:
        """Check the whole chain on the calling thread; return the first broken seq or None."""

    def sound_copies(self, damaged: Sequence[Damaged]) -> tuple[Record, ...]:
        """Return sound records for damaged places, from a second copy if one is kept; none if not.

        Reads the whole copy on the calling thread.
        """

    def close(self) -> None: ...


# --- the cloud ------------------------------------------------------------------------------------


class Enrolment(Protocol):
    """First contact with a cloud. Network thread."""

    def keys(self) -> KeySet: ...

    def enrol(self, request: EnrolRequest) -> EnrolAnswer: ...


class SyncTransport(Protocol):
    """The journal and reference at the cloud. Network thread. Raises Trouble for everything that fails."""

    def hello(self, request: HelloRequest) -> HelloAnswer: ...

    def push(self, request: PushRequest) -> PushAnswer: ...

    def new_epoch(self, request: EpochRequest) -> EpochAnswer: ...

    def books(self, since: str) -> BooksAnswer:
        """Ask what the cloud has on its books from this device, from a business date on."""

    def pull(
        self, stream: str, cursor: str, limit: int, *, check: bool = False, epoch: str = ""
    ) -> PullAnswer:
        """Return a page of reference; `epoch` is the one whose records stock figures shall name."""

    def push_members(self, changes: Sequence[MemberChange]) -> MembersPushAnswer: ...

    def pull_members(self, cursor: str, limit: int, *, check: bool = False) -> MembersPage: ...

    def begin_snapshot(self, stream: str) -> SnapshotBegin: ...

    def snapshot_chunk(
        self, stream: str, after: str, limit: int, *, epoch: str = ""
    ) -> SnapshotChunk: ...


class PaymentGateway(Protocol):
    """Payment attempts at the cloud. Network thread."""

    def create(self, intent: PaymentIntent) -> PaymentView: ...

    def query(self, attempt_id: str) -> PaymentView: ...

    def cancel(self, attempt_id: str) -> PaymentView: ...


class TaskDesk(Protocol):
    """The store's tasks at the cloud. Network thread.

    Raises Trouble when there is no trustworthy answer, and RuleBroken: TASK_TAKEN (`till`, `person`)
    while another tablet holds the task, TASK_SETTLED, TASK_UNKNOWN.
    """

    def claim(self, asked: TaskClaim) -> TaskRow: ...

    def settle(self, asked: TaskSettlement) -> TaskRow: ...


class LiveFeed(Protocol):
    """The stream of hints from the cloud. Live thread."""

    def listen(self, stop: Callable[[], bool]) -> Iterator[News]:
        """Yield news until `stop()` or the connection ends (raises Trouble when it fails)."""

    def close(self) -> None:
        """End a running `listen` from another thread."""


# --- devices --------------------------------------------------------------------------------------


class Clock(Protocol):
    """The device's clocks."""

    def now(self) -> Moment: ...

    def monotonic(self) -> float:
        """Seconds; for durations only."""

    def worked(self) -> float:
        """Seconds the calling thread has computed, without what it waited for the disk or others."""

    def anchor(self, server_ms: int) -> None:
        """Take the server's time as true from now on in this boot."""


@dataclass(frozen=True, slots=True)
class QrMatrix:
    """A QR symbol without quiet zone: `rows[y][x]` is True for a dark module."""

    rows: tuple[tuple[bool, ...], ...]
    version: int


class QrMaker(Protocol):
    """Makes QR symbols."""

    def make(self, text: str) -> QrMatrix: ...


@dataclass(frozen=True, slots=True)
class ReadCode:
    """A code found in a picture; `symbology` is qr, microqr, ean13, ean8 or code128."""

    text: str
    symbology: str


class CodeReader(Protocol):
    """Finds codes in grey pictures, the one nearest the middle first. Knows no camera and no Qt."""

    def read(self, pixels: bytes, width: int, height: int) -> tuple[ReadCode, ...]: ...


@dataclass(frozen=True, slots=True)
class View:
    """A picture as people see it: red, green and blue, 8 bits each, rows without padding."""

    rgb: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a camera for the readers: 8-bit grey, rows without padding.

    `view` is the same for people, smaller and in colour; without it the grey one is shown.
    """

    pixels: bytes
    width: int
    height: int
    view: View | None = None


class FrameSource(Protocol):
    """The cameras of a till, one of them open at a time. All calls answer at once.

    Frames come on a thread of the source's own, one at a time: what the camera sees while `take` has
    not returned is dropped. `fail` is called at most once per opening, on the opener's thread, with one
    of the CAMERA codes; no frame follows it. `which` counts on from the camera made for scanning.
    After `close` has returned nothing is called any more.
    """

    def cameras(self) -> int: ...
    def open(
        self, take: Callable[[Frame], None], fail: Callable[[Code], None], which: int = 0
    ) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ReceiptWords:
    """What a receipt says in one language. `reasons` and `tenders` map codes to names.

    With `english`, the English name of store, goods and colours is taken where there is one.
    """

    english: bool
    sale: str
    refund: str
    copy: str
    number: str
    time: str
    guide: str
    subtotal: str
    total: str
    refund_total: str
    given: str
    change: str
    pieces: str
    thanks: str
    reasons: Mapping[str, str]
    tenders: Mapping[str, str]


class ReceiptPrinter(Protocol):
    """Prints receipts. Device thread. A broken printer raises Trouble(PRINTER_FAILED)."""

    def print(self, receipt: Receipt) -> None: ...


class SecretKeeper(Protocol):
    """Where the store's key lies: the system's secret service, else a 0600 file."""

    @property
    def protection(self) -> str:
        """ "keyring", or "file" for reduced protection."""

    def read(self, name: str) -> bytes | None:
        """Return a secret, None only if it is certain that there is none.

        Raises Trouble: STORE_KEY_LOCKED (retryable) if the keeper is locked or cannot be asked.
        """

    def write(self, name: str, secret: bytes) -> None: ...

    def forget(self, name: str) -> None:
        """Drop a secret for good; none to drop is no error. Raises Trouble as `read` does."""
