"""What a disk holds after a power cut: replays the log of shim.c call by call. Knows no store.

Only what was synced surely survives. What was not may survive in any part: by 512-byte sectors, and
changes of names in their order. A sync that failed takes its writes with it: the system calls
them clean afterwards, and no later sync brings them to the disk.
"""

from __future__ import annotations

import random
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
_HEAD = struct.Struct("<cHQI")


@dataclass(frozen=True, slots=True)
class Call:
    """One logged call: kind letter of shim.c, path, offset or size, data."""

    kind: str
    path: str
    at: int
    data: bytes


def read_log(log: Path) -> Iterator[Call]:
    """Yield the calls of a log; a last one that was cut off by a kill is left out."""
    data, place = log.read_bytes(), 0
    while place + _HEAD.size <= len(data):
        kind, path_size, at, size = _HEAD.unpack_from(data, place)
        place += _HEAD.size
        if place + path_size + size > len(data):
            return
        path = data[place : place + path_size].decode()
        place += path_size
        yield Call(kind.decode(), path, at, data[place : place + size])
        place += size


@dataclass(eq=False)
class _File:
    """Content that survives for sure, and what was done since the last sync, in order."""

    safe: bytearray = field(default_factory=bytearray)
    open: list[Call] = field(default_factory=list)


@dataclass(eq=False)
class _Folder:
    """A folder inside the one that is watched."""


_Names = dict[str, _File | _Folder]


class Platter:
    """The disk under one folder."""

    def __init__(self, folder: Path) -> None:
        """Take the folder as it is for safe."""
        self._folder = str(folder)
        self._names: _Names = {}
        for path in folder.rglob("*"):
            if path.is_dir():
                self._names[str(path)] = _Folder()
            elif path.suffix != ".log" and not path.name.endswith("-shm"):
                self._names[str(path)] = _File(bytearray(path.read_bytes()))
        self._safe_names = dict(self._names)
        self._renamings: list[tuple[str, _File | _Folder | None]] = []
        """Changes of names since their folder's last sync: path, and what it stands for from then on."""

    def play(self, calls: Iterator[Call]) -> None:
        """Do what the log says."""
        for call in calls:
            if call.kind in "CKULR":
                self._change_names(call)
            elif call.kind == "S" and self._is_folder(call.path):
                self._sync_names(call.path)
            else:
                self._change_content(call)

    def _is_folder(self, path: str) -> bool:
        return path == self._folder or isinstance(self._names.get(path), _Folder)

    def _change_names(self, call: Call) -> None:
        other = call.data.decode()
        match call.kind:
            case "C":
                changes: list[tuple[str, _File | _Folder | None]] = [(call.path, _File())]
            case "K":
                changes = [(call.path, _Folder())]
            case "L":
                changes = [(other, self._names[call.path])]
            case "R":
                changes = [(other, self._names[call.path]), (call.path, None)]
            case _:
                changes = [(call.path, None)]
        for change in changes:
            _name(self._names, *change)
        self._renamings += changes

    def _sync_names(self, folder: str) -> None:
        mine = [change for change in self._renamings if str(Path(change[0]).parent) == folder]
        self._renamings = [change for change in self._renamings if change not in mine]
        for change in mine:
            _name(self._safe_names, *change)

    def _change_content(self, call: Call) -> None:
        file = self._names.get(call.path)
        if not isinstance(file, _File):
            return
        match call.kind:
            case "W" | "T":
                file.open.append(call)
            case "S":
                for change in file.open:
                    _apply(file.safe, change)
                file.open.clear()
            case "E":
                file.open[:] = [change for change in file.open if change.kind == "T"]

    def rewrite(self, folder: Path, chance: random.Random | None = None) -> None:
        """Let a folder hold what survives and nothing else: only what is safe, or by chance some more."""
        shutil.rmtree(folder, ignore_errors=True)
        names = dict(self._safe_names)
        if chance is not None:
            kept = chance.randint(0, len(self._renamings))
            for renaming in self._renamings[:kept]:
                _name(names, *renaming)
        folder.mkdir(parents=True)
        for path in sorted(names):
            target = folder / Path(path).relative_to(self._folder)
            if not target.parent.is_dir():
                continue  # its folder did not survive
            entry = names[path]
            if isinstance(entry, _Folder):
                target.mkdir(mode=0o700)
                continue
            content = bytearray(entry.safe)
            if chance is not None:
                for change in entry.open:
                    _apply_in_part(content, change, chance)
            target.write_bytes(content)
            target.chmod(0o600)


def _name(names: _Names, path: str, entry: _File | _Folder | None) -> None:
    if entry is None:
        names.pop(path, None)
    else:
        names[path] = entry


def _apply(content: bytearray, change: Call) -> None:
    if change.kind == "T":
        _resize(content, change.at)
        return
    _resize(content, max(len(content), change.at + len(change.data)))
    content[change.at : change.at + len(change.data)] = change.data


def _apply_in_part(content: bytearray, change: Call, chance: random.Random) -> None:
    """Let each sector of a write survive or not; a lost one may still have made the file longer."""
    if change.kind == "T":
        if chance.random() < 0.5:
            _resize(content, change.at)
        return
    start, end = change.at, change.at + len(change.data)
    for sector in range(start // SECTOR, (end - 1) // SECTOR + 1):
        if chance.random() < 0.5:
            continue
        first, last = max(start, sector * SECTOR), min(end, (sector + 1) * SECTOR)
        _resize(content, max(len(content), last))
        content[first:last] = change.data[first - start : last - start]


def _resize(content: bytearray, size: int) -> None:
    if size < len(content):
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))
