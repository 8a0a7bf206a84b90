"""What must hold at a cloud, whatever happened before: nothing lost, doubled, altered or stuck.

Reads the cloud's tables only, so that every harness can ask the same questions of any engine.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from app.errors import Trouble
from app.wire.bodies import RefundV1, SaleV1, StockAdjustmentV1
from app.wire.codec import decode_body
from app.wire.journal import Chain, record_hash
from cloud.db import tables
from cloud.db.base import metadata
from cloud.services import checks, ingest, seals
from cloud.services.envelope import SEALED_KIND


class Kind(StrEnum):
    """How a record came to harm."""

    LOST = "lost"
    DOUBLED = "doubled"
    ALTERED = "altered"
    STUCK = "stuck"
    BROKE = "broke"
    """No record was harmed, but the program failed."""


@dataclass(frozen=True, slots=True)
class Harm:
    """One thing that is not as it must be."""

    kind: Kind
    what: str

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.what}"


Owed = Mapping[str, Collection[bytes]]
"""Record id → the bodies the cloud must hold under it; more than one where an id was used twice."""

NOT_ON_THE_BOOKS = frozenset(
    {checks.BAD_BODY, ingest.UNPROJECTABLE, ingest.CONFLICTING, seals.SEALED}
)
"""Exceptions of records that are kept but cannot be read into the books."""


@dataclass(frozen=True)
class Held:
    """The cloud's journal with its exceptions, read once."""

    rows: list[sa.Row[Any]]
    codes: Mapping[tuple[str, str, int], set[str]]
    """(device, epoch, seq) → codes of its exceptions."""

    def codes_of(self, row: sa.Row[Any]) -> set[str]:
        """Return the codes of a record's exceptions; a place that is whole again is sealed no more."""
        codes = self.codes.get((row.device_id, row.epoch, row.seq), set())
        return codes if row.kind == SEALED_KIND else codes - {seals.SEALED}

    def judged(self, row: sa.Row[Any]) -> list[sa.Row[Any]]:
        """Return the copies of an original that were judged: itself, but where it was taken out of
        quarantine, the one that a trusted till sent."""
        if row.verdict != ingest.DUPLICATE:
            return [row]
        same = (row.kind, row.body)
        return [copy for copy in self._judged_again[row.rec_id] if (copy.kind, copy.body) == same]

    def on_the_books(self, row: sa.Row[Any]) -> bool:
        """Tell whether a record should have been projected."""
        return bool(row.original) and not any(map(self._refused, self.judged(row)))

    def _refused(self, row: sa.Row[Any]) -> bool:
        return row.verdict == ingest.UNPROJECTED or bool(NOT_ON_THE_BOOKS & self.codes_of(row))

    @cached_property
    def _judged_again(self) -> Mapping[str, list[sa.Row[Any]]]:
        copies: dict[str, list[sa.Row[Any]]] = defaultdict(list)
        for row in self.rows:
            if not row.original and row.verdict != ingest.DUPLICATE:
                copies[row.rec_id].append(row)
        return copies


def held(connection: sa.Connection) -> Held:
    """Read what the cloud holds."""
    journal, exception = tables.journal, tables.exception
    order = (journal.c.device_id, journal.c.epoch, journal.c.seq)
    codes: dict[tuple[str, str, int], set[str]] = defaultdict(set)
    for row in connection.execute(sa.select(exception)):
        codes[(row.device_id, row.epoch, row.seq)].add(row.code)
    return Held(list(connection.execute(sa.select(journal).order_by(*order))), codes)


def harms_of(
    connection: sa.Connection, owed: Owed, facts: Collection[str], on_hand: Mapping[str, int]
) -> list[Harm]:
    """Return all that is wrong at a cloud.

    `facts` are ids of sound facts that were used once; `on_hand` is the stock of each SKU before
    anything moved.
    """
    holding = held(connection)
    return [
        *broken_chains(connection, holding),
        *miscounted(holding, owed),
        *misjudged(holding, facts),
        *unjudged(holding),
        *misprojected(connection, holding),
        *misstocked(connection, on_hand),
    ]


def broken_chains(connection: sa.Connection, holding: Held) -> Iterator[Harm]:
    """Every epoch's journal runs from its genesis without a gap to the mark, hash by hash."""
    epochs = {
        (row.device_id, row.epoch): row
        for row in connection.execute(sa.select(tables.device_epoch))
    }
    ends: dict[tuple[str, str], tuple[int, bytes]] = {}
    for (device, epoch), row in epochs.items():
        ends[device, epoch] = 0, Chain(row.tenant_id, row.store_id, device, epoch).genesis()
    for row in holding.rows:
        key = row.device_id, row.epoch
        seq, prev = ends.get(key, (0, b""))
        sealed = seals.SEALED in holding.codes_of(row)
        whole = sealed or record_hash(row.header, row.prev_hash, row.body) == row.hash
        if row.seq != seq + 1 or row.prev_hash != prev or not whole:
            yield Harm(Kind.ALTERED, f"the chain of {key} breaks at {row.seq}")
        ends[key] = row.seq, row.hash
    for key, (seq, hash_) in ends.items():
        mark = epochs.get(key)
        if mark is None or (mark.hwm, mark.hwm_hash) != (seq, hash_):
            yield Harm(Kind.ALTERED, f"the mark of {key} is not its end {seq}")


def miscounted(holding: Held, owed: Owed) -> Iterator[Harm]:
    """Every record owed is there with its own bytes, and once as the original of its id."""
    bodies: dict[str, set[bytes]] = defaultdict(set)
    originals: Counter[str] = Counter()
    for row in holding.rows:
        if seals.SEALED not in holding.codes_of(row):
            bodies[row.rec_id].add(row.body)
            originals[row.rec_id] += bool(row.original)
    for rec_id, wanted in owed.items():
        for body in wanted:
            if body not in bodies[rec_id]:
                kind = Kind.ALTERED if bodies[rec_id] - set(wanted) else Kind.LOST
                yield Harm(kind, f"record {rec_id} of {len(body)} bytes is not at the cloud")
    for rec_id, count in originals.items():
        if count != 1:
            yield Harm(Kind.DOUBLED, f"record {rec_id} stands {count} times as the original")


def misjudged(holding: Held, facts: Collection[str]) -> Iterator[Harm]:
    """No sound fact was set aside, and whoever used an id again with another body was."""
    first = {row.rec_id: row.body for row in holding.rows if row.original}
    for row in holding.rows:
        codes = holding.codes_of(row)
        if seals.SEALED in codes:
            continue
        again = not row.original and row.body != first.get(row.rec_id)
        if again and ingest.CONFLICTING not in codes:
            yield Harm(Kind.ALTERED, f"record {row.rec_id} came with another body, unnoticed")
        if row.rec_id in facts and codes & NOT_ON_THE_BOOKS:
            yield Harm(Kind.ALTERED, f"the sound record {row.rec_id} was set aside: {codes}")


def unjudged(holding: Held) -> Iterator[Harm]:
    """What was taken out of quarantine was judged in a trusted till's copy, and in one of them only."""
    for row in holding.rows:
        if row.original and (times := len(holding.judged(row))) != 1:
            kind = Kind.DOUBLED if times else Kind.LOST
            yield Harm(kind, f"record {row.rec_id} left quarantine and was judged {times} times")


def misprojected(connection: sa.Connection, holding: Held) -> Iterator[Harm]:
    """Each original that can be read has its rows, with its own sum, and nothing else has any."""
    due: dict[str, dict[str, int]] = {"sale": {}, "refund": {}, "stock_adjustment": {}}
    for row in holding.rows:
        if row.kind not in due or not holding.on_the_books(row):
            continue
        try:
            due[row.kind][row.rec_id] = _total(decode_body(row.kind, row.body))
        except Trouble:
            yield Harm(Kind.LOST, f"nobody was told that {row.kind} {row.rec_id} cannot be read")
    for name, wanted in due.items():
        table = metadata.tables[name]
        total = table.c.total if "total" in table.c else sa.literal(0)
        query = sa.select(list(table.primary_key)[-1], total)
        found = counts(connection, query)
        for rec_id in wanted.keys() - found.keys():
            yield Harm(Kind.LOST, f"{name} {rec_id} is not on the books")
        for rec_id in found.keys() - wanted.keys():
            yield Harm(Kind.DOUBLED, f"{name} {rec_id} is on the books without its record")
        for rec_id in wanted.keys() & found.keys():
            if wanted[rec_id] != found[rec_id]:
                yield Harm(Kind.ALTERED, f"{name} {rec_id} has another sum on the books")


def _total(body: object) -> int:
    match body:
        case SaleV1() | RefundV1():
            return body.total
        case StockAdjustmentV1():
            return 0
    raise AssertionError(body)


def misstocked(connection: sa.Connection, on_hand: Mapping[str, int]) -> Iterator[Harm]:
    """What is on hand is what was there and every movement since."""
    stock, moved = tables.stock, tables.stock_movement
    expected: Counter[str] = Counter(on_hand)
    sums = sa.select(moved.c.sku_id, sa.func.sum(moved.c.delta)).group_by(moved.c.sku_id)
    expected.update(counts(connection, sums))
    found = Counter(counts(connection, sa.select(stock.c.sku_id, stock.c.quantity)))
    for sku_id in expected.keys() | found.keys():
        if expected[sku_id] != found[sku_id]:
            what = f"{found[sku_id]} pieces of {sku_id[:20]}, not {expected[sku_id]}"
            yield Harm(Kind.ALTERED, what)


def counts(connection: sa.Connection, query: sa.Select[Any]) -> dict[str, int]:
    """Return what a query says as name → number."""
    return {row[0]: row[1] for row in connection.execute(query)}
