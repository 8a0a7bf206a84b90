"""How long this till may keep the members it knows without hearing of them: a lease, ended by time.

The rule. Following the members' feed to its end begins a lease of `member_lease_days`. Time the tablet
runs counts in full, by a clock nobody can set (sleep included). Time it was off counts by the server's
time where both ends were dated by it (qualities A and B). Otherwise only the wall clock can tell, and
that is doubtful: it counts as it says, and as a day for each boot that finds it set back. Once the sure
time alone is over, members are forgotten. Where doubt is needed for it, look-ups stop at once, but nothing
is forgotten before the tablet has run a day more, so that a wrong clock can be mended. So who sets the
clock can hide hours in which the tablet is off, never those in which it runs, and wipes nothing at once.

Unsent changes are kept and sent; the next sync to the end of the feed brings everybody back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.domain.times import Moment, TimeQuality
from app.wire.messages import MEMBERS
from offline_store import device, feeds, member_settled, scrubbing

if TYPE_CHECKING:
    from sqlite3 import Connection

DEFAULT_DAYS = 30
DAY_MS = 86_400_000
BACKWARDS_MS = 3_600_000
"""A wall clock this far behind was set, not corrected."""
KEEP_EVERY_MS = 600_000
"""A look is written down this often; a kill loses no more of the count than that."""
FORGET_AT_ONCE = 300
_LEASE, _STATE = "members.lease", "members.lease_state"
DOUBT, FORGOTTEN, ENDED = "doubt", "forgotten", "ended"
"""Why members may not be looked up: the clocks leave it in doubt, the lease is over, it was taken away."""


class Mark(msgspec.Struct, frozen=True):
    """A look at the clocks; `exact` where the server's time was known in that boot."""

    wall_ms: int
    mono_ms: int
    server_ms: int
    boot_id: str
    exact: bool

    @classmethod
    def of(cls, now: Moment) -> Mark:
        """Return a reading of the clocks as a mark."""
        exact = now.quality is not TimeQuality.WALL
        return cls(now.wall_ms, now.mono_ms, now.server_ms, now.boot_id, exact)


class Lease(msgspec.Struct, frozen=True):
    """`certain_ms` and `doubtful_ms` were counted up to `ended`; this boot was first looked at in `first`
    and last in `seen`. `doubted_ms`: the certain time when doubt ended the lease, -1 if it has not."""

    ended: Mark
    first: Mark
    seen: Mark
    certain_ms: int = 0
    doubtful_ms: int = 0
    doubted_ms: int = -1


def is_over(connection: Connection) -> bool:
    """Tell whether members may not be looked up now."""
    return bool(device.state(connection, _STATE))


def followed(connection: Connection, now: Moment, *, to_its_end: bool) -> None:
    """Note that members came, by a page of their feed or a snapshot. The feed's end begins a new lease.

    So do the first members there are and the first after everything was forgotten, but look-ups wait
    for the end.
    """
    is_first = not device.state(connection, _LEASE) or (
        device.state(connection, _STATE) == FORGOTTEN and not _has_members(connection)
    )
    if to_its_end or is_first:
        mark = Mark.of(now)
        _keep(connection, Lease(mark, mark, mark))
    if to_its_end:
        device.set_state(connection, _STATE, "")


def end(connection: Connection) -> None:
    """Take the lease away: nobody is looked up from now on, and `tidy` forgets all by and by."""
    _set_state(connection, ENDED)
    device.set_cursor(connection, MEMBERS, "")


def tidy(connection: Connection, now: Moment, days: int) -> bool:
    """Look at the lease and forget some members if it is over; True while there are more to forget.

    Where it was taken away, what is kept of settled changes goes too.
    """
    if device.state(connection, _STATE) == ENDED:
        with scrubbing.thorough(connection):
            more = member_settled.forget_some(connection, FORGET_AT_ONCE)
        if not more and not forget_some(connection):
            _set_state(connection, FORGOTTEN)
        return True
    text = device.state(connection, _LEASE)
    if not text:
        if device.cursor(connection, MEMBERS):  # known from before there were leases
            followed(connection, now, to_its_end=True)
        return False
    lease, mark = msgspec.json.decode(text, type=Lease), Mark.of(now)
    lease, is_new = _in_this_boot(lease, mark)
    certain, doubtful = ages(lease, mark)
    doubted = certain + doubtful >= days * DAY_MS
    since = (lease.doubted_ms if lease.doubted_ms >= 0 else certain) if doubted else -1
    if is_new or since != lease.doubted_ms or mark.mono_ms - lease.seen.mono_ms >= KEEP_EVERY_MS:
        _keep(connection, msgspec.structs.replace(lease, seen=mark, doubted_ms=since))
    if certain >= days * DAY_MS or (doubted and certain - since >= DAY_MS):
        return _forget(connection)
    if device.state(connection, _STATE) != FORGOTTEN:
        _set_state(connection, DOUBT if doubted else "")
    return False


def ages(lease: Lease, now: Mark) -> tuple[int, int]:
    """Return the milliseconds since the feed was followed: those that are sure and those in doubt."""
    running = max(0, now.mono_ms - lease.first.mono_ms)
    certain, doubtful = lease.certain_ms + running, lease.doubtful_ms
    if lease.first.boot_id == lease.ended.boot_id:
        return certain, doubtful
    if now.exact and lease.ended.exact:
        return certain + max(0, now.server_ms - running - lease.ended.server_ms), doubtful
    off = now.wall_ms - running - lease.ended.wall_ms
    return certain, doubtful + (DAY_MS if off < -BACKWARDS_MS else max(0, off))


def _in_this_boot(lease: Lease, now: Mark) -> tuple[Lease, bool]:
    """Settle what an earlier boot counted; the flag tells whether this is the first look of a boot."""
    if lease.seen.boot_id == now.boot_id:
        return lease, False
    certain, doubtful = ages(lease, lease.seen)
    fresh = Lease(lease.seen, now, now, certain, doubtful, lease.doubted_ms)
    return fresh, True


def _forget(connection: Connection) -> bool:
    _set_state(connection, FORGOTTEN)
    return forget_some(connection)


def forget_some(connection: Connection) -> bool:
    """Forget some members, so that nothing of them is left in the file; True while there are more.

    Changes that are not sent yet stay in their queue, and references of who was erased where they are.
    The feed begins anew.
    """
    if not _has_members(connection):
        return False
    with scrubbing.thorough(connection):
        gone = connection.execute(
            "DELETE FROM member WHERE member_no IN"
            " (SELECT member_no FROM member WHERE erased = 0 LIMIT ?) RETURNING member_ref",
            (FORGET_AT_ONCE,),
        ).fetchall()
        feeds.note(connection, MEMBERS, {}, [ref for (ref,) in gone])
    if _has_members(connection):
        return True
    # Its pages are let go as they are: overwritten now they would be megabytes in one commit, and
    # scrubbing does it by and by.
    connection.execute("INSERT INTO member_search (member_search) VALUES ('delete-all')")
    device.set_cursor(connection, MEMBERS, "")
    feeds.clear(connection, MEMBERS)
    scrubbing.begin(connection)
    return True


def _has_members(connection: Connection) -> bool:
    found = connection.execute("SELECT 1 FROM member WHERE erased = 0 LIMIT 1").fetchone()
    return found is not None


def _keep(connection: Connection, lease: Lease) -> None:
    device.set_state(connection, _LEASE, msgspec.json.encode(lease).decode())


def _set_state(connection: Connection, state: str) -> None:
    if device.state(connection, _STATE) != state:
        device.set_state(connection, _STATE, state)
