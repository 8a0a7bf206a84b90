"""One process per store: a lock the system takes back when the process dies.

The lock file also carries a fingerprint of the store's key, so that a damaged first page can be told
from a wrong key; SQLCipher answers both alike. It knows nothing of SQL.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from pathlib import Path

from app.errors import Code, Trouble, file_trouble

log = logging.getLogger(__name__)

_LOCK_BYTE = 1 << 20
"""Windows locks bytes, and a locked byte cannot be read; this one lies far behind the content."""


def fingerprint(key: bytes) -> bytes:
    """Return what may lie beside the file: it names a random 256-bit key and gives nothing away."""
    return hashlib.sha256(b"gp1-store-key" + key).hexdigest().encode()


class StoreLock:
    """Holds `<file>.lock` from construction to `release`.

    Raises Trouble: STORE_IN_USE, and STORE_FULL, STORE_READ_ONLY, STORE_DAMAGED if it cannot be made.
    """

    def __init__(self, file: Path) -> None:
        path = file.with_name(file.name + ".lock")
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise file_trouble(error) from error
        try:
            _take(self._fd)
        except OSError as error:
            os.close(self._fd)
            raise Trouble(Code.STORE_IN_USE, file=file.name) from error

    def key_is_known(self, key: bytes) -> bool:
        """Tell whether the store was opened with this key before."""
        os.lseek(self._fd, 0, os.SEEK_SET)
        return os.read(self._fd, 64) == fingerprint(key)

    def remember_key(self, key: bytes) -> None:
        """Note the key that opened the store. A full disk does not keep a store shut: the note only
        tells a damaged file from a wrong key, and is made the next time."""
        if self.key_is_known(key):
            return
        try:
            os.ftruncate(self._fd, 0)
            os.lseek(self._fd, 0, os.SEEK_SET)
            os.write(self._fd, fingerprint(key))
        except OSError as error:
            log.warning("the key that opened the store was not noted: %s", error)

    def release(self) -> None:
        """Let another process in. The file stays: deleting it would race with who waits for it."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _take(fd: int) -> None:
    if sys.platform == "win32":  # pragma: no cover
        import msvcrt

        os.lseek(fd, _LOCK_BYTE, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
