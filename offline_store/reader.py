"""The port `Reader`: bounded look-ups on a read-only connection, one per thread.

Each answer is read at once and whole, so that no read transaction stays open behind it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from app.domain.catalog import Matrix, Sku, StyleCard
from app.domain.commission import NO_PLAN, CommissionPlan
from app.domain.facts import RefundStep
from app.domain.member import Member, Tier
from app.domain.people import Person
from app.domain.receipt import StoreHeader
from app.domain.refund import Refund
from app.domain.sale import Sale
from app.errors import Code, Trouble
from app.ports import (
    Alarm,
    Attempt,
    DocumentSummary,
    Draft,
    Earnings,
    EarningsLine,
    FeedState,
    Identity,
    SignInRecord,
    SyncStatus,
)
from app.wire.messages import CategoryRow, ConfigRow, ReasonRow
from app.wire.tasks import TaskRow
from offline_store import (
    attempts,
    device,
    documents,
    earnings,
    feeds,
    goods,
    identity,
    member_lease,
    members,
    money_back,
    reference,
    status,
    stock,
    tasks,
)
from offline_store.connection import troubles_sorted
from offline_store.rows import person_of

if TYPE_CHECKING:
    from sqlite3 import Connection

P = ParamSpec("P")
R = TypeVar("R")

_DEFAULT_MINUTES = 5


def sorted_out(
    method: Callable[Concatenate[StoreReader, P], R],
) -> Callable[Concatenate[StoreReader, P], R]:
    """Let a look-up raise the Trouble a SQLite error stands for, and never meet a closing store."""

    def look_up(self: StoreReader, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.open_here, troubles_sorted():
            return method(self, *args, **kwargs)

    look_up.__name__, look_up.__doc__ = method.__name__, method.__doc__
    return look_up


class _Door:
    """A look-up is inside or the connection is closed, never both: SQLite's library would crash.

    Raises Trouble(STORE_BUSY) to whoever comes after the closing.
    """

    def __init__(self) -> None:
        self.closed = False
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()
        if self.closed:
            self._lock.release()
            raise Trouble(Code.STORE_BUSY, closed=True)

    def __exit__(self, *_error: object) -> None:
        self._lock.release()


class StoreReader:
    """Look-ups on one connection. Belongs to the thread that got it from the store."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.open_here = _Door()

    def close(self) -> None:
        """Let go of the connection once the look-up that runs on it has ended. Any thread."""
        with self.open_here:
            self.open_here.closed = True
            self._connection.close()

    # --- goods
    @sorted_out
    def find_code(self, code: str) -> Sku | None:
        """Return the SKU a scanned or typed code names."""
        return goods.find_code(self._connection, code)

    @sorted_out
    def sku(self, sku_id: str) -> Sku | None:
        """Return a SKU by its id."""
        return goods.sku(self._connection, sku_id)

    @sorted_out
    def style_cards(
        self, *, text: str = "", category: str = "", limit: int = 60, offset: int = 0
    ) -> tuple[StyleCard, ...]:
        """Return tiles for a search in a category."""
        return goods.style_cards(self._connection, text, category, limit, offset)

    @sorted_out
    def categories(self) -> tuple[tuple[CategoryRow, int], ...]:
        """Return categories in the shop's order with their number of styles."""
        return goods.categories(self._connection, self._config())

    @sorted_out
    def matrix(self, style_no: str) -> Matrix | None:
        """Return a style's colours × sizes."""
        own = identity.current_epoch(self._connection).chain.store
        return goods.matrix(self._connection, style_no, own, self._config())

    @sorted_out
    def own_stock(self, sku_ids: Sequence[str]) -> dict[str, int]:
        """Return our store's figures of these SKUs."""
        own = identity.current_epoch(self._connection).chain.store
        return stock.own(self._connection, sku_ids, own)

    # --- members and people
    @sorted_out
    def find_members(self, text: str, limit: int = 20) -> tuple[Member, ...]:
        """Return members by phone, name, pinyin or initials."""
        return members.find(self._connection, text, limit)

    @sorted_out
    def members_expired(self) -> bool:
        """Tell whether the members' lease is over: none is found until the feed was followed again."""
        return member_lease.is_over(self._connection)

    @sorted_out
    def member(self, member_ref: str) -> Member | None:
        """Return a member."""
        if member_lease.is_over(self._connection):
            return None
        return members.by_ref(self._connection, member_ref)

    @sorted_out
    def people(self) -> tuple[Person, ...]:
        """Return everyone who may sign in or once could, by id."""
        rows = self._connection.execute(
            "SELECT person_id, name, name_en, role, active FROM person ORDER BY person_id"
        ).fetchall()
        return tuple(person_of(row) for row in rows)

    @sorted_out
    def sign_in_record(self, person_id: str) -> SignInRecord | None:
        """Return what sign-in needs to know about a person."""
        row = self._connection.execute(
            "SELECT person_id, name, name_en, role, active, pin_hash, failures, locked_until_ms"
            " FROM person WHERE person_id = ?",
            (person_id,),
        ).fetchone()
        return SignInRecord(person_of(row), *row[5:]) if row else None

    # --- the shop
    @sorted_out
    def tiers(self) -> tuple[Tier, ...]:
        """Return the levels of membership."""
        config = self._config()
        rows = config.tiers if config else []
        return tuple(Tier(row.code, row.name, row.name_en, row.pays_bp) for row in rows)

    @sorted_out
    def discount_reasons(self) -> tuple[ReasonRow, ...]:
        """Return the reasons a guide may give."""
        config = self._config()
        return tuple(config.discount_reasons) if config else ()

    @sorted_out
    def plan(self) -> CommissionPlan:
        """Return the commission plan in force, an empty one if none is published."""
        config = self._config()
        if config is None or config.plan is None:
            return NO_PLAN
        row = config.plan
        return CommissionPlan(row.plan_id, row.version, row.default_bp, row.rates_bp)

    @sorted_out
    def store_header(self) -> StoreHeader:
        """Return our store as it stands on receipts; before enrolment the first one listed."""
        config = self._config()
        stores = config.stores if config else []
        own = identity.current_epoch(self._connection).chain.store
        found = next((s for s in stores if s.store == own), stores[0] if stores else None)
        if found is None:
            return StoreHeader("", "", "", "")
        return StoreHeader(found.name, found.name_en, found.address, found.phone)

    @sorted_out
    def payment_minutes(self) -> int:
        """Return how long a customer has to pay."""
        config = self._config()
        return config.payment_minutes if config else _DEFAULT_MINUTES

    def _config(self) -> ConfigRow | None:
        return reference.read_config(self._connection)

    # --- documents
    @sorted_out
    def documents(
        self, *, day: date | None = None, text: str = "", limit: int = 50, offset: int = 0
    ) -> tuple[DocumentSummary, ...]:
        """Return the history, the latest first."""
        return documents.history(self._connection, day, text, limit, offset)

    @sorted_out
    def document(self, document_id: str) -> Sale | Refund | None:
        """Return a sale or refund as it was recorded."""
        return documents.document(self._connection, document_id)

    @sorted_out
    def document_by_receipt(self, receipt_no: str) -> Sale | Refund | None:
        """Return the document with a receipt number."""
        return documents.by_receipt(self._connection, receipt_no)

    @sorted_out
    def earnings(self, guide_id: str, day: date) -> Earnings:
        """Return a guide's day."""
        return earnings.of_day(self._connection, guide_id, day)

    @sorted_out
    def earnings_lines(self, guide_id: str, day: date) -> tuple[EarningsLine, ...]:
        """Return the entries behind a guide's day."""
        return earnings.lines_of_day(self._connection, guide_id, day)

    def references_and_nets(self) -> Iterator[tuple[str, int]]:
        """Yield (outside reference, net) of every document that has one, in journal order."""
        with troubles_sorted():
            yield from documents.references_and_nets(self._connection)

    # --- payments
    @sorted_out
    def open_attempts(self) -> tuple[Attempt, ...]:
        """Return attempts to which money may still come."""
        return attempts.still_open(self._connection)

    @sorted_out
    def attempt(self, attempt_id: str) -> Attempt | None:
        """Return a payment attempt of this till."""
        return attempts.by_id(self._connection, attempt_id)

    @sorted_out
    def money_going_back(self) -> tuple[RefundStep, ...]:
        """Return refunds through a provider whose end nobody knows, oldest first."""
        return money_back.not_ended(self._connection)

    @sorted_out
    def money_back_of(self, refund_id: str) -> tuple[RefundStep, ...]:
        """Return the newest step of every refund through a provider for a document, oldest first."""
        return money_back.of_document(self._connection, refund_id)

    @sorted_out
    def uneasy_attempts(self) -> tuple[Attempt, ...]:
        """Return attempts with money where no sale is."""
        return attempts.uneasy(self._connection)

    # --- what a person must see
    @sorted_out
    def tasks(self) -> tuple[TaskRow, ...]:
        """Return the store's tasks and its payments, the newest first."""
        return tasks.every(self._connection)

    @sorted_out
    def alarms(self) -> tuple[Alarm, ...]:
        """Return this till's alarms that nobody has put away."""
        return tasks.alarms(self._connection)

    @sorted_out
    def is_revoked(self) -> bool:
        """Tell whether this device may only send what it has."""
        return status.is_revoked(self._connection)

    # --- device
    @sorted_out
    def drafts(self) -> tuple[Draft, ...]:
        """Return the kept carts, the latest first."""
        return device.drafts(self._connection)

    @sorted_out
    def state(self, key: str) -> str:
        """Return a piece of device state, "" if unset."""
        return device.state(self._connection, key)

    @sorted_out
    def identity(self) -> Identity:
        """Return who this till is."""
        return identity.read_identity(self._connection)

    @sorted_out
    def sync_status(self) -> SyncStatus:
        """Return how far behind the cloud this till is."""
        return status.sync_status(self._connection)

    @sorted_out
    def feeds(self) -> tuple[FeedState, ...]:
        """Return how every feed stands."""
        return feeds.states(self._connection)
