"""Replaying recorded retail transactions through the same services as the screen.

The source is a CSV of lines (InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice,
CustomerID, Country). What the source calls one invoice may hold a sale, things given back and pieces
written off; each becomes its own document, and the documents' nets sum to the invoice's.

Rules. Pieces with a minus: at a price they are goods brought back (a refund of an earlier sale of the
same SKU at the same price to the same customer where one still holds as many, else a return without
receipt); at price zero they are a write-off of stock. A line is rounded to the minor unit, halves
away from zero, as PRICING.md says, and counted when that changed it.
"""

from __future__ import annotations

import csv
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import msgspec

from app.domain.cart import MAX_QUANTITY
from app.domain.catalog import LineKind, Sku
from app.domain.ids import new_id
from app.domain.money import MILLS, Currency, decimal_to_mills, extend
from app.domain.reference import references_for
from app.domain.sale import Tender, TenderKind
from app.domain.stock import MovementKind
from app.domain.times import Moment, TimeQuality
from app.errors import Code, RuleBroken
from app.ports import Clock, Reader, Store, UnitOfWork
from app.services.checkout import Checkout
from app.services.refunds import Refunds, WantedReturn
from app.services.stock import Stock
from app.wire.messages import MemberChange, SkuRow
from app.wire.searchkeys import search_keys

ACTOR = "replay"
NO_CODE = "NO-CODE"
"""Stands for a line with an amount and no code."""

CHARGES = frozenset(
    [*"POST DOT C2 M m D S B AMAZONFEE CRUK ADJUST".split(), "BANK CHARGES", NO_CODE]
)
"""Codes of the source that are postage, fees and manual entries, not goods on a shelf."""

MAX_NUMBER = 60
"""Longest invoice number, code or customer; leaves room for a document's suffix."""

_WHOLE = re.compile(r"([+-]?[0-9]{1,9})(?:\.0+)?")
COLUMNS = ("InvoiceNo", "StockCode", "Quantity", "UnitPrice", "InvoiceDate")
_MEMBER_SPACE = uuid.UUID("6f8c1f0a-6c7e-5d27-9d0b-0a7d1f6f3a11")
_BATCH = 500


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line of the source that can be used."""

    code: str
    name: str
    quantity: int
    unit_mills: int


@dataclass(slots=True)
class Invoice:
    """The lines the source files under one number, in its order."""

    number: str
    when: str
    customer: str
    lines: list[SourceLine] = field(default_factory=list)


@dataclass(slots=True)
class Source:
    """A whole file: invoices in order of first appearance, and the lines that were no lines."""

    invoices: dict[str, Invoice] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)

    def skip(self, reason: str) -> None:
        self.skipped[reason] = self.skipped.get(reason, 0) + 1


@dataclass(slots=True)
class ReplayCounts:
    """What a replay did. `resumed` invoices were in the store before."""

    invoices: int = 0
    resumed: int = 0
    sales: int = 0
    refunds: int = 0
    refund_lines_matched: int = 0
    refund_lines_without_receipt: int = 0
    adjustments: int = 0
    lines: int = 0
    rounded_lines: int = 0


def read_source(lines: Iterable[str], currency: Currency) -> Source:
    """Read a file of transactions; a line that cannot be read is counted under its reason.

    A line with an amount but no code is a charge under `NO_CODE`: its money must not be lost. Raises
    RuleBroken: COLUMN_MISSING (`column`), FILE_UNREADABLE for what is not CSV.
    """
    source = Source()
    rows = csv.DictReader(lines, strict=True)
    try:
        for column in COLUMNS:
            if column not in (rows.fieldnames or ()):
                raise RuleBroken(Code.COLUMN_MISSING, column=column)
        for row in rows:
            _take(row, source, currency)
    except csv.Error as error:
        raise RuleBroken(Code.FILE_UNREADABLE, line=rows.line_num, detail=str(error)) from error
    return source


def _take(row: Mapping[str, str | None], source: Source, currency: Currency) -> None:
    def cell(column: str) -> str:
        return (row.get(column) or "").strip()

    number, code, pieces = cell("InvoiceNo"), cell("StockCode"), _WHOLE.fullmatch(cell("Quantity"))
    if not number or len(number) > MAX_NUMBER or not number.isprintable():
        source.skip("no_invoice_number" if not number else "unreadable_invoice_number")
        return
    invoice = source.invoices.setdefault(
        number, Invoice(number, cell("InvoiceDate"), cell("CustomerID")[:MAX_NUMBER])
    )
    try:
        mills = decimal_to_mills(cell("UnitPrice"), currency)
    except RuleBroken:
        source.skip("unreadable_price")
        return
    if pieces is None or abs(int(pieces[1])) > MAX_QUANTITY:
        source.skip("unreadable_quantity")
    elif int(pieces[1]) == 0:
        source.skip("zero_quantity")
    elif len(code) > MAX_NUMBER or not code.isprintable():
        source.skip("unreadable_stock_code")
    elif not code and not mills:
        source.skip("no_stock_code_and_no_amount")
    else:
        line = SourceLine(code or NO_CODE, cell("Description"), int(pieces[1]), mills)
        invoice.lines.append(line)


class Replay:
    """Drives the till's own services with a recorded past."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        currency: Currency,
        checkout: Checkout,
        refunds: Refunds,
        stock: Stock,
    ) -> None:
        self._store = store
        self._clock = clock
        self._currency = currency
        self._checkout = checkout
        self._refunds = refunds
        self._stock = stock

    def prepare(self, source: Source) -> None:
        """Put the source's goods and customers into the store, so that scans find them."""
        reader = self._store.reader
        skus = [row for row in _skus(source) if reader.sku(row.sku_id) is None]
        for start in range(0, len(skus), _BATCH):
            batch = skus[start : start + _BATCH]
            self._store.run(lambda uow, rows=batch: uow.put_skus(rows)).result()  # type: ignore[misc]
        known = {i.customer for i in source.invoices.values() if i.customer}
        new = sorted(c for c in known if reader.member(member_ref(c)) is None)
        for start in range(0, len(new), _BATCH):
            self._join(new[start : start + _BATCH])

    def run(self, source: Source) -> Iterator[ReplayCounts]:
        """Record every invoice that is not in the store yet; yields the running counts after each."""
        counts = ReplayCounts()
        done = {reference for reference, _ in self._store.reader.references_and_nets()}
        reader = self._store.reader
        for invoice in source.invoices.values():
            counts.invoices += 1
            self._record(invoice, counts, done, reader)
            yield counts

    def _record(
        self, invoice: Invoice, counts: ReplayCounts, done: set[str], reader: Reader
    ) -> None:
        at = self._moment(invoice.when)
        sold = [x for x in invoice.lines if x.quantity > 0 or x.unit_mills < 0]
        back = [x for x in invoice.lines if x.quantity < 0 and x.unit_mills > 0]
        gone = [x for x in invoice.lines if x.quantity < 0 and x.unit_mills == 0]
        parts = [part for part in (sold, back, gone) if part]
        names = references_for(invoice.number, len(parts))
        counts.lines += len(invoice.lines)
        counts.rounded_lines += sum(extend(x.quantity, x.unit_mills)[1] for x in invoice.lines)
        resumed = bool(parts)
        for part, reference in zip(parts, names, strict=True):
            fresh = reference not in done
            resumed = resumed and not fresh
            if part is sold:
                counts.sales += 1
                if fresh:
                    self._sell(part, invoice, reference, at, reader)
            elif part is back:
                counts.refunds += 1
                if fresh:
                    self._bring_back(part, invoice, reference, at, reader, counts)
            else:
                counts.adjustments += 1
                if fresh:
                    self._write_off(part, reference, at)
        counts.resumed += resumed

    def _sell(
        self, lines: list[SourceLine], invoice: Invoice, reference: str, at: Moment, reader: Reader
    ) -> None:
        priced = self._checkout.open(reference=reference)
        if invoice.customer:
            priced = self._checkout.attach_member(priced, member_ref(invoice.customer))
        for line in lines:
            sku = _find(reader, line.code)
            if line.unit_mills < 0:  # money moves, no goods do
                sku = replace(sku, kind=LineKind.ADJUSTMENT)
            priced = self._checkout.add(
                priced, sku, line.quantity, unit_mills=line.unit_mills, merge=False
            )
        tender = Tender(new_id(), TenderKind.EXTERNAL, priced.total)
        self._checkout.complete(priced, [tender], ACTOR, at=at).result()

    def _bring_back(
        self,
        lines: list[SourceLine],
        invoice: Invoice,
        reference: str,
        at: Moment,
        reader: Reader,
        counts: ReplayCounts,
    ) -> None:
        wanted = []
        for line in lines:
            sku = _find(reader, line.code)
            wanted.append(WantedReturn(sku, -line.quantity, line.unit_mills))
        refund = self._refunds.bring_back(
            wanted,
            reason="cancelled",
            actor=ACTOR,
            member_ref=member_ref(invoice.customer) if invoice.customer else "",
            reference=reference,
            tender=TenderKind.EXTERNAL,
            at=at,
        ).result()
        matched = sum(line.origin is not None for line in refund.lines)
        counts.refund_lines_matched += matched
        counts.refund_lines_without_receipt += len(refund.lines) - matched

    def _write_off(self, lines: list[SourceLine], reference: str, at: Moment) -> None:
        self._stock.adjust(
            [(line.code, line.quantity) for line in lines],
            kind=MovementKind.WRITE_OFF,
            reason="write_off",
            actor=ACTOR,
            reference=reference,
            at=at,
        ).result()

    def _moment(self, when: str) -> Moment:
        """Return the source's time of day as a recorded moment: wall clock, nothing to check it."""
        now = self._clock.now()
        try:
            stamp = datetime.fromisoformat(when).replace(tzinfo=UTC)
        except ValueError:
            return now
        ms = int(stamp.timestamp() * 1000)
        return Moment(ms, now.mono_ms, now.boot_id, ms, TimeQuality.WALL)

    def _join(self, customers: list[str]) -> None:
        now = self._clock.now().server_ms

        def job(uow: UnitOfWork) -> None:
            for customer in customers:
                number = customer.removesuffix(".0")
                fields = {"name": f"Customer {number}", "phone": "", "tier": "", "note": ""}
                uow.change_member(
                    MemberChange(
                        change_id=str(uuid.uuid5(_MEMBER_SPACE, "join:" + customer)),
                        member_ref=member_ref(customer),
                        field="join",
                        value=msgspec.json.encode(fields).decode(),
                        base_revision=0,
                        t_ms=now,
                    )
                )

        self._store.run(job).result()


def member_ref(customer: str) -> str:
    """Return the member a customer number of the source stands for; the same on every run."""
    return str(uuid.uuid5(_MEMBER_SPACE, customer))


def _find(reader: Reader, code: str) -> Sku:
    """Return the source's article as a scan would; `prepare` put every one of them there."""
    sku = reader.find_code(code)
    if sku is None or sku.sku_id != code:  # its digits may be another article's GTIN
        sku = reader.sku(code)
    if sku is None:
        raise RuleBroken(Code.CODE_UNKNOWN, text=code)
    return sku


def _skus(source: Source) -> list[SkuRow]:
    """Return a SKU for every code: its first description, its first price, charges as such."""
    names: dict[str, str] = {}
    prices: dict[str, int] = {}
    for invoice in source.invoices.values():
        for line in invoice.lines:
            if not names.get(line.code):
                names[line.code] = line.name[:120]
            if line.unit_mills > 0:
                prices.setdefault(line.code, line.unit_mills // MILLS)
    return [_sku(code, name or code, prices.get(code, 0)) for code, name in names.items()]


def _sku(code: str, name: str, price: int) -> SkuRow:
    kind = LineKind.SERVICE if code in CHARGES else LineKind.GOODS
    keys = search_keys(name, code)
    return SkuRow(
        sku_id=code,
        style_no=code,
        name=name,
        name_en=name,
        category="",
        colour_code="",
        colour="",
        colour_en="",
        colour_hex="",
        size="",
        size_order=0,
        list_price=price,
        kind=kind.value,
        search=keys.tokens,
        pinyin=keys.pinyin,
        initials=keys.initials,
    )
