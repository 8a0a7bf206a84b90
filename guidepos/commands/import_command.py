"""`guidepos import catalog FILE.csv`: put a catalogue into this till's store.

Good rows go in and bad rows are reported with line number and reason; with `--strict` one bad row
keeps everything out.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path

from app.domain.money import CURRENCIES
from app.errors import Code, RuleBroken
from app.ports import UnitOfWork
from app.services.catalogue import Article, Problem, read_catalogue
from app.wire.messages import SkuRow, StockRow
from guidepos.bootstrap import open_till
from guidepos.till import Till

_BATCH = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["catalog"])
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="OURS=THEIRS",
        help="name a heading for one of our columns, e.g. price=RRP; may be repeated",
    )
    parser.add_argument("--strict", action="store_true", help="all rows or none")
    parser.add_argument("--currency", choices=sorted(CURRENCIES), default="CNY")
    parser.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    mapping = dict(_pair(text) for text in arguments.map)
    articles: list[Article] = []
    problems: list[Problem] = []
    try:
        with arguments.file.open(encoding="utf-8-sig", newline="") as lines:
            currency = CURRENCIES[arguments.currency]
            for row in read_catalogue(lines, currency, mapping):
                if isinstance(row, Article):
                    articles.append(row)
                else:
                    problems.append(row)
    except (OSError, UnicodeDecodeError) as error:
        raise RuleBroken(Code.FILE_UNREADABLE, detail=str(error)) from error
    taken = [] if arguments.strict and problems else articles
    if taken:
        till = open_till(arguments.home)
        try:
            _put(till, taken)
        finally:
            till.close()
    _report(arguments, len(articles) + len(problems), len(taken), problems)
    return 1 if problems and arguments.strict else 0


def _pair(text: str) -> tuple[str, str]:
    ours, equals, theirs = text.partition("=")
    if not equals or not ours.strip() or not theirs.strip():
        raise RuleBroken(Code.COLUMN_MISSING, column=text)
    return ours.strip(), theirs.strip()


def _put(till: Till, articles: list[Article]) -> None:
    now = till.clock.now().server_ms
    own = till.store.reader.identity().store
    for start in range(0, len(articles), _BATCH):
        batch = articles[start : start + _BATCH]
        stock = [
            StockRow(store=own, sku_id=a.sku.sku_id, quantity=a.stock, as_of_ms=now)
            for a in batch
            if a.stock is not None
        ]
        skus = [article.sku for article in batch]
        till.store.run(partial(_put_rows, skus, stock)).result()


def _put_rows(skus: list[SkuRow], stock: list[StockRow], uow: UnitOfWork) -> None:
    uow.put_skus(skus)
    uow.put_stock(stock)


def _report(
    arguments: argparse.Namespace, rows: int, imported: int, problems: list[Problem]
) -> None:
    if arguments.json:
        found = [{"line": p.line, "code": p.code.value, "detail": p.detail} for p in problems]
        print(json.dumps({"rows": rows, "imported": imported, "problems": found}))
        return
    for problem in problems:
        print(f"line {problem.line}: {problem.code.value.replace('_', ' ')} ({problem.detail})")
    print(f"{imported} of {rows} rows imported, {len(problems)} with problems")
