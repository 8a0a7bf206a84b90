"""Places of a journal that hold a sealed stand-in: which they are, and how the record itself takes one.

The hash that was said for a damaged record is the record's own, vouched for by the chain, so whoever
has bytes with that hash has the record. Knows nothing of what a record means.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from app.wire.messages import SealedPlace
from app.wire.tasks import BY_ITSELF, SETTLED
from cloud.db.tables import exception, journal
from cloud.db.task_tables import task
from cloud.services import backups
from cloud.services.envelope import SEALED_KIND, Received
from cloud.services.marks import own
from cloud.services.projection import Arrival
from cloud.services.tokens import DevicePrincipal

SEALED = "sealed_damaged"
"""The exception of a record that a till found damaged."""
MOST_PLACES = 200
"""More damaged records than this are a broken disk; its till is not told of the oldest ones."""


def sealed_places(connection: sa.Connection, sender: DevicePrincipal) -> list[SealedPlace]:
    """Return the places of a device that hold only a stand-in, the latest to come first."""
    rows = connection.execute(
        sa.select(journal.c.epoch, journal.c.seq, journal.c.hash)
        .select_from(exception)
        .join(
            journal,
            (journal.c.tenant_id == exception.c.tenant_id)
            & (journal.c.store_id == exception.c.store_id)
            & (journal.c.device_id == exception.c.device_id)
            & (journal.c.epoch == exception.c.epoch)
            & (journal.c.seq == exception.c.seq),
        )
        .where(
            own(exception.c, sender),
            exception.c.code == SEALED,
            own(journal.c, sender),
            journal.c.kind == SEALED_KIND,
        )
        .order_by(journal.c.received_ms.desc(), journal.c.epoch, journal.c.seq.desc())
        .limit(MOST_PLACES)
    )
    return [SealedPlace(epoch=row.epoch, seq=row.seq, hash=row.hash.hex()) for row in rows]


def awaited_among(
    connection: sa.Connection, sender: DevicePrincipal, epoch: str, records: Sequence[Received]
) -> list[Received]:
    """Return which whole records of a push belong to places of an epoch that are held sealed.

    The hash of the place says so, and it continues from the one before: from its hash, or from a place
    that is sealed too and whose hash may be a guess.
    """
    first, last = records[0].header.seq, records[-1].header.seq
    rows = connection.execute(
        sa.select(journal.c.seq, journal.c.hash, journal.c.prev_hash).where(
            own(journal.c, sender),
            journal.c.epoch == epoch,
            journal.c.seq.between(first - 1, last),
            journal.c.kind == SEALED_KIND,
        )
    )
    said = {row.seq: (row.hash, row.prev_hash) for row in rows}
    awaited = []
    for record in records:
        hash_, prev_hash = said.get(record.header.seq, (b"", b""))
        continues = record.prev_hash == prev_hash or record.header.seq - 1 in said
        if not record.sealed and record.hash == hash_ and continues:
            awaited.append(record)
    return awaited


def break_open(
    connection: sa.Connection,
    arrival: Arrival,
    epoch: str,
    record: Received,
    verdict: str,
    *,
    original: bool,
) -> None:
    """Put a record in the place its stand-in kept. What was flagged about it settles by itself, and no
    backup so far is believed to hold it."""
    header = record.header
    place = sa.and_(
        journal.c.tenant_id == arrival.tenant,
        journal.c.store_id == arrival.store,
        journal.c.device_id == arrival.device,
        journal.c.epoch == epoch,
    )
    connection.execute(
        sa.update(journal)
        .where(place, journal.c.seq == header.seq)
        .values(
            rec_id=header.rec_id,
            kind=header.kind,
            schema_ver=header.schema_ver,
            header=record.header_bytes,
            body=record.body,
            prev_hash=record.prev_hash,
            verdict=verdict,
            original=original,
            received_ms=arrival.received_ms,
            change=arrival.change,
        )
    )
    # A whole record knows the hash before it; a sealed one's may have been a guess of its till.
    before = sa.and_(journal.c.seq == header.seq - 1, journal.c.kind == SEALED_KIND)
    connection.execute(sa.update(journal).where(place, before).values(hash=record.prev_hash))
    _settle(connection, arrival, epoch, header.seq)
    own_journal = (arrival.tenant, arrival.store, arrival.device, epoch)
    backups.lower_marks(connection, *own_journal, header.seq - 1)


def _settle(connection: sa.Connection, arrival: Arrival, epoch: str, seq: int) -> None:
    flagged = sa.and_(
        exception.c.tenant_id == arrival.tenant,
        exception.c.store_id == arrival.store,
        exception.c.device_id == arrival.device,
        exception.c.epoch == epoch,
        exception.c.seq == seq,
        exception.c.code == SEALED,
    )
    query = sa.select(exception.c.exception_id).where(flagged)
    ids: Sequence[str] = connection.scalars(query).all()
    connection.execute(
        sa.update(exception)
        .where(flagged, exception.c.resolved_ms == 0)
        .values(resolved_ms=arrival.received_ms)
    )
    connection.execute(
        sa.update(task)
        .where(
            task.c.tenant_id == arrival.tenant,
            task.c.store_id == arrival.store,
            task.c.task_id.in_(ids),
            task.c.state != SETTLED,
        )
        .values(
            state=SETTLED,
            settled_ms=arrival.received_ms,
            resolution=BY_ITSELF,
            change=arrival.change,
        )
    )
