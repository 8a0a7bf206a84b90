"""How a till becomes the cloud's device: keys kept, a new epoch opened, the past journalled again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.wire.journal import Chain
from app.wire.messages import EnrolAnswer, PublicKey
from offline_store import device, epochs, feeds, stock
from offline_store.identity import current_epoch, open_epoch
from offline_store.journal import Journal

if TYPE_CHECKING:
    from sqlite3 import Connection

ESCROW_KEY = "cloud.escrow"


def enrol(
    connection: Connection,
    journal: Journal,
    answer: EnrolAnswer,
    device_key: bytes,
    cloud_url: str,
) -> None:
    """Take the answer over, in the caller's transaction. The same answer twice changes nothing.

    Records the cloud does not hold move to the new epoch with their own ids, so what was sold before
    enrolment reaches the cloud, once.
    """
    device.set_secret(connection, device.DEVICE_KEY, device_key)
    device.set_secret(connection, device.DEVICE_SECRET, answer.secret)
    device.set_secret(connection, ESCROW_KEY, answer.keys.escrow.key)
    pin_keys(connection, answer.keys.signing)
    device.set_state(connection, "cloud.url", cloud_url)
    device.set_state(connection, "cloud.public_url", answer.public_url)
    device.set_state(connection, "cloud.timeline", answer.timeline)
    old = current_epoch(connection)  # with the mark as it stands now
    if old.epoch == answer.epoch:
        return
    proven = old.facts_up_to(old.acked_seq)
    open_epoch(
        connection,
        Chain(answer.tenant, answer.store, answer.device, answer.epoch),
        ordinal=answer.epoch_ordinal,
        device_code=answer.device_code,
        enrolled=True,
        fact_offset=proven,
    )
    feeds.forget(connection)
    journal.start()
    epochs.again(connection, journal, proven)
    if old.chain.store != answer.store:
        stock.rename_store(connection, old.chain.store, answer.store)


def cloud_keys(connection: Connection, now_ms: int) -> dict[str, bytes]:
    """Return the pinned signing keys of the cloud that are valid now."""
    rows = connection.execute(
        "SELECT kid, key FROM cloud_key WHERE expires_ms = 0 OR expires_ms > ?", (now_ms,)
    )
    return dict(rows.fetchall())


def pin_keys(connection: Connection, keys: Sequence[PublicKey]) -> None:
    """Believe these signing keys from now on, and no others."""
    connection.execute("DELETE FROM cloud_key")
    connection.executemany(
        "INSERT INTO cloud_key VALUES (?, ?, ?)",
        [(key.kid, key.key, key.expires_ms) for key in keys],
    )
