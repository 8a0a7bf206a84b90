"""What belongs to this device alone and never travels: settings, keys, cursors, drafts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.domain.cart import Cart
from app.ports import Draft

if TYPE_CHECKING:
    from sqlite3 import Connection

DEVICE_KEY = "device.key"
DEVICE_SECRET = "device.secret"  # noqa: S105 - the name it is kept under

_ENCODER = msgspec.json.Encoder()
_CART = msgspec.json.Decoder(Cart)


def state(connection: Connection, key: str) -> str:
    """Return a piece of device state, "" if unset."""
    row = connection.execute("SELECT value FROM device_state WHERE key = ?", (key,)).fetchone()
    return row[0] if row else ""


def set_state(connection: Connection, key: str, value: str) -> None:
    """Keep a piece of device state; "" keeps nothing."""
    if not value:
        connection.execute("DELETE FROM device_state WHERE key = ?", (key,))
        return
    connection.execute(
        "INSERT INTO device_state VALUES (?, ?)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def secret(connection: Connection, name: str) -> bytes:
    """Return a secret, b"" if there is none."""
    row = connection.execute("SELECT value FROM secret WHERE name = ?", (name,)).fetchone()
    return row[0] if row else b""


def set_secret(connection: Connection, name: str, value: bytes) -> None:
    """Keep a secret."""
    connection.execute("INSERT OR REPLACE INTO secret VALUES (?, ?)", (name, value))


def cursor(connection: Connection, stream: str) -> str:
    """Return the cursor after the last applied page of a stream, "" before the first."""
    row = connection.execute("SELECT cursor FROM cursor WHERE stream = ?", (stream,)).fetchone()
    return row[0] if row else ""


def set_cursor(connection: Connection, stream: str, value: str) -> None:
    """Move a stream's cursor; in the transaction of the page it stands after."""
    connection.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?)", (stream, value))


def next_count(connection: Connection, key: str) -> int:
    """Count up in device state, from 1 and without gaps; a rollback gives the number back."""
    row = connection.execute(
        "INSERT INTO device_state VALUES (?, '1')"
        " ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)"
        " RETURNING value",
        (key,),
    ).fetchall()
    return int(row[0][0])


def save_draft(connection: Connection, draft: Draft) -> None:
    """Keep a cart, goods included, so that a crash gives it back."""
    connection.execute(
        "INSERT OR REPLACE INTO draft VALUES (?, ?, ?)",
        (draft.slot, _ENCODER.encode(draft.cart).decode(), draft.saved_ms),
    )


def drop_draft(connection: Connection, slot: str) -> None:
    """Forget a kept cart."""
    connection.execute("DELETE FROM draft WHERE slot = ?", (slot,))


def draft(connection: Connection, slot: str) -> Cart | None:
    """Return a kept cart, None if there is none or this version cannot read it."""
    row = connection.execute(
        "SELECT slot, cart, saved_ms FROM draft WHERE slot = ?", (slot,)
    ).fetchone()
    found = _draft(row) if row else None
    return found.cart if found else None


def drafts(connection: Connection) -> tuple[Draft, ...]:
    """Return the kept carts, the latest first.

    One that this version cannot read (kept by another) is left where it is and not returned.
    """
    rows = connection.execute("SELECT slot, cart, saved_ms FROM draft ORDER BY saved_ms DESC, slot")
    return tuple(filter(None, map(_draft, rows.fetchall())))


def _draft(row: tuple[str, str, int]) -> Draft | None:
    slot, cart, saved_ms = row
    try:
        return Draft(slot, _CART.decode(cart), saved_ms)
    except msgspec.DecodeError:
        return None
