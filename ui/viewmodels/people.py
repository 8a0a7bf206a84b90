"""How a person looks on the screen: letters and a colour of their own."""

from __future__ import annotations

from zlib import crc32


def letters(name: str) -> str:
    """Return one or two letters for an avatar: 李梅 → 梅, "Mei Chen" → MC, "" → ?."""
    cleaned = name.strip()
    if not cleaned:
        return "?"
    words = cleaned.split()
    if all(ord(c) < 0x2E80 for c in cleaned):
        return "".join(word[0] for word in (words[0], *words[1:][-1:])).upper()
    return cleaned[-1]


def seed(key: str) -> int:
    """Return a small number that is always the same for a key; picks the avatar's colour."""
    return crc32(key.encode("utf-8", "replace")) % 9973
