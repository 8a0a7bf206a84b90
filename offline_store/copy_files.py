"""The files of a second copy on their card: the journal in parts, the members' changes in one small file.

    FOLDER/<name of the store>/journal-000001.gpcopy, journal-000002.gpcopy, …   appended only
    FOLDER/<name of the store>/members.gpcopy     written anew whenever the queue is another

The name comes from the store's key, so several tills may share a card. Knows no table and no thread.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.errors import Code, Trouble
from app.wire.journal import Record
from app.wire.messages import MemberChange
from offline_store.copy_format import (
    JOURNAL,
    RawRecord,
    Segment,
    as_record,
    members_file,
    pack_record,
    read,
    read_members,
    unpack_record,
)
from offline_store.durable import flush_folder

PART_BYTES = 32 * 1024 * 1024
"""A part is read whole when the till starts, so it stays small."""
_TORN_BYTES = 1024 * 1024
"""More than this behind the last intact frame is no torn frame; it is left alone."""
MEMBERS_NAME = "members.gpcopy"


def folder_of(place: Path, store_key: bytes) -> Path:
    """Return where a store's copy lies on a card."""
    name = HKDF(SHA256(), 8, salt=None, info=b"gp1-second-copy-name").derive(store_key)
    return place / f"guidepos-{name.hex()}"


def parts_in(folder: Path) -> list[Path]:
    """Return the journal's parts, the oldest first."""
    return sorted(folder.glob("journal-*.gpcopy"))


class JournalCopy:
    """The open end of a copied journal. Raises OSError for everything the card does."""

    def __init__(self, folder: Path, store_key: bytes) -> None:
        self._folder, self._key = folder, store_key
        self._segment: Segment | None = None
        self.recent: list[RawRecord] = []
        """What the newest part held when it was opened."""
        self._file = self._open()

    def _open(self) -> BinaryIO:
        if not self._folder.is_dir():
            # Made only when a person switches the copy on: an empty mount point is no card.
            raise FileNotFoundError(errno.ENOENT, "not there", str(self._folder))
        file = None
        for part in reversed(parts_in(self._folder)):
            data = part.read_bytes()
            contents = read(data, self._key, JOURNAL)
            if file is None:
                fits = len(data) < PART_BYTES and len(data) - contents.end < _TORN_BYTES
                file = self._go_on(part, contents.end) if fits else self._new_part()
            self.recent = [unpack_record(frame) for frame in contents.frames]
            if self.recent:
                break
        return file or self._new_part()

    def _go_on(self, part: Path, end: int) -> BinaryIO:
        file = part.open("r+b", buffering=0)
        file.truncate(end)
        file.seek(end)
        return file

    def _new_part(self) -> BinaryIO:
        parts = parts_in(self._folder)
        number = int(parts[-1].stem.rpartition("-")[2]) + 1 if parts else 1
        part = self._folder / f"journal-{number:06d}.gpcopy"
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        flush_folder(self._folder)
        self._segment = None
        return os.fdopen(descriptor, "r+b", buffering=0)

    def append(self, records: Sequence[RawRecord]) -> None:
        """Append records; they are on the card when this returns. After an error, open anew."""
        if self._file.tell() >= PART_BYTES:
            self._file.close()
            self._file = self._new_part()
        out = bytearray()
        if self._segment is None:
            self._segment = Segment(self._key, JOURNAL)
            out += self._segment.head
        for record in records:
            out += self._segment.frame(pack_record(record))
        _write_all(self._file, bytes(out))
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let go of the card."""
        self._file.close()


def write_members(folder: Path, store_key: bytes, changes: Sequence[MemberChange]) -> None:
    """Replace the members' file, so that what was settled or erased is in it no more."""
    fresh = folder / f".{MEMBERS_NAME}.new"
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        _write_all(file, members_file(store_key, changes))
        os.fsync(file.fileno())
    fresh.replace(folder / MEMBERS_NAME)
    flush_folder(folder)


@dataclass(frozen=True, slots=True)
class Copied:
    """What was found in a copy. `damaged` counts stretches nothing could be read from."""

    records: tuple[Record, ...]
    changes: tuple[MemberChange, ...]
    damaged: int


def read_copy(path: Path, store_key: bytes) -> Copied:
    """Read every intact record and change of a copy: one of its files, its folder, or the card.

    Raises Trouble(STORE_KEY_WRONG) if there are files and nothing in them opens, OSError.
    """
    folder = (
        path if parts_in(path) or (path / MEMBERS_NAME).exists() else folder_of(path, store_key)
    )
    names = [path] if path.is_file() else [*parts_in(folder), folder / MEMBERS_NAME]
    records: list[Record] = []
    changes: list[MemberChange] = []
    damaged = size = 0
    for name in names:
        if not name.exists():
            continue
        data = name.read_bytes()
        size += len(data)
        changes += read_members(data, store_key)
        contents = read(data, store_key, JOURNAL)
        found = [as_record(unpack_record(frame)) for frame in contents.frames]
        records += [record for record in found if record is not None]
        damaged += found.count(None)
        damaged += contents.damaged + (contents.end < len(data) and name.name != MEMBERS_NAME)
    if size and not records and not changes:
        raise Trouble(Code.STORE_KEY_WRONG, file=path.name)
    return Copied(tuple(records), tuple(changes), damaged)


def _write_all(file: BinaryIO, data: bytes) -> None:
    """Write all of it: a raw write may take only a part and say so."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
