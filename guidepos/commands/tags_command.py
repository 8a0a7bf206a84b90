"""`guidepos tags --out FILE.pdf`: print sheets of product tags from this till's catalogue."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.devices.qr import QrCodeMaker
from app.devices.tag_sheet import write_tags
from app.domain.catalog import Sku
from app.domain.money import CURRENCIES
from app.errors import Code, RuleBroken
from app.ports import Reader
from guidepos.bootstrap import open_till


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("style", nargs="+", help="style numbers (款号), or SKU ids or GTINs")
    parser.add_argument("--out", type=Path, required=True, metavar="PDF")
    parser.add_argument("--currency", choices=sorted(CURRENCIES), default="CNY")


def run(arguments: argparse.Namespace) -> int:
    till = open_till(arguments.home)
    try:
        skus = [sku for wanted in arguments.style for sku in _skus(till.store.reader, wanted)]
    finally:
        till.close()
    pages = write_tags(skus, CURRENCIES[arguments.currency], QrCodeMaker(), arguments.out)
    print(f"{len(skus)} tags on {pages} pages in {arguments.out}")
    return 0


def _skus(reader: Reader, wanted: str) -> list[Sku]:
    """Return the SKUs of a style, or the one SKU a code names. Raises RuleBroken(CODE_UNKNOWN)."""
    matrix = reader.matrix(wanted)
    if matrix is not None:
        return [cell.sku for row in matrix.cells for cell in row if cell is not None]
    sku = reader.find_code(wanted)
    if sku is None:
        raise RuleBroken(Code.CODE_UNKNOWN, text=wanted[:40])
    return [sku]
