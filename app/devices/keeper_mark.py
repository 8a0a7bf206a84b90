"""The note beside the store that says which keeper holds its key.

Without it a keyring that vanished (another desktop, a broken session) would look like a fresh till,
and a second key would be made for a store that the first one locks.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import msgspec

from app.devices.durable import create_private, flush_folder
from app.errors import Code, Trouble

MARK_FILE = "key-keeper.json"


@dataclass(frozen=True, slots=True)
class KeeperMark:
    """`till` tells tills of one account apart; `backend` is the keyring's class, "" for a file."""

    keeper: Literal["keyring", "file"]
    till: str
    backend: str = ""


def read_mark(folder: Path) -> KeeperMark | None:
    """Return the note, None if there is none. Raises Trouble(STORE_KEY_LOCKED) if it is unreadable."""
    try:
        return msgspec.json.decode((folder / MARK_FILE).read_bytes(), type=KeeperMark)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise Trouble(Code.STORE_KEY_LOCKED, retryable=True, reason="mark_unreadable") from error


def write_mark(folder: Path, mark: KeeperMark) -> None:
    """Write the note whole or not at all, durable before this returns."""
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{MARK_FILE}.{os.urandom(4).hex()}"
    create_private(draft, msgspec.json.encode(asdict(mark)))
    draft.replace(folder / MARK_FILE)
    flush_folder(folder)
