"""Where merchant accounts and their keys lie at the cloud, how they are read, and read again on change.

One TOML file per account in the folder `gateways` beside the cloud's own keys. A value may be written
out, or point elsewhere: `file:NAME` (beside the TOML) or `env:VARIABLE`. Whatever holds a secret must be
its owner's alone (mode 0600). Nothing read here is ever logged or shown.
"""

from __future__ import annotations

import logging
import os
import stat
import threading
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
log = logging.getLogger(__name__)

_FILE, _ENV = "file:", "env:"
_ENDING = ".toml"
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


class AccountUnfit(Exception):  # noqa: N818 - says what happened, like the house's own
    """An account cannot be used as it is written down; the text says why and holds no secret."""


@dataclass
class Written:
    """One account as it is written down, and every file that was read for it."""

    name: str
    file: Path
    values: Mapping[str, object] = field(repr=False)
    read: set[Path] = field(default_factory=set)

    def text(self, key: str, default: str | None = None) -> str:
        """Return a setting, resolved. Raises AccountUnfit when it is missing and has no default."""
        value = self.values.get(key, default)
        if value is None or (value == "" and default is None):
            raise AccountUnfit(f"{key} is missing")
        if not isinstance(value, str):
            raise AccountUnfit(f"{key} must be a text")
        if value.startswith(_FILE):
            return self._file(key, value.removeprefix(_FILE))
        if value.startswith(_ENV):
            found = os.environ.get(value.removeprefix(_ENV), "")
            if not found:
                raise AccountUnfit(f"{key}: the variable {value.removeprefix(_ENV)} is not set")
            return found
        return value

    def address(self, key: str, default: str) -> str:
        """Return where a provider is asked: by https, or on this very machine. Raises AccountUnfit."""
        value = self.text(key, default)
        try:
            parts = urlsplit(value)
            near = parts.scheme == "http" and parts.hostname in _THIS_MACHINE
        except ValueError as error:
            raise AccountUnfit(f"{key} is no address") from error
        if not parts.hostname or not (near or parts.scheme == "https"):
            raise AccountUnfit(f"{key} must begin with https://")
        return value

    def yes(self, key: str) -> bool:
        """Return a switch, off unless it is written down. Raises AccountUnfit."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            raise AccountUnfit(f"{key} must be true or false")
        return value

    def has(self, key: str) -> bool:
        """Tell whether a setting is written down."""
        return key in self.values

    def table(self, key: str) -> dict[str, str]:
        """Return a table of texts. Raises AccountUnfit."""
        value = self.values.get(key, {})
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            raise AccountUnfit(f"{key} must be a table of texts")
        return dict(value)

    def _file(self, key: str, name: str) -> str:
        path = self.file.parent / name
        self.read.add(path)
        try:
            _private(path)
            return path.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise AccountUnfit(f"{key}: {path.name} cannot be read") from error


def written(folder: Path) -> list[str]:
    """Return the names of the accounts in a folder."""
    return sorted(path.stem for path in folder.glob(f"*{_ENDING}"))


def read(folder: Path, name: str) -> Written:
    """Read one account's file. Raises AccountUnfit."""
    path = folder / f"{name}{_ENDING}"
    try:
        _private(path)
        values = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise AccountUnfit(f"{path.name} cannot be read") from error
    except tomllib.TOMLDecodeError as error:
        # The error's own text may quote the line, and the line may hold a secret.
        raise AccountUnfit(f"{path.name} is not TOML") from error
    return Written(name, path, values, {path})


def _private(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name == "posix" and mode & 0o077:
        raise AccountUnfit(f"{path.name} can be read by others (mode {mode:o}, must be 600)")


class Watched(Generic[T]):
    """An account that is read again when one of its files has changed.

    A change that cannot be used is logged once, and what was read before stays in use: the next change
    is tried again. Raises AccountUnfit when the first reading fails.
    """

    def __init__(self, folder: Path, name: str, build: Callable[[Written], T]) -> None:
        self._folder = folder
        self._name = name
        self._build = build
        self._reading = threading.Lock()
        found = read(folder, name)
        self._now = build(found)
        self._files = found.read
        self._stamp = self._stamps()

    def __call__(self) -> T:
        """Return the account as its files say now."""
        if self._stamps() != self._stamp:
            with self._reading:
                self._again()
        return self._now

    def _again(self) -> None:
        stamp = self._stamps()
        if stamp == self._stamp:
            return  # another thread has just done it
        self._stamp = stamp  # as it was before reading: what changes meanwhile is read once more
        try:
            found = read(self._folder, self._name)
            self._now = self._build(found)
        except AccountUnfit as error:
            log.error("account %s has changed and cannot be used: %s", self._name, error)
            return
        if found.read != self._files:
            self._files = found.read
            self._stamp = self._stamps()
        log.warning("account %s was read again", self._name)

    def _stamps(self) -> tuple[tuple[int, int, int], ...]:
        return tuple(_stamp(path) for path in sorted(self._files))


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino
