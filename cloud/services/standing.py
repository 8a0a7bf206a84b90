"""Where a device stands with us: hello, another epoch after a fork or a restore, and its books.

Believes what a device says about itself only as far as hashes prove it; what is odd becomes an exception
for a person and never keeps a record out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from app.domain.ids import new_epoch, new_id
from app.wire.journal import Chain
from app.wire.messages import HelloAnswer, HelloRequest, PublicKey
from app.wire.upkeep import BooksAnswer, DayBooks, EpochAnswer, EpochMark, EpochRequest, HeldMark
from cloud.db.feed import next_change
from cloud.db.state import begin_timeline, feed_generation, timeline
from cloud.db.tables import device, device_epoch, exception, refund, sale
from cloud.errors import Refused
from cloud.services import checks
from cloud.services.exceptions import raise_exceptions
from cloud.services.ingest import CONFLICTING, UNPROJECTABLE, clean
from cloud.services.marks import Mark, durable_mark, hash_at, mark_of, own
from cloud.services.quarantine import waiting
from cloud.services.seals import SEALED, sealed_places
from cloud.services.streams import DAY_MS
from cloud.services.tokens import DevicePrincipal

REASONS = ("forked", "restored", "unknown")
CLONED = "device_cloned"
LOST_RECORDS = "cloud_lost_records"
MOST_MARKS = 50
MOST_EPOCHS = 1_000_000
MAX_REQUEST_ID = 64
EPOCHS_A_DAY = 50
"""More forks and restores than this in a day are no accident."""
_NONCES_KEPT = 8
_ODD_ENOUGH = 2
"""A hello of an earlier start may be a late copy of a lost request; the second one is no accident."""

_OUT_OF_THE_BOOKS = (checks.BAD_BODY, UNPROJECTABLE, CONFLICTING, SEALED)


def hello(
    connection: sa.Connection,
    sender: DevicePrincipal,
    request: HelloRequest,
    keys: Sequence[PublicKey],
    *,
    now_ms: int,
) -> HelloAnswer:
    """Tell a till where we stand in the journal it names, and notice what is odd about it."""
    _note_start(connection, sender, request, now_ms)
    mark = mark_of(connection, sender, request.epoch)
    held = mark or Mark(0, b"")
    told = EpochMark(epoch=request.epoch, seq=request.acked_seq)
    _notice_loss(connection, sender, request.timeline, told, now_ms)
    return HelloAnswer(
        server_ms=now_ms,
        timeline=timeline(connection),
        hwm=held.hwm,
        hwm_hash=held.hash.hex() if held.hwm else "",
        durable_seq=durable_mark(connection, sender, request.epoch),
        feed_generation=feed_generation(connection),
        known=mark is not None,
        standing="revoked" if sender.revoked else "current",
        keys=list(keys),
        sealed=sealed_places(connection, sender),
    )


def _note_start(
    connection: sa.Connection, sender: DevicePrincipal, request: HelloRequest, now_ms: int
) -> None:
    """Keep what the device says of itself; two programs that speak in turn under one name are told."""
    mine = own(device.c, sender)
    row = connection.execute(
        sa.select(device.c.boot_nonce, device.c.retired_nonces, device.c.odd_hellos)
        .where(mine)
        .with_for_update()
    ).one()
    nonce, odd = clean(request.boot_nonce).replace(" ", ""), row.odd_hellos
    retired = row.retired_nonces.split()
    if nonce in retired:
        odd += 1
        if odd == _ODD_ENOUGH:
            flag(connection, sender, CLONED, now_ms, epoch=request.epoch)
        nonce = row.boot_nonce
    elif nonce != row.boot_nonce:
        retired = [*retired, row.boot_nonce][-_NONCES_KEPT:] if row.boot_nonce else retired
    connection.execute(
        sa.update(device)
        .where(mine)
        .values(
            seen_ms=now_ms,
            app_version=clean(request.app_version),
            db_id=clean(request.db_id),
            boot_nonce=nonce,
            retired_nonces=" ".join(retired),
            odd_hellos=odd,
        )
    )


def _notice_loss(
    connection: sa.Connection, sender: DevicePrincipal, known: str, told: EpochMark, now_ms: int
) -> None:
    """Begin another timeline if less is held than we told the device in this very one: some of ours is
    gone, and nobody has said so yet.

    A device's word costs every till of the brand a download, so it counts once a day, and not from a
    revoked one.
    """
    if sender.revoked or known != timeline(connection):
        return
    held = mark_of(connection, sender, told.epoch) or Mark(0, b"")
    if told.seq <= held.hwm or _said_today(connection, sender, now_ms):
        return
    begin_timeline(connection)
    detail = f"{told.seq} records were held, {held.hwm} are"
    flag(connection, sender, LOST_RECORDS, now_ms, epoch=told.epoch, detail=detail)


def _said_today(connection: sa.Connection, sender: DevicePrincipal, now_ms: int) -> bool:
    said = sa.exists().where(
        own(exception.c, sender),
        exception.c.code == LOST_RECORDS,
        exception.c.created_ms > now_ms - DAY_MS,
    )
    return bool(connection.scalar(sa.select(said)))


def open_epoch(
    connection: sa.Connection, sender: DevicePrincipal, request: EpochRequest, *, now_ms: int
) -> EpochAnswer:
    """Open another epoch of a device's journal and say what is held of the ones before.

    The same request again gets the same epoch. Raises Refused 422 (malformed).
    """
    _check_form(request)
    connection.execute(sa.select(device.c.device_id).where(own(device.c, sender)).with_for_update())
    mine = own(device_epoch.c, sender)
    held = [mark for mark in (_held(connection, sender, m) for m in request.marks) if mark]
    known = connection.execute(
        sa.select(device_epoch.c.epoch, device_epoch.c.ordinal).where(
            mine, device_epoch.c.request_id == request.request_id
        )
    ).first()
    if known is not None:
        epoch, ordinal = known.epoch, known.ordinal
        held = [mark for mark in held if mark.epoch != epoch]
    else:
        if _opened_today(connection, sender, now_ms) >= EPOCHS_A_DAY:
            raise Refused(429, "too_many", "epochs", retry_after_s=3_600)
        for newest in request.marks[:1]:  # older ones are never told of again
            _notice_loss(connection, sender, request.timeline, newest, now_ms)
        epoch = new_epoch()
        last: int | None = connection.scalar(
            sa.select(sa.func.max(device_epoch.c.ordinal)).where(mine)
        )
        ordinal = max(last or 0, request.ordinal) + 1
        chain = Chain(sender.tenant, sender.store, sender.device, epoch)
        connection.execute(
            sa.insert(device_epoch).values(
                tenant_id=sender.tenant,
                store_id=sender.store,
                device_id=sender.device,
                epoch=epoch,
                ordinal=ordinal,
                hwm=0,
                hwm_hash=chain.genesis(),
                opened_ms=now_ms,
                request_id=request.request_id,
                reason=request.reason,
            )
        )
        head = request.head
        detail = f"{clean(head.epoch)} ended at {head.seq} there"
        code = f"epoch_{request.reason}"
        flag(connection, sender, code, now_ms, epoch=epoch, detail=detail)
    return EpochAnswer(epoch=epoch, ordinal=ordinal, timeline=timeline(connection), held=held)


def _opened_today(connection: sa.Connection, sender: DevicePrincipal, now_ms: int) -> int:
    query = (
        sa.select(sa.func.count())
        .select_from(device_epoch)
        .where(own(device_epoch.c, sender), device_epoch.c.opened_ms > now_ms - DAY_MS)
    )
    return int(connection.execute(query).scalar_one())


def _check_form(request: EpochRequest) -> None:
    sound = (
        0 < len(request.request_id) <= MAX_REQUEST_ID
        and "\0" not in request.request_id
        and request.reason in REASONS
        and len(request.marks) <= MOST_MARKS
        and 0 <= request.ordinal < MOST_EPOCHS
        and all(0 <= mark.seq < 2**63 for mark in (request.head, *request.marks))
    )
    if not sound:
        raise Refused(422, "malformed")


def _held(connection: sa.Connection, sender: DevicePrincipal, asked: EpochMark) -> HeldMark | None:
    mark = mark_of(connection, sender, asked.epoch)
    if mark is None:
        return None
    there = 0 < asked.seq <= mark.hwm
    at_mark = hash_at(connection, sender, asked.epoch, asked.seq) if there else b""
    return HeldMark(
        epoch=asked.epoch, hwm=mark.hwm, hwm_hash=mark.hash.hex(), at_mark=at_mark.hex()
    )


def books(connection: sa.Connection, sender: DevicePrincipal, since: str) -> BooksAnswer:
    """Return what is on the books from a device since a business date, by date and kind; and how many of
    its records of that time still wait for a person instead.

    What is no date is before all of them.
    """
    days = [
        DayBooks(business_date=row.day, kind=kind, documents=row.documents, total=int(row.total))
        for kind, table in (("sale", sale), ("refund", refund))
        for row in connection.execute(
            sa.select(
                table.c.business_date.label("day"),
                sa.func.count().label("documents"),
                sa.func.sum(table.c.total).label("total"),
            )
            .where(own(table.c, sender), table.c.business_date >= since.replace("\0", ""))
            .group_by(table.c.business_date)
        )
    ]
    since_ms = _earliest_ms(since)
    aside = connection.scalar(
        sa.select(sa.func.count())
        .select_from(exception)
        .where(
            own(exception.c, sender),
            exception.c.code.in_(_OUT_OF_THE_BOOKS),
            exception.c.resolved_ms == 0,
            exception.c.created_ms >= since_ms,
        )
    )
    aside = (aside or 0) + waiting(connection, sender, since_ms)
    days.sort(key=lambda day: (day.business_date, day.kind))
    return BooksAnswer(days=days, set_aside=aside)


def _earliest_ms(business_date: str) -> int:
    """Return a time before which no record of a business date came, anywhere on earth; 0 for no date."""
    try:
        day = datetime.strptime(business_date, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return 0
    return int(day.timestamp()) * 1000 - DAY_MS


def flag(
    connection: sa.Connection,
    sender: DevicePrincipal,
    code: str,
    now_ms: int,
    *,
    epoch: str = "",
    detail: str = "",
) -> None:
    """Note something about a device that a person should look at."""
    row = {
        "tenant_id": sender.tenant,
        "store_id": sender.store,
        "exception_id": new_id(),
        "code": code,
        "device_id": sender.device,
        "epoch": clean(epoch),
        "seq": 0,
        "rec_id": "",
        "detail": clean(detail, 500),
        "created_ms": now_ms,
        "resolved_ms": 0,
    }
    raise_exceptions(connection, [row], next_change(connection))
