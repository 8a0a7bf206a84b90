"""What the person who runs the cloud decides: where data lies, which database, which address."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one worker takes on at a time. Beyond it a till hears 503 or 429 and when to come again."""

    pushes_at_work: int = 4
    """Pushes that are checked and written at the same time."""
    pushes_waiting: int = 64
    """Pushes that have arrived and wait for their turn."""
    uploads: int = 256
    """Pushes whose bodies are on their way in."""
    pushes_of_a_device: int = 2
    """Pushes of one device that work or wait; a till sends one, and repeats it when its line broke."""
    requests_per_s: float = 200.0
    """What one device may ask in the long run …"""
    requests_at_once: float = 1_000.0
    """… and how much of that it may save up."""


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

    workers: int = 1
    """Processes that serve; more than one only on PostgreSQL."""
    log: bool = False
    """Whether every worker writes a JSON line about each request to its standard error."""
    limits: Limits = Limits()
    statement_s: int = 30
    """Longest a statement may run on PostgreSQL while serving, 0: as long as it likes."""
    idle_transaction_s: int = 15
    """Longest a transaction may rest on PostgreSQL: an open one holds back every feed."""

    @property
    def keys_file(self) -> Path:
        """Where the server's private keys lie, readable by its owner only."""
        return self.data / "keys.json"

    @property
    def accounts(self) -> Path:
        """Where merchant accounts at payment providers are written down."""
        return self.data / "gateways"

    @property
    def sqlite_file(self) -> Path:
        """The embedded database."""
        return self.data / "cloud.db"
