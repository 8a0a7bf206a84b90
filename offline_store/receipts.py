"""Receipt numbers: `{store}{device code}-{epoch ordinal}-{counter}`, counted per epoch without gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offline_store import device
from offline_store.identity import Epoch

if TYPE_CHECKING:
    from sqlite3 import Connection


def next_no(connection: Connection, epoch: Epoch) -> str:
    """Return the next number; a rollback gives it back."""
    count = device.next_count(connection, _counter(epoch))
    return f"{_head(epoch)}{count:06d}"


def pass_by(connection: Connection, epoch: Epoch, document_id: str) -> None:
    """Never give out the number of a document that came back from a copy."""
    row = connection.execute(
        "SELECT receipt_no FROM document WHERE document_id = ?", (document_id,)
    ).fetchone()
    digits = row[0].removeprefix(_head(epoch)) if row else ""
    given = int(digits) if digits.isascii() and digits.isdigit() else 0
    if given > int(device.state(connection, _counter(epoch)) or 0):
        device.set_state(connection, _counter(epoch), str(given))


def _head(epoch: Epoch) -> str:
    till = f"{epoch.chain.store}{epoch.device_code}".upper()
    return f"{till}-{epoch.ordinal}-"


def _counter(epoch: Epoch) -> str:
    return f"receipts.{epoch.epoch}"
