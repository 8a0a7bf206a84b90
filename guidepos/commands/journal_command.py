"""`guidepos journal verify`: walk the whole hash chain and name the first record that does not fit.
`guidepos journal export FILE [--all]`: write what the cloud does not hold into a file only it can read."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from app.devices.durable import write_whole
from app.errors import Code, RuleBroken
from app.sync.export import export
from guidepos.bootstrap import default_home, open_till


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["verify", "export"])
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE", help="where to export to")
    parser.add_argument("--all", action="store_true", help="export every record that is still here")
    parser.add_argument(
        "--store", type=Path, metavar="FILE", help="the store file (its folder is the home)"
    )
    parser.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    home = arguments.store.parent if arguments.store else arguments.home or default_home()
    if arguments.what == "verify":
        return _verify(home, as_json=arguments.json)
    if arguments.file is None:
        raise RuleBroken(Code.FILE_UNREADABLE, detail="name the file to export to")
    return _export(home, arguments.file, everything=arguments.all, as_json=arguments.json)


def _verify(home: Path, *, as_json: bool) -> int:
    till = open_till(home)
    try:
        started = time.perf_counter()
        broken = till.store.verify_journal()
        head = till.store.run(lambda uow: uow.head()).result()
        seconds = round(time.perf_counter() - started, 3)
    finally:
        till.close()
    figures = {
        "sound": broken is None,
        "first_broken_seq": broken,
        "records": head.seq,
        "epoch": head.epoch,
        "head": head.hash.hex(),
        "seconds": seconds,
    }
    if as_json:
        print(json.dumps(figures))
    elif broken is None:
        print(f"journal sound: {head.seq} records, head {head.hash.hex()[:16]}, {seconds} s")
    else:
        print(f"journal BROKEN at record {broken} of {head.seq}")
    return 0 if broken is None else 1


def _export(home: Path, file: Path, *, everything: bool, as_json: bool) -> int:
    till = open_till(home)
    try:
        exported = export(till.store, till.clock, everything=everything)
        try:
            size = write_whole(file, exported.chunks)
        except OSError as error:
            raise RuleBroken(Code.FILE_UNREADABLE, detail=str(error)) from error
    finally:
        till.close()
    figures = {
        "file": str(file),
        "records": exported.records,
        "member_changes": exported.manifest.member_changes,
        "bytes": size,
    }
    if as_json:
        print(json.dumps(figures))
    else:
        print(
            f"{exported.records} records and {figures['member_changes']} changes of members are in"
            f" {file}; only the cloud this till is enrolled at can read it"
            " (guidepos-cloud import-journal)"
        )
    return 0
