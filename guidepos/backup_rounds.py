"""Backups by the running till itself: every few hours, when nobody needs the store, on its own thread."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.errors import RuleBroken, Trouble
from offline_store import OfflineStore, shelf

PLACE = "backup.place"
"""Device state: the folder backups are kept in, "" for the one beside the store."""
EVERY = timedelta(hours=6)
OVERDUE = timedelta(hours=24)
"""Later than this a backup is made even while the till is busy."""
IDLE_S = 60.0
LOOK_EVERY_S = 120.0

log = logging.getLogger(__name__)


def shelf_of(home: Path, place: str) -> Path:
    """Return where a till's backups lie."""
    return Path(place) if place else home / "backups"


def is_due(last: datetime | None, now: datetime, idle_s: float) -> bool:
    """Tell whether a backup should be made now. A clock that was set back makes one due."""
    if last is None or not timedelta(0) <= now - last < OVERDUE:
        return True
    return now - last >= EVERY and idle_s >= IDLE_S


class BackupRounds:
    """Looks every few minutes whether a backup is due, and makes it."""

    def __init__(self, store: OfflineStore, home: Path) -> None:
        self._store, self._home = store, home
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._live, name="backup", daemon=True)

    def start(self) -> None:
        """Begin looking; the first look comes after the till has settled."""
        self._thread.start()

    def stop(self) -> None:
        """End. A backup that is being made is finished first."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _live(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            self.look(datetime.now(UTC))

    def look(self, now: datetime) -> bool:
        """Make a backup if one is due; tell whether it was made."""
        try:
            folder = shelf_of(self._home, self._store.reader.state(PLACE))
            backups = shelf.listed(folder)
            last = backups[0].at if backups else None
            if not is_due(last, now, self._store.idle_s):
                return False
            self._store.back_up(folder, now)
        except (RuleBroken, Trouble, OSError) as error:
            log.warning("no backup could be made: %s", error)
            return False
        return True
