"""What one process of a till knows about true time, kept for the next one.

The server's time is worth keeping only within one boot; across boots, only that time never runs back.
"""

from __future__ import annotations

import msgspec

from app.devices.clock import Anchor, SystemClock
from app.ports import Priority
from offline_store import OfflineStore

ANCHOR = "clock.anchor"


def resume_clock(clock: SystemClock, store: OfflineStore) -> None:
    """Hand a new clock what the store knows: the kept anchor and the time of the last record."""
    clock.resume(_read(store.reader.state(ANCHOR)), store.last_recorded_ms)


def keep_anchor(clock: SystemClock, store: OfflineStore) -> None:
    """Keep the anchor in force, if there is one and it may be written. Returns at once."""
    if clock.kept is None or store.drain_only:
        return
    text = msgspec.json.encode(clock.kept).decode()
    store.run(lambda uow: uow.set_state(ANCHOR, text), priority=Priority.SYNC)


def _read(text: str) -> Anchor | None:
    try:
        return msgspec.json.decode(text, type=Anchor)
    except msgspec.DecodeError:
        return None
