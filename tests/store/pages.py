"""The bytes of a store's file through its key: every page, free ones too, and the log beside it."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

PAGE, RESERVED, IV, SALT = 4_096, 80, 16, 16
"""SQLCipher 4: each page ends with its IV and HMAC; the first begins with the salt."""
WAL_HEADER, FRAME_HEADER = 32, 24


def plain_bytes(file: Path, key: bytes) -> bytes:
    """Return everything that lies in the file and its log, decrypted page by page."""
    data = file.read_bytes()
    parts = [_plain(data[at : at + PAGE], key, first=at == 0) for at in range(0, len(data), PAGE)]
    log = file.with_name(file.name + "-wal")
    frames = log.read_bytes()[WAL_HEADER:] if log.exists() else b""
    size = FRAME_HEADER + PAGE
    for at in range(0, len(frames) - size + 1, size):
        number = int.from_bytes(frames[at : at + 4])
        parts.append(_plain(frames[at + FRAME_HEADER : at + size], key, first=number == 1))
    return b"".join(parts)


def _plain(page: bytes, key: bytes, *, first: bool) -> bytes:
    begin, end = SALT if first else 0, PAGE - RESERVED
    decryptor = Cipher(AES(key), CBC(page[end : end + IV])).decryptor()
    return decryptor.update(page[begin:end]) + decryptor.finalize()
