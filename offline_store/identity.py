"""Who this till is, and the epochs of its journal. A till that was never enrolled has a provisional
identity, under which it sells and journals all the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.domain.ids import new_epoch
from app.ports import Identity
from app.wire.journal import Chain
from offline_store import device

if TYPE_CHECKING:
    from sqlite3 import Connection

PROVISIONAL_STORE = "local"


@dataclass(frozen=True, slots=True)
class Epoch:
    """The journal's current incarnation: whose chain it is and where it stands at the cloud."""

    epoch: str
    ordinal: int
    chain: Chain
    device_code: str
    enrolled: bool
    fact_offset: int
    acked_seq: int
    acked_hash: bytes
    opening: int
    """1 where the chain begins with the record that says which epoch it follows, else 0."""
    pruned_seq: int
    pruned_hash: bytes
    durable_seq: int

    @property
    def first_fact(self) -> int:
        """The number of the first fact in this chain."""
        return self.fact_offset + self.opening + 1

    def facts_up_to(self, seq: int) -> int:
        """Return the last fact that is proven by the chain being held up to `seq`."""
        return self.fact_offset + max(seq, self.opening)

    @property
    def start(self) -> tuple[int, bytes]:
        """The place before the first record that is still kept, with its hash."""
        return self.pruned_seq, self.pruned_hash or self.chain.genesis()


_EPOCH = (
    "SELECT epoch, ordinal, tenant, store, device, device_code, enrolled, fact_offset,"
    " acked_seq, acked_hash, opening, pruned_seq, pruned_hash, durable_seq FROM epoch"
)


def current_epoch(connection: Connection) -> Epoch:
    """Return the newest epoch."""
    return _epoch(connection.execute(_EPOCH + " ORDER BY place DESC LIMIT 1").fetchone())


def all_epochs(connection: Connection) -> list[Epoch]:
    """Return every epoch of this file, the newest first."""
    return [_epoch(row) for row in connection.execute(_EPOCH + " ORDER BY place DESC").fetchall()]


def _epoch(row: tuple[Any, ...]) -> Epoch:
    epoch, ordinal, tenant, store, device_id, code, enrolled, *rest = row
    return Epoch(
        epoch, ordinal, Chain(tenant, store, device_id, epoch), code, bool(enrolled), *rest
    )


def read_identity(connection: Connection) -> Identity:
    """Return who the till is now."""
    now = current_epoch(connection)
    return Identity(
        tenant=now.chain.tenant,
        store=now.chain.store,
        device=now.chain.device,
        device_code=now.device_code,
        epoch=now.epoch,
        epoch_ordinal=now.ordinal,
        enrolled=now.enrolled,
        public_url=device.state(connection, "cloud.public_url"),
        timeline=device.state(connection, "cloud.timeline"),
        cloud_url=device.state(connection, "cloud.url"),
    )


def open_epoch(
    connection: Connection,
    chain: Chain,
    *,
    ordinal: int,
    device_code: str,
    enrolled: bool,
    fact_offset: int,
    opening: int = 0,
) -> None:
    """Add an epoch; its journal is still empty and nothing of it is acknowledged."""
    connection.execute(
        "INSERT INTO epoch (epoch, ordinal, tenant, store, device, device_code, enrolled,"
        " fact_offset, acked_hash, opening) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            chain.epoch,
            ordinal,
            chain.tenant,
            chain.store,
            chain.device,
            device_code,
            enrolled,
            fact_offset,
            chain.genesis(),
            opening,
        ),
    )


def ensure_identity(connection: Connection) -> None:
    """Give a new file its provisional identity: store "local", no device, a random epoch, ordinal 0.

    Four digits of the epoch stand for the device in receipt numbers, so that two tills that sold
    before enrolment do not meet later under one number.
    """
    if connection.execute("SELECT 1 FROM epoch").fetchone() is None:
        epoch = new_epoch()
        open_epoch(
            connection,
            Chain("", PROVISIONAL_STORE, "", epoch),
            ordinal=0,
            device_code=epoch[:4].upper(),
            enrolled=False,
            fact_offset=0,
        )
