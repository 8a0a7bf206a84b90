"""`guidepos-cloud bill fetch|import|differences|settle|days` and `report fees`.

Knows arguments and output only; the work is in services.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from app.domain.times import SHOP_ZONE
from app.wire.spreadsheets import harmless
from cloud.bootstrap import Cloud, open_cloud
from cloud.settings import Settings

if TYPE_CHECKING:
    from cloud.desk import Desk
    from cloud.services.reconcile.reconciliation import Result

_DIFFERENCE = (
    "{difference_id}  {day}  {account}  {store_id}  {reason:<22} ours {ours}  theirs {theirs}  "
    "{subject}  {detail}  {state} {resolution}  -> {advice}"
)
_RESULT = (
    "{account} {day}: {lines} lines (revision {revision}{same}), {found} differences, "
    "{opened} newly open, {closed} settled by themselves, {healed} payments newly heard of{rest}"
)
_REST = "; {unanswered} that nobody could be asked about now, so bring it in again"
_COLUMNS = (
    "difference_id",
    "day",
    "account",
    "store_id",
    "reason",
    "act",
    "ours",
    "theirs",
    "subject",
    "attempt_id",
    "detail",
    "state",
    "settled_by",
    "resolution",
)
ADVICE = {
    "nothing": "taken as heard; the store's inbox asks where somebody has to decide",
    "ask_provider": "show both numbers to the provider and ask which is right",
    "find_order": "look for the order in backups and the brand's other clouds",
    "find_system": "find out who else collects here, or write `shared = true` into the account",
    "find_refunder": "ask who gave it back in the provider's console, and book the return",
    "claim_back": "ask the provider to take back what stands twice",
    "correct_books": "correct the books of the store that should not have it",
}
"""What a person is advised to do, in words."""


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands to the program's."""
    bill = commands.add_parser("bill", help="providers' daily bills, compared with the ledger")
    what = bill.add_subparsers(required=True, metavar="WHAT")
    fetch = what.add_parser("fetch", parents=[common], help="fetch and compare now")
    fetch.add_argument("--day", type=_day, help="YYYY-MM-DD in China; yesterday if none is said")
    fetch.add_argument("--account", default="", metavar="NAME", help="one account only")
    fetch.set_defaults(run=_fetch)
    read = what.add_parser(
        "import", parents=[common], help="take in a bill downloaded from a provider's console"
    )
    read.add_argument("account", metavar="ACCOUNT", help="its name, as `gateway check` shows it")
    read.add_argument("file", type=Path, metavar="FILE")
    read.add_argument("--day", type=_day, help="YYYY-MM-DD; its lines say it if none is said")
    read.set_defaults(run=_import)
    listed = what.add_parser("differences", parents=[common], help="what does not agree, and why")
    listed.add_argument("--all", action="store_true", help="also what is settled")
    listed.add_argument("--account", default="", metavar="NAME")
    listed.add_argument("--day", type=_day, help="YYYY-MM-DD")
    listed.add_argument("--csv", type=Path, metavar="FILE", help="write a table instead")
    listed.set_defaults(run=_differences)
    settle = what.add_parser("settle", parents=[common], help="settle a difference")
    settle.add_argument("difference", metavar="ID", help="as `bill differences` shows it")
    settle.add_argument("--resolution", required=True, choices=("seen", "corrected"))
    settle.add_argument("--person", default="operator", help="who decided")
    settle.set_defaults(run=_settle)
    report = commands.add_parser("report", help="figures for the office")
    which = report.add_subparsers(required=True, metavar="WHAT")
    fees = which.add_parser("fees", parents=[common], help="what each way of paying really costs")
    fees.add_argument("--from", dest="first", type=_day, required=True, metavar="YYYY-MM-DD")
    fees.add_argument("--to", dest="last", type=_day, required=True, metavar="YYYY-MM-DD")
    fees.add_argument("--store", default="", metavar="CODE", help="of one store only")
    fees.add_argument("--csv", type=Path, metavar="FILE", help="write a table instead")
    fees.set_defaults(run=_fees)


def _fetch(options: argparse.Namespace, settings: Settings) -> int:
    with _opened(settings) as (cloud, desk):
        today = datetime.fromtimestamp(cloud.clock() / 1000, SHOP_ZONE).date()
        day = options.day or today - timedelta(1)
        accounts = [options.account] if options.account else desk.bills.rounds.accounts()
        for account in accounts:
            _say(options, desk.bills.reconciliation.fetch(account, day))
    return 0


def _import(options: argparse.Namespace, settings: Settings) -> int:
    file = options.file.read_bytes()
    with _opened(settings) as (_, desk):
        bills = desk.bills.reconciliation
        _say(options, bills.read(options.account, file, options.file.name, options.day))
    return 0


def _say(options: argparse.Namespace, result: Result) -> None:
    facts = {name: getattr(result, name) for name in type(result).__dataclass_fields__}
    if options.json:
        print(json.dumps(facts | {"day": result.day.isoformat()}))
    else:
        rest = _REST.format(**facts) if result.unanswered else ""
        print(_RESULT.format(**facts, same="" if result.fresh else ", as before", rest=rest))


def _differences(options: argparse.Namespace, settings: Settings) -> int:
    from cloud.services.reconcile import differences

    day = options.day.isoformat() if options.day else ""
    with _opened(settings) as (cloud, desk):
        rows = cloud.db.read(
            lambda conn: differences.listed(
                conn, desk.bills.tenant, settled=options.all, account=options.account, day=day
            )
        )
    if options.csv:
        _write_table(options.csv, _COLUMNS, [[row[name] for name in _COLUMNS] for row in rows])
        return 0
    for row in rows:
        line = dict(row) | {"advice": ADVICE[row["act"]]}
        print(json.dumps(line, ensure_ascii=False) if options.json else _DIFFERENCE.format(**line))
    if not rows and not options.json:
        print("no differences")
    return 0


def _settle(options: argparse.Namespace, settings: Settings) -> int:
    from cloud.services.reconcile import differences

    with _opened(settings) as (cloud, desk):
        stores = cloud.db.write(
            lambda conn: differences.settle(
                conn,
                desk.bills.tenant,
                options.difference,
                options.resolution,
                options.person,
                cloud.clock(),
            )
        )
        desk.bills.reconciliation.tell(stores)
    print(f"{options.difference} is settled: {options.resolution}")
    return 0


def _fees(options: argparse.Namespace, settings: Settings) -> int:
    from cloud.db.state import ensure_tenant
    from cloud.services.reconcile import fees

    cloud = open_cloud(settings)
    try:
        tenant = cloud.db.write(lambda conn: ensure_tenant(conn, cloud.clock()))
        span = options.first.isoformat(), options.last.isoformat()
        report = cloud.db.read(lambda conn: fees.report(conn, tenant, *span, store=options.store))
    finally:
        cloud.close()
    rows = [msgspec.to_builtins(row) for row in report.rows]
    if options.csv:
        names = list(rows[0]) if rows else ["provider"]
        _write_table(options.csv, names, [[row[name] for name in names] for row in rows])
    elif options.json:
        print(json.dumps(rows))
    else:
        for row in report.rows:
            rate = f"{row.rate_bp / 100:.2f} %" if row.rate_bp >= 0 else "–"
            mark = "  cheapest" if row.cheapest else ""
            print(
                f"{row.provider:<16} {row.way or '?':<5} {row.currency}  {rate:>8}  "
                f"{row.payments} payments {row.paid}  {row.refunds} refunds {row.given_back}  "
                f"fees {row.fee_mills / 1000:.3f}{mark}"
            )
    return 0


def _write_table(file: Path, names: Any, rows: list[list[Any]]) -> None:
    """Write CSV that no spreadsheet runs as formulas: order numbers are another system's words."""
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(names)
        for row in rows:
            writer.writerow([harmless(cell) if isinstance(cell, str) else cell for cell in row])
    print(f"{len(rows)} rows in {file}", file=sys.stderr)


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[Cloud, Desk]]:
    """A cloud with its accounts, for the length of one command."""
    from cloud.desk import open_desk

    cloud = open_cloud(replace(settings, statement_s=0))
    try:
        desk = open_desk(cloud)
        desk.newsroom.open()
        try:
            yield cloud, desk
        finally:
            desk.newsroom.close()
    finally:
        cloud.close()


def _day(text: str) -> date:
    """Read a day as ISO 8601 writes it."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a day is written YYYY-MM-DD") from error
