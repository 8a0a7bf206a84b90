"""How a till stops being a cloud's device: its identity, secrets and people go, its own history stays.

The next epoch is provisional again; what the old cloud holds is not journalled a second time, so another
cloud gets only what is sold from now on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.ids import new_epoch
from app.errors import Code, RuleBroken
from app.wire.journal import Chain
from offline_store import members, scrubbing, stock
from offline_store.identity import PROVISIONAL_STORE, current_epoch, open_epoch
from offline_store.journal import Journal, newest_fact
from offline_store.status import LAST_PULL, LAST_PUSH, sync_status

if TYPE_CHECKING:
    from sqlite3 import Connection

_STATES = (
    "cloud.url",
    "cloud.public_url",
    "cloud.timeline",
    "db_id",
    "feed_generation",
    "restored",
    "epoch.request",
    "enrol.device_key",
    "members.again",
    "members.erased_again",
    LAST_PUSH,
    LAST_PULL,
)
_EMPTIED = (
    *("secret", "cloud_key", "cursor", "person"),
    *("member_change", "member_refused", "member_alias", "member_settled", "member"),
)


def unenrol(connection: Connection, journal: Journal, exported: tuple[int, int] = (0, 0)) -> None:
    """Forget the cloud, in the caller's transaction. A till that is enrolled nowhere stays as it is.

    Raises RuleBroken(UNSENT_LEFT) while the cloud lacks anything this till recorded, other than so many
    records and changes of members as are known to be `exported`.
    """
    old = current_epoch(connection)
    if not old.enrolled:
        return
    refuse_unsent(connection, exported)
    _forget_people(connection)
    for state in _STATES:
        connection.execute("DELETE FROM device_state WHERE key = ?", (state,))
    epoch = new_epoch()
    open_epoch(
        connection,
        Chain("", PROVISIONAL_STORE, "", epoch),
        ordinal=0,
        device_code=epoch[:4].upper(),
        enrolled=False,
        fact_offset=newest_fact(connection),
    )
    journal.start()
    stock.rename_store(connection, old.chain.store, PROVISIONAL_STORE)


def _forget_people(connection: Connection) -> None:
    """Empty what is about people or secret. Nobody syncs here again who could scrub by and by, and
    nobody sells meanwhile: the file is scrubbed to the end at once."""
    members.forget_all(connection)
    with scrubbing.thorough(connection):
        for table in _EMPTIED:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 - from our own list
    while scrubbing.step(connection):
        pass


def unsent(connection: Connection) -> tuple[int, int]:
    """Return how many records and changes of members no cloud has taken, refused ones included."""
    standing = sync_status(connection)
    return standing.unsent, standing.member_changes + standing.member_refused


def refuse_unsent(connection: Connection, exported: tuple[int, int] = (0, 0)) -> None:
    """Raise RuleBroken(UNSENT_LEFT) if any record or change of a member is not at the cloud, unless it
    is just what was exported."""
    records, changes = unsent(connection)
    if (records or changes) and (records, changes) != exported:
        raise RuleBroken(Code.UNSENT_LEFT, records=records, member_changes=changes)
