"""Settings of one till: a frozen value, read once at start. Secrets are never here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.domain.money import CNY, Currency


@dataclass(frozen=True, slots=True)
class Settings:
    """Where a till lives and how it behaves.

    `home` is the folder that holds everything of this till; several tills may live side by side.
    """

    home: Path
    currency: Currency = CNY
    cloud_url: str = ""
    language: str = "zh_CN"
    theme: str = "light"
    reduce_motion: bool = False
    idle_lock_minutes: int = 15

    @property
    def store_file(self) -> Path:
        """The encrypted store."""
        return self.home / "store.db"

    @property
    def log_file(self) -> Path:
        """The log, JSON lines without personal data."""
        return self.home / "guidepos.log"
