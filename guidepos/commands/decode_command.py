"""`guidepos decode IMAGE…`: the codes in picture files, read as the till's camera reads them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from app.devices.barcode import ZbarReader, ZxingReader
from app.devices.pictures import frames_of
from app.errors import RuleBroken
from app.ports import ReadCode
from app.services.scanning import Scanner
from guidepos.words import sentence


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", nargs="+", help="picture files")
    parser.add_argument(
        "--json", action="store_true", help="one object: file → text and symbology, or null"
    )


def run(arguments: argparse.Namespace) -> int:
    unreadable = False
    answers: dict[str, dict[str, str] | None] = {}
    for name in arguments.image:
        code = None
        try:
            code = read_picture(Path(name))
        except RuleBroken as error:
            unreadable = True
            print(f"guidepos: {name}: {sentence(error)}", file=sys.stderr)
        answers[name] = {"text": code.text, "symbology": code.symbology} if code else None
        if not arguments.json:
            print(f"{name}: {f'{code.text} ({code.symbology})' if code else '-'}")
    if arguments.json:
        print(json.dumps(answers, ensure_ascii=False, indent=1))
    return 1 if unreadable else 0


def read_picture(file: Path) -> ReadCode | None:
    """Return the code a picture shows, the one nearest its middle if there are several.

    Raises RuleBroken(FILE_UNREADABLE) if it is no picture.
    """
    scanner = Scanner(ZxingReader(), ZbarReader())
    for frame in frames_of(file):
        found = scanner.look(frame)
        if found:
            return found[0]
    return None
