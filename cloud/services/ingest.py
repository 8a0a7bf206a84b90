"""Takes journal records in: every well-formed, signed record is kept, once; the mark moves on.

Received is separate from applied. A record we do not understand, or whose sums do not hold, is kept
all the same and flagged for a person; nothing here refuses a sale that happened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import sqlalchemy as sa

from app.domain.ids import new_id
from app.errors import Code, Trouble
from app.wire.bodies import BODIES
from app.wire.codec import decode_body
from app.wire.messages import PushAnswer, PushResult
from app.wire.tasks import WAITS_FOR_UPDATE
from app.wire.versions import SCHEMA
from cloud.db.feed import next_change
from cloud.db.kept import kept_records
from cloud.db.rows import insert_values
from cloud.db.tables import journal
from cloud.errors import Refused
from cloud.services import checks, lost_returns, seals
from cloud.services.by_hand import note_vouched
from cloud.services.envelope import Received
from cloud.services.exceptions import raise_exceptions
from cloud.services.marks import Mark, durable_mark, hash_at, mark_of, move_mark
from cloud.services.money_tasks import note_arrivals
from cloud.services.oversell import note_oversold
from cloud.services.projection import (
    Arrival,
    Projectable,
    over_refunded,
    project,
    tell_stock_again,
)
from cloud.services.quarantine import one_task_for, set_aside, take_out
from cloud.services.seals import SEALED
from cloud.services.tokens import DevicePrincipal

APPLIED = "applied"
FLAGGED = "accepted_exception"
UNPROJECTED = "accepted_unprojected"
DUPLICATE = "duplicate"

_MOVING = frozenset({"sale", "refund", "stock_adjustment"})
"""Kinds whose bodies move stock."""

_of_record = attrgetter("header_bytes", "body", "hash", "prev_hash")
_of_header = attrgetter("seq", "rec_id", "kind", "schema_ver")
_of_verdict = attrgetter("verdict", "original")
_JOURNAL = (
    *("header", "body", "hash", "prev_hash"),
    *("seq", "rec_id", "kind", "schema_ver"),
    *("verdict", "original"),
)
"""The columns of the journal that differ among the records of a push, in the order they are read."""

CONFLICTING = "conflicting_duplicate"
UNPROJECTABLE = "unprojectable"
_UNFIT_VALUES = (sa.exc.IntegrityError, sa.exc.DataError, OverflowError, UnicodeError)
"""What an engine raises when a value is the record's fault and not the engine's."""


@dataclass(slots=True)
class Verdict:
    """What became of one record."""

    record: Received
    verdict: str = APPLIED
    code: str = ""
    detail: str = ""
    exception_id: str = ""
    original: bool = True

    def flag(self, code: str, detail: str = "") -> None:
        self.verdict, self.code, self.detail = FLAGGED, code, detail
        self.exception_id = self.exception_id or new_id()

    def result(self) -> PushResult:
        return PushResult(
            seq=self.record.header.seq,
            verdict=self.verdict,
            code=self.code,
            exception_id=self.exception_id,
        )


def ingest(
    connection: sa.Connection,
    sender: DevicePrincipal,
    epoch: str,
    records: Sequence[Received],
    *,
    now_ms: int,
) -> PushAnswer:
    """Keep verified records, project them and move the mark.

    Records at or below the mark are duplicates. Raises Refused 409: `gap` when records are missing
    before these, `fork` when the chain is not the one we hold; both with our mark and its hash.
    """
    mark = mark_of(connection, sender, epoch, lock=True)
    if mark is None:
        raise Refused(409, "fork", "this journal was never opened here")
    fresh = _continuing(connection, sender, epoch, mark, records)
    seen = [r for r in records if r.header.seq <= mark.hwm]
    verdicts = _seen(connection, sender, epoch, seen, now_ms)
    if fresh:
        arrival = _arrival(connection, sender, now_ms)
        new = _judge(connection, sender, arrival, fresh)
        _keep(connection, arrival, epoch, new)
        _let_wait(connection, sender, arrival, epoch, new)
        mark = Mark(fresh[-1].header.seq, fresh[-1].hash)
        move_mark(connection, sender, epoch, mark)
        verdicts += new
    return PushAnswer(
        hwm=mark.hwm,
        hwm_hash=mark.hash.hex(),
        durable_seq=durable_mark(connection, sender, epoch),
        results=[verdict.result() for verdict in verdicts],
    )


def moved_stock(records: Sequence[Received], answer: PushAnswer) -> bool:
    """Tell whether a push may have changed what is on hand, so that the shop's other tills ask."""
    moving = {record.header.seq for record in records if record.header.kind in _MOVING}
    projected = (APPLIED, FLAGGED)
    return any(each.seq in moving and each.verdict in projected for each in answer.results)


def refusal(mark: Mark, word: str) -> Refused:
    """Return the conflict that tells a till where we stand."""
    return Refused(409, word, hwm=mark.hwm, hwm_hash=mark.hash.hex())


def _continuing(
    connection: sa.Connection,
    sender: DevicePrincipal,
    epoch: str,
    mark: Mark,
    records: Sequence[Received],
) -> list[Received]:
    """Return the records beyond the mark, certain that they continue the chain we hold."""
    first, last = records[0].header.seq, records[-1].header.seq
    if first > mark.hwm + 1:
        raise refusal(mark, "gap")
    if first == mark.hwm + 1:
        ours, theirs = mark.hash, records[0].prev_hash
    else:
        shared = min(last, mark.hwm)  # its hash vouches for all before it
        ours, theirs = hash_at(connection, sender, epoch, shared), records[shared - first].hash
    if ours != theirs:
        raise refusal(mark, "fork")
    return [record for record in records if record.header.seq > mark.hwm]


def _seen(
    connection: sa.Connection,
    sender: DevicePrincipal,
    epoch: str,
    records: Sequence[Received],
    now_ms: int,
) -> list[Verdict]:
    """Return what records at or below the mark are: duplicates. But one that is whole takes the place
    of its sealed stand-in, whose hash it has, and is judged as if it came now."""
    verdicts = [Verdict(record, DUPLICATE) for record in records]
    awaited = seals.awaited_among(connection, sender, epoch, records) if records else []
    if not awaited:
        return verdicts
    arrival = _arrival(connection, sender, now_ms)
    judged = _judge(connection, sender, arrival, awaited)
    for verdict in judged:
        seals.break_open(
            connection, arrival, epoch, verdict.record, verdict.verdict, original=verdict.original
        )
    raise_exceptions(connection, exceptions_of(arrival, epoch, judged), arrival.change)
    _let_wait(connection, sender, arrival, epoch, judged)
    again = {verdict.record.header.seq: verdict for verdict in judged}
    return [again.get(verdict.record.header.seq, verdict) for verdict in verdicts]


def _arrival(connection: sa.Connection, sender: DevicePrincipal, now_ms: int) -> Arrival:
    change = next_change(connection)
    return Arrival(sender.tenant, sender.store, sender.device, now_ms, change)


def _let_wait(
    connection: sa.Connection,
    sender: DevicePrincipal,
    arrival: Arrival,
    epoch: str,
    verdicts: Sequence[Verdict],
) -> None:
    """Let what a revoked device sent wait for a person, and what we cannot read yet for an update."""
    if sender.revoked:
        aside = [v.record for v in verdicts if v.original and not v.record.sealed]
        set_aside(connection, arrival, epoch, aside)
    elif newer := [v.record for v in verdicts if v.verdict == UNPROJECTED]:
        one_task_for(connection, arrival, epoch, newer, WAITS_FOR_UPDATE, 0)


def _judge(
    connection: sa.Connection,
    sender: DevicePrincipal,
    arrival: Arrival,
    fresh: Sequence[Received],
) -> list[Verdict]:
    verdicts = [Verdict(record) for record in fresh]
    _mark_repeated(connection, sender, verdicts)
    for verdict in verdicts:
        if verdict.record.sealed:
            verdict.flag(SEALED, "a till found this record damaged")
    originals = [v for v in verdicts if v.original and not v.record.sealed]
    again = [v for v in verdicts if v.verdict == DUPLICATE and v.record.header.kind in _MOVING]
    if again:
        tell_stock_again(connection, arrival, [v.record.header.rec_id for v in again])
    if sender.revoked:
        for verdict in originals:
            verdict.verdict, verdict.code = UNPROJECTED, Code.DEVICE_REVOKED.value
        return verdicts
    book(connection, arrival, [*originals, *_vouched_for(connection, arrival, verdicts)])
    return verdicts


def _vouched_for(
    connection: sa.Connection, arrival: Arrival, verdicts: Sequence[Verdict]
) -> list[Verdict]:
    """Return the repeated records that are booked all the same: the first came from a revoked device and
    is on no books."""
    repeated = [v for v in verdicts if not v.original and v.verdict == DUPLICATE]
    taken = take_out(
        connection, arrival, [v.record for v in repeated], still=UNPROJECTED, now=DUPLICATE
    )
    vouched = []
    for verdict in repeated:
        if verdict.record.header.rec_id in taken:
            taken.discard(verdict.record.header.rec_id)  # once, also if it comes twice in one push
            verdict.verdict = APPLIED
            vouched.append(verdict)
    return vouched


def book(connection: sa.Connection, arrival: Arrival, originals: Sequence[Verdict]) -> None:
    """Put records that came for the first time on the books, and flag what a person should look at."""
    readable = _read_bodies(originals)
    projected = _project_all(connection, arrival, readable)
    over = over_refunded(connection, arrival, [record for _, record in projected])
    for verdict, record in projected:
        if doubt := checks.doubts(record.body):
            verdict.flag(doubt)
        elif verdict.record.header.rec_id in over:
            verdict.flag(Code.REFUND_EXCEEDS_SALE.value)
    booked = [record for _, record in projected]
    note_oversold(connection, arrival, booked)
    note_vouched(connection, arrival, booked)
    note_arrivals(connection, arrival, booked)
    lost_returns.note_arrivals(connection, arrival, booked)


def _mark_repeated(
    connection: sa.Connection, sender: DevicePrincipal, verdicts: Sequence[Verdict]
) -> None:
    """Find records whose id came before: the same body is a duplicate, another one a conflict."""
    ids = [verdict.record.header.rec_id for verdict in verdicts]
    known = kept_records(connection, sender.tenant, sender.store, ids)
    for verdict in verdicts:
        header = verdict.record.header
        this = (header.kind, verdict.record.body)
        before = known.setdefault(header.rec_id, this)
        if before is this:  # nobody was before us
            continue
        verdict.original = False
        if before == this:
            verdict.verdict = DUPLICATE
        else:
            verdict.flag(CONFLICTING)


def _read_bodies(verdicts: Sequence[Verdict]) -> list[tuple[Verdict, Projectable]]:
    readable = []
    for verdict in verdicts:
        header = verdict.record.header
        if header.kind not in BODIES or header.schema_ver > SCHEMA.get(header.kind, 1):
            verdict.verdict = (
                UNPROJECTED  # a till newer than we are; `catching_up` books it one day
            )
            continue
        try:
            body = decode_body(header.kind, verdict.record.body)
        except Trouble as error:
            verdict.flag(checks.BAD_BODY, str(error.facts.get("detail", "")))
            continue
        if why := checks.unfit(body, header.rec_id):
            verdict.flag(checks.BAD_BODY, why)
        else:
            readable.append((verdict, Projectable(header, body)))
    return readable


def _project_all(
    connection: sa.Connection, arrival: Arrival, readable: list[tuple[Verdict, Projectable]]
) -> list[tuple[Verdict, Projectable]]:
    """Project the batch at once, or one by one when a record's values fit no column."""
    if not readable:
        return []
    if _projected(connection, arrival, [record for _, record in readable]) is None:
        return readable
    done = []
    for verdict, record in readable:
        error = _projected(connection, arrival, [record])
        if error is None:
            done.append((verdict, record))
        else:
            verdict.flag(UNPROJECTABLE, error)
    return done


def _projected(
    connection: sa.Connection, arrival: Arrival, records: Sequence[Projectable]
) -> str | None:
    try:
        with connection.begin_nested():
            project(connection, arrival, records)
    except _UNFIT_VALUES as error:
        return type(error).__name__
    return None


def _keep(
    connection: sa.Connection, arrival: Arrival, epoch: str, verdicts: Sequence[Verdict]
) -> None:
    same = {
        "tenant_id": arrival.tenant,
        "store_id": arrival.store,
        "device_id": arrival.device,
        "epoch": epoch,
        "received_ms": arrival.received_ms,
        "change": arrival.change,
    }
    rows = [
        (*_of_record(v.record), *_of_header(v.record.header), *_of_verdict(v)) for v in verdicts
    ]
    insert_values(connection, journal, _JOURNAL, rows, same)
    raise_exceptions(connection, exceptions_of(arrival, epoch, verdicts), arrival.change)


def exceptions_of(
    arrival: Arrival, epoch: str, verdicts: Sequence[Verdict]
) -> list[dict[str, object]]:
    """Return the rows of table `exception` for what was flagged in the epoch it is kept under."""
    return [
        {
            "tenant_id": arrival.tenant,
            "store_id": arrival.store,
            "device_id": arrival.device,
            "exception_id": v.exception_id,
            "code": v.code,
            "epoch": epoch,
            "seq": v.record.header.seq,
            "rec_id": v.record.header.rec_id,
            "detail": clean(v.detail, 500),
            "created_ms": arrival.received_ms,
            "resolved_ms": 0,
        }
        for v in verdicts
        if v.exception_id
    ]


def clean(text: str, limit: int = 100) -> str:
    """Return text every engine can keep."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:limit]
