"""`guidepos doctor`: versions, SQLite, key, store, journal and cloud; status 1 with reasons."""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from app.errors import RuleBroken, Trouble
from guidepos import VERSION
from guidepos.backup_rounds import PLACE, shelf_of
from guidepos.bootstrap import default_home, open_till
from guidepos.commands.second_copy_command import on_one_disk, told
from guidepos.till import Till
from guidepos.words import sentence
from offline_store import shelf

PACKAGES = (
    "pyside6-essentials", "qrcode", "pillow", "requests", "sqlite-utils", "sqlcipher3", "pyzbar",
    "zxing-cpp", "keyring", "cryptography",
)  # fmt: skip

_PATIENCE_S = 20.0
"""How long a second copy may take to catch up before its lag is told."""


class Findings:
    """What was looked at: name → text, and the reasons why something is not well."""

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}
        self.reasons: list[str] = []

    def look(self, name: str, question: Callable[[], str]) -> None:
        """Ask one question; known trouble becomes a reason."""
        try:
            self.seen[name] = question()
        except (RuleBroken, Trouble) as error:
            self.fail(name, sentence(error))
        except (OSError, ImportError) as error:
            self.fail(name, str(error))

    def fail(self, name: str, reason: str) -> None:
        self.seen[name] = f"NOT WELL: {reason}"
        self.reasons.append(f"{name}: {reason}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    findings = Findings()
    findings.seen["guidepos"] = VERSION
    findings.seen["python"] = platform.python_version()
    findings.seen["system"] = platform.platform()
    for package in PACKAGES:
        findings.look(package, lambda name=package: _version(name))  # type: ignore[misc]
    findings.look("sqlite", _sqlite)
    findings.look("barcode libraries", _barcodes)
    findings.look("camera", _camera)
    home = arguments.home or default_home()
    if (home / "store.db").exists():
        _look_at_till(home, findings)
    else:
        findings.seen["store"] = f"none in {home} yet"
    if arguments.json:
        print(json.dumps({"well": not findings.reasons, **vars(findings)}))
    else:
        for name, text in findings.seen.items():
            print(f"{name:20} {text}")
        print("all well" if not findings.reasons else f"{len(findings.reasons)} not well")
    return 1 if findings.reasons else 0


def _look_at_till(home: Path, findings: Findings) -> None:
    try:
        till = open_till(home)
    except Trouble as trouble:
        findings.fail("store", sentence(trouble))
        return
    try:
        findings.seen["store"] = str(till.settings.store_file)
        findings.seen["key"] = {
            "keyring": "in the system's keyring",
            "file": "in a 0600 file (reduced protection: no usable keyring)",
        }.get(till.keeper.protection, till.keeper.protection)
        findings.look("journal", lambda: _journal(till))
        findings.look("cloud", lambda: _cloud(till))
        findings.look("second copy", lambda: _second_copy(till))
        findings.look("backups", lambda: _backups(till))
        status = till.store.reader.sync_status()
        findings.seen["unsent"] = str(status.unsent)
    finally:
        till.close()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError as error:
        raise ImportError(f"{package} is not installed") from error


def _sqlite() -> str:
    from offline_store import check_fitness

    return f"SQLCipher on SQLite {check_fitness()}, past the WAL-reset bug"


def _barcodes() -> str:
    import zxingcpp  # noqa: F401 - whether it loads is the question
    from pyzbar import pyzbar  # noqa: F401 - needs the system's libzbar

    return "zxing-cpp and zbar load"


def _camera() -> str:
    from ui.input.camera import is_installed

    return "support is installed" if is_installed() else "not installed (the extra `camera`)"


def _journal(till: Till) -> str:
    broken = till.store.verify_journal()
    if broken is not None:
        raise OSError(f"record {broken} does not fit")
    head = till.store.run(lambda uow: uow.head()).result()
    return f"sound, {head.seq} records"


def _second_copy(till: Till) -> str:
    standing = till.store.settled_copy(_PATIENCE_S)
    if standing is not None and standing.alarm is not None:
        raise OSError(told(standing))
    if standing is None or not on_one_disk(Path(standing.place), till.settings.home):
        return told(standing)
    return f"{told(standing)}; on the same disk as the store, so it outlives a damaged file only"


def _backups(till: Till) -> str:
    folder = shelf_of(till.settings.home, till.store.reader.state(PLACE))
    backups = shelf.listed(folder)
    if not backups:
        return f"none in {folder} yet; the till makes one when it has been quiet for a minute"
    return f"{len(backups)} in {folder}, the newest of {backups[0].at.isoformat()}"


def _cloud(till: Till) -> str:
    identity = till.store.reader.identity()
    if not identity.enrolled:
        return "not enrolled"
    from guidepos.online import reach

    return f"{identity.cloud_url} answers in {reach(till)} ms"
