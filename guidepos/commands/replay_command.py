"""`guidepos replay FILE[.gz]`: recorded transactions through the till's own services; resumable."""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from app.domain.money import CURRENCIES
from app.domain.reference import invoice_of
from app.errors import Code, RuleBroken
from app.services.replay import Replay, ReplayCounts, read_source
from app.settings import Settings
from app.wire.spreadsheets import harmless
from guidepos.bootstrap import default_home, open_till
from guidepos.till import Till


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="CSV of transaction lines, .gz allowed")
    parser.add_argument("--totals", type=Path, metavar="FILE.csv", help="write invoice,net_minor")
    parser.add_argument("--currency", choices=sorted(CURRENCIES), default="GBP")
    parser.add_argument(
        "--limit", type=int, default=0, metavar="N", help="only the first N invoices"
    )
    parser.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    currency = CURRENCIES[arguments.currency]
    home = arguments.home or default_home()
    till = open_till(home, Settings(home=home, currency=currency))
    try:
        source = read_source(_lines(arguments.file), currency)
        if arguments.limit:
            keep = list(source.invoices)[: arguments.limit]
            source.invoices = {number: source.invoices[number] for number in keep}
        replay = Replay(till.store, till.clock, currency, till.checkout, till.refunds, till.stock)
        replay.prepare(source)
        started, counts = time.perf_counter(), ReplayCounts()
        for counts in replay.run(source):
            if not arguments.json and counts.invoices % 500 == 0:
                print(f"\r{counts.invoices} of {len(source.invoices)}", end="", file=sys.stderr)
        seconds = time.perf_counter() - started
        totals = _totals(till)
        if arguments.totals:
            _write_totals(arguments.totals, totals)
        _report(arguments, till, counts, source.skipped, totals, seconds)
    finally:
        till.close()
    return 0


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        opener = gzip.open if packed else open
        with opener(path, "rt", encoding="utf-8-sig", newline="") as text:
            yield from text
    except (OSError, UnicodeDecodeError) as error:
        raise RuleBroken(Code.FILE_UNREADABLE, detail=str(error)) from error


def _totals(till: Till) -> dict[str, int]:
    """Read back from the store what each invoice came to."""
    totals: dict[str, int] = {}
    for reference, net in till.store.reader.references_and_nets():
        invoice = invoice_of(reference)
        totals[invoice] = totals.get(invoice, 0) + net
    return totals


def _write_totals(path: Path, totals: dict[str, int]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("invoice", "net_minor"))
        writer.writerows((harmless(invoice), net) for invoice, net in totals.items())


def _report(
    arguments: argparse.Namespace,
    till: Till,
    counts: ReplayCounts,
    skipped: dict[str, int],
    totals: dict[str, int],
    seconds: float,
) -> None:
    head = till.store.run(lambda uow: uow.head()).result()
    figures = {
        "invoices": counts.invoices,
        "resumed": counts.resumed,
        "sales": counts.sales,
        "refunds": counts.refunds,
        "refund_lines_matched": counts.refund_lines_matched,
        "refund_lines_without_receipt": counts.refund_lines_without_receipt,
        "stock_adjustments": counts.adjustments,
        "lines": counts.lines,
        "skipped": skipped,
        "rounded_lines": counts.rounded_lines,
        "net_minor": sum(totals.values()),
        "seconds": round(seconds, 3),
        "journal_records": head.seq,
        "journal_head": head.hash.hex(),
    }
    if arguments.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name}: {value}")
