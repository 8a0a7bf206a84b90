"""What the person who runs the cloud decides: where data lies, which database, which address."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one cloud.

    `data` holds keys and, without `db_url`, the encrypted SQLite file. `public_url` is the base of
    the customer's pages as phones reach it; "" means the address the server listens on.
    """

    data: Path
    db_url: str = ""
    public_url: str = ""
    token_minutes: int = 30
    """Life of an access token."""
    enrol_minutes: int = 60
    """Life of a one-time enrolment code."""
    max_body: int = 16 * 1024 * 1024
    """Most bytes of a request after decompression."""

    @property
    def keys_file(self) -> Path:
        """Where the server's private keys lie, readable by its owner only."""
        return self.data / "keys.json"

    @property
    def sqlite_file(self) -> Path:
        """The embedded database."""
        return self.data / "cloud.db"
