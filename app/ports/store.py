"""What the core asks of its encrypted file: units of work on the store thread, look-ups on any."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import date
from enum import IntEnum
from typing import Protocol, TypeVar

from app.domain.cart import Cart
from app.domain.catalog import Matrix, Sku, StyleCard
from app.domain.commission import CommissionPlan
from app.domain.facts import Fact, RefundStep
from app.domain.member import Member, Tier
from app.domain.people import Person
from app.domain.receipt import StoreHeader
from app.domain.refund import Refund, SoldLine
from app.domain.sale import Sale
from app.domain.times import Moment
from app.ports.values import (
    Alarm,
    Attempt,
    DocumentSummary,
    Draft,
    Earnings,
    EarningsLine,
    FeedState,
    Identity,
    JournalMark,
    SignInRecord,
    SnapshotPiece,
    SyncStatus,
    Unsent,
)
from app.wire.journal import Damaged, Record
from app.wire.messages import (
    CategoryRow,
    ConfigRow,
    EnrolAnswer,
    MemberChange,
    MembersPage,
    MembersPushAnswer,
    PersonRow,
    PublicKey,
    PullAnswer,
    ReasonRow,
    SkuRow,
    StockRow,
)
from app.wire.snapshot import SnapshotBegin
from app.wire.tasks import TaskRow
from app.wire.upkeep import DayBooks, EpochAnswer

T = TypeVar("T")


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

    def money_back(self, number: str) -> RefundStep | None:
        """Return the newest step of a refund that goes through a provider."""

    def money_back_of_sale(self, sale_id: str) -> tuple[RefundStep, ...]:
        """Return the newest step of every such refund of a sale, oldest first."""

    def money_back_of_attempt(self, attempt_id: str) -> tuple[RefundStep, ...]:
        """Return the newest step of every such refund of a payment, oldest first."""

    def gone_back(self, attempt_id: str) -> int:
        """Return what documents say has gone back by a payment, in minor units."""

    def keep_token(self, attempt_id: str, token: str) -> None:
        """Remember the QR text of an attempt, so that it can be shown again after a restart."""

    def save_draft(self, draft: Draft) -> None: ...

    def draft(self, slot: str) -> Cart | None: ...

    def drop_draft(self, slot: str) -> None: ...

    def note_sign_in(self, person_id: str, failures: int, locked_until_ms: int) -> None: ...

    def change_member(self, change: MemberChange) -> None:
        """Apply a change to the local member and put it into the members' queue."""

    def state(self, key: str) -> str:
        """Return a piece of device state, "" if unset; what is set to "" is kept no more."""

    def set_state(self, key: str, value: str) -> None: ...

    # what a person must see
    def claim_of(self, task_id: str) -> str:
        """Return the id by which this till claims a task: for ever the same, so that it may ask again."""

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
        """Let go of some old records or settled changes that the cloud cannot lose; return how many went."""

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

    def own_stock(self, sku_ids: Sequence[str]) -> Mapping[str, int]:
        """Return how many pieces our store holds of these SKUs, those alone of which a figure is known."""

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

    def attempt(self, attempt_id: str) -> Attempt | None: ...

    def uneasy_attempts(self) -> tuple[Attempt, ...]:
        """Return attempts with money where no sale is: late, over, partial, or paid without a sale."""

    def money_going_back(self) -> tuple[RefundStep, ...]:
        """Return refunds through a provider whose end nobody knows, oldest first."""

    def money_back_of(self, refund_id: str) -> tuple[RefundStep, ...]:
        """Return the newest step of every refund through a provider for a document, oldest first."""

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
