"""The port `UnitOfWork`: everything that may happen in one transaction, by name.

Lives on the store thread with the one write connection; each method hands over to the room that owns
the tables. It neither begins nor ends transactions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.domain.cart import Cart
from app.domain.facts import Fact, RefundStep, fact_id
from app.domain.refund import SoldLine
from app.domain.sale import Sale
from app.errors import Code, Trouble
from app.ports import (
    Attempt,
    Clock,
    Draft,
    Identity,
    JournalMark,
)
from app.wire.journal import Record
from app.wire.messages import (
    ConfigRow,
    EnrolAnswer,
    MemberChange,
    MembersPage,
    MembersPushAnswer,
    PersonRow,
    PublicKey,
    PullAnswer,
    SkuRow,
    StockRow,
)
from app.wire.tasks import TaskRow
from app.wire.upkeep import DayBooks
from offline_store import (
    attempts,
    device,
    documents,
    enrolment,
    epochs,
    facts,
    leaving,
    member_lease,
    member_refusals,
    members,
    money_back,
    receipts,
    reference,
    scrubbing,
    status,
    stock,
    styles,
    tasks,
)
from offline_store.connection import troubles_sorted
from offline_store.feed_unit import FeedUnit
from offline_store.identity import read_identity
from offline_store.journal import Journal
from offline_store.journal_unit import JournalUnit

if TYPE_CHECKING:
    from sqlite3 import Connection


class StoreUnit(FeedUnit, JournalUnit):
    """The store's `UnitOfWork`, used for one transaction after another."""

    def __init__(self, connection: Connection, clock: Clock, *, drain_only: bool) -> None:
        self._connection = connection
        self._clock = clock
        self._drain_only = drain_only
        self._journal = Journal(connection)
        self.recorded: list[str] = []
        """Ids of the facts recorded in the running transaction."""
        self._end_is_stale = False
        self.has_forgotten = False
        """Somebody was forgotten, and the log may still hold what was known of them."""

    def begin(self) -> None:
        """A transaction has begun: know the chain's end before anything is chained on."""
        self.recorded.clear()
        if self._end_is_stale:
            self._journal.reload()
            self._end_is_stale = False

    def undo(self) -> None:
        """The transaction was rolled back: forget what it did to the chain's end."""
        self.recorded.clear()
        self._end_is_stale = True

    def holds(self, fact_ids: Sequence[str]) -> bool:
        """Tell whether every one of these facts is in the file."""
        return all(facts.is_recorded(self._connection, fid) for fid in fact_ids)

    def _may_write(self) -> None:
        if self._drain_only:
            raise Trouble(Code.STORE_NEWER)

    # --- facts
    def record(self, fact: Fact) -> JournalMark:
        """Write a fact and its journal row."""
        self._may_write()
        # Sorted here, not only when the job ends: a full disk is no flaw of the sale.
        with troubles_sorted():
            mark = facts.record(self._connection, self._journal, fact)
        self.recorded.append(fact_id(fact))
        return mark

    def record_again(self, record: Record) -> bool:
        """Write a fact that came back from a copy; False if it is here already."""
        self._may_write()
        with troubles_sorted():
            new = facts.record_again(self._connection, self._journal, record.header, record.body)
            if new:
                receipts.pass_by(self._connection, self._journal.epoch, record.header.rec_id)
                # The cloud's figures may count it already: they are taken over from the start.
                device.set_cursor(self._connection, "stock", "")
        if new:
            self.recorded.append(record.header.rec_id)
        return new

    def next_receipt_no(self) -> str:
        """Return the next receipt number, `{store}{device code}-{epoch ordinal}-{counter}`."""
        self._may_write()
        return receipts.next_no(self._connection, self._journal.epoch)

    def sale(self, sale_id: str) -> Sale | None:
        """Return a sale."""
        return documents.sale(self._connection, sale_id)

    def sold_lines(self, sale_id: str) -> tuple[SoldLine, ...]:
        """Return a sale's lines with what has come back of each."""
        return documents.lines_sold(self._connection, sale_id)

    def sold_of_sku(self, sku_id: str, member_ref: str, limit: int = 20) -> tuple[SoldLine, ...]:
        """Return lines of this SKU sold to this member that still hold pieces."""
        return documents.lines_of_sku(self._connection, sku_id, member_ref, limit)

    def document_with_reference(self, reference: str) -> str:
        """Return the id of the document with an outside reference, "" if there is none."""
        return facts.document_with_reference(self._connection, reference)

    def attempt(self, attempt_id: str) -> Attempt | None:
        """Return a payment attempt."""
        return attempts.by_id(self._connection, attempt_id)

    def attempts_of(self, sale_id: str) -> tuple[Attempt, ...]:
        """Return the attempts for one cart, oldest first."""
        return attempts.of_sale(self._connection, sale_id)

    def money_back(self, number: str) -> RefundStep | None:
        """Return the newest step of a refund that goes through a provider."""
        return money_back.by_number(self._connection, number)

    def money_back_of_sale(self, sale_id: str) -> tuple[RefundStep, ...]:
        """Return the newest step of every such refund of a sale, oldest first."""
        return money_back.of_sale(self._connection, sale_id)

    def money_back_of_attempt(self, attempt_id: str) -> tuple[RefundStep, ...]:
        """Return the newest step of every such refund of a payment, oldest first."""
        return money_back.of_attempt(self._connection, attempt_id)

    def gone_back(self, attempt_id: str) -> int:
        """Return what documents say has gone back by a payment."""
        return money_back.gone_back(self._connection, attempt_id)

    def keep_token(self, attempt_id: str, token: str) -> None:
        """Remember the QR text of an attempt."""
        self._may_write()
        attempts.keep_token(self._connection, attempt_id, token)

    # --- device
    def save_draft(self, draft: Draft) -> None:
        """Keep a cart across a crash."""
        self._may_write()
        device.save_draft(self._connection, draft)

    def draft(self, slot: str) -> Cart | None:
        """Return a kept cart, None if there is none that this version can read."""
        return device.draft(self._connection, slot)

    def drop_draft(self, slot: str) -> None:
        """Forget a kept cart."""
        self._may_write()
        device.drop_draft(self._connection, slot)

    def note_sign_in(self, person_id: str, failures: int, locked_until_ms: int) -> None:
        """Remember failed sign-ins of a person at this till."""
        self._may_write()
        self._connection.execute(
            "UPDATE person SET failures = ?, locked_until_ms = ? WHERE person_id = ?",
            (failures, locked_until_ms, person_id),
        )

    def state(self, key: str) -> str:
        """Return a piece of device state, "" if unset."""
        return device.state(self._connection, key)

    def set_state(self, key: str, value: str) -> None:
        """Keep a piece of device state."""
        self._may_write()
        device.set_state(self._connection, key, value)

    # --- what a person must see
    def claim_of(self, task_id: str) -> str:
        """Return the id under which this till claims a task."""
        self._may_write()
        return tasks.claim_of(self._connection, task_id)

    def put_task(self, row: TaskRow) -> None:
        """Take over what the cloud answered about a task."""
        self._may_write()
        tasks.put(self._connection, row)

    def raise_alarm(self, code: str, subject: str, detail: str, at_ms: int) -> None:
        """Let a person see trouble of this till."""
        self._may_write()
        tasks.raise_alarm(self._connection, code, subject, detail, at_ms)

    def settle_alarm(self, code: str, subject: str) -> None:
        """Put an alarm away."""
        self._may_write()
        tasks.settle_alarm(self._connection, code, subject)

    # --- reference
    def put_config(self, config: ConfigRow) -> None:
        """Replace the shop's document."""
        self._may_write()
        reference.put_config(self._connection, config)

    def put_people(self, rows: Sequence[PersonRow]) -> None:
        """Write people."""
        self._may_write()
        reference.put_people(self._connection, rows)

    def put_skus(self, rows: Sequence[SkuRow]) -> None:
        """Write SKUs and what the screen shows of their styles."""
        self._may_write()
        styles.put(self._connection, rows, self._journal.epoch.chain.store)

    def put_stock(self, rows: Sequence[StockRow]) -> None:
        """Take figures over as they stand now: every movement recorded so far is counted in them."""
        self._may_write()
        counted = self._journal.next_fact - 1
        stock.put(self._connection, rows, self._journal.epoch.chain.store, counted)

    # --- sync
    def identity(self) -> Identity:
        """Return who this till is."""
        return read_identity(self._connection)

    def is_revoked(self) -> bool:
        """Tell whether this device may only send what it has."""
        return status.is_revoked(self._connection)

    def set_revoked(self, revoked: bool) -> None:
        """Note what the cloud says of this device; a revoked one forgets its members."""
        self._may_write()
        status.set_revoked(self._connection, revoked)
        if revoked:
            member_lease.end(self._connection)

    def enrol(self, answer: EnrolAnswer, device_key: bytes, cloud_url: str) -> Identity:
        """Become the enrolled device; what was recorded before is journalled again under it."""
        self._may_write()
        enrolment.enrol(self._connection, self._journal, answer, device_key, cloud_url)
        return read_identity(self._connection)

    def unenrol(self, *, exported: tuple[int, int] = (0, 0)) -> None:
        """Forget the cloud. Raises RuleBroken(UNSENT_LEFT)."""
        self._may_write()
        leaving.unenrol(self._connection, self._journal, exported)
        self.has_forgotten = True

    def lacking(self) -> tuple[int, int]:
        """Return how many records and changes of members no cloud has taken."""
        return leaving.unsent(self._connection)

    def refuse_unsent(self) -> None:
        """Raise RuleBroken(UNSENT_LEFT) while the cloud lacks anything."""
        leaving.refuse_unsent(self._connection)

    def device_key(self) -> bytes:
        """Return the device's private key, b"" before enrolment."""
        return device.secret(self._connection, device.DEVICE_KEY)

    def device_secret(self) -> bytes:
        """Return the secret shared with the cloud alone, b"" before enrolment."""
        return device.secret(self._connection, device.DEVICE_SECRET)

    def cloud_keys(self) -> dict[str, bytes]:
        """Return the cloud's signing keys that are not void yet, by id."""
        return enrolment.cloud_keys(self._connection, self._clock.now().server_ms)

    def escrow_key(self) -> bytes:
        """Return the cloud's public escrow key, b"" before enrolment."""
        return device.secret(self._connection, enrolment.ESCROW_KEY)

    def pin_cloud(self, timeline: str, keys: Sequence[PublicKey]) -> None:
        """Believe the cloud's keys and remember its timeline."""
        self._may_write()
        epochs.keep_timeline(self._connection, timeline)
        if keys:
            enrolment.pin_keys(self._connection, keys)

    def day_books(self, since: str) -> tuple[DayBooks, ...]:
        """Return what this device sold and took back, by business date."""
        return documents.day_books(self._connection, since)

    def cursor(self, stream: str) -> str:
        """Return the cursor after the last applied page of a stream."""
        return device.cursor(self._connection, stream)

    def apply_page(self, page: PullAnswer) -> None:
        """Apply one page of reference and its cursor."""
        self._may_write()
        reference.apply_page(self._connection, page, self._journal.epoch)
        device.set_state(self._connection, status.LAST_PULL, str(page.server_ms))

    # --- members
    def change_member(self, change: MemberChange) -> None:
        """Apply a change to the local member and queue it."""
        self._may_write()
        members.change(self._connection, change)

    def member_queue(self, limit: int) -> tuple[MemberChange, ...]:
        """Return the oldest unsettled changes of members."""
        return members.queue(self._connection, limit)

    def kept_changes(self) -> tuple[MemberChange, ...]:
        """Return every change of a member no cloud has taken, refused ones included."""
        return members.kept(self._connection)

    def settle_members(self, answer: MembersPushAnswer) -> None:
        """Take the cloud's verdicts on changes of members."""
        self._may_write()
        members.settle(self._connection, answer, self._journal.next_fact - 1)

    def set_member_change_aside(self, change_id: str, code: str, at_ms: int) -> None:
        """Take a change that the cloud will never take out of the queue, and keep it."""
        self._may_write()
        member_refusals.set_aside(self._connection, change_id, code, at_ms)

    def retry_refused_members(self) -> None:
        """Put what was set aside back at the end of the queue."""
        self._may_write()
        member_refusals.queue_again(self._connection)

    def apply_members(self, page: MembersPage) -> None:
        """Apply a page of members and its cursor."""
        self._may_write()
        members.apply_page(self._connection, page, self._clock.now())
        device.set_state(self._connection, status.LAST_PULL, str(page.server_ms))

    def tidy_members(self) -> bool:
        """Look at the members' lease, and leave nothing in the file of who is to be forgotten."""
        self._may_write()
        days = reference.lease_days(self._connection)
        more = member_lease.tidy(self._connection, self._clock.now(), days)
        if more or not scrubbing.is_due(self._connection):
            return more
        self.has_forgotten = True
        return scrubbing.step(self._connection)
