"""Members are lent to a till, not given: the lease ends by time that nobody can set, and what is forgotten
is gone from the file's bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.times import Moment, TimeQuality
from app.ports import SnapshotPiece
from app.wire.messages import MembersPage, MemberVerdict, Row
from app.wire.snapshot import SnapshotBegin
from offline_store import OfflineStore, open_store
from offline_store.member_lease import BACKWARDS_MS, Lease, Mark, ages
from tests.fakes.clock import NOON
from tests.store.pages import plain_bytes
from tests.store.shop import KEY, config_row, sale_of
from tests.store.test_members import change, join, pull, queue, refs, row, settle

DAY_S = 86_400
MINUTE_S = 60
DAY_MS = DAY_S * 1_000


@dataclass
class TabletClock:
    """A tablet's clocks: one on the wall that anybody sets, one that runs while the tablet does."""

    wall_ms: int = NOON
    mono_ms: int = 1_000
    boot: int = 1
    server_offset: int | None = None
    """Server's time minus the running clock's, once the server was heard in this boot."""

    def now(self) -> Moment:
        server = self.wall_ms if self.server_offset is None else self.server_offset + self.mono_ms
        quality = TimeQuality.WALL if self.server_offset is None else TimeQuality.ANCHORED
        return Moment(self.wall_ms, self.mono_ms, f"boot-{self.boot}", server, quality)

    def monotonic(self) -> float:
        return self.mono_ms / 1_000

    def worked(self) -> float:
        return self.monotonic()

    def anchor(self, server_ms: int) -> None:
        self.server_offset = server_ms - self.mono_ms

    def run(self, seconds: float) -> None:
        """Let time pass with the tablet on or asleep."""
        self.wall_ms += round(seconds * 1_000)
        self.mono_ms += round(seconds * 1_000)

    def reboot(self, off_s: float = 0, *, wall_ms: int | None = None) -> None:
        """Switch off, let time pass, start again; the wall clock may be set meanwhile."""
        self.wall_ms = self.wall_ms + round(off_s * 1_000) if wall_ms is None else wall_ms
        self.mono_ms, self.boot, self.server_offset = 500, self.boot + 1, None


@pytest.fixture
def clock() -> TabletClock:
    return TabletClock()


@pytest.fixture
def store(file: Path, clock: TabletClock):
    with open_store(file, KEY, clock) as opened:
        pull(opened, row(), row("m2", "李芳", phone="15900000000"))
        yield opened


def tidy(store: OfflineStore) -> None:
    while store.run(lambda uow: uow.tidy_members()).result():
        pass


def look(store: OfflineStore, clock: TabletClock, days: float) -> None:
    """Let days pass with the till running, and look a few times a day."""
    looks = max(1, round(days * 3))
    for _ in range(looks):
        clock.run(days * DAY_S / looks)
        tidy(store)


def known(store: OfflineStore) -> bool:
    """Tell whether members are found, whichever way they are looked for."""
    found = {
        bool(refs(store, "王")),
        bool(refs(store, "138")),
        store.reader.member("m1") is not None,
        not store.reader.members_expired(),
    }
    assert len(found) == 1, "one way finds what another does not"
    return found.pop()


def on_disk(store: OfflineStore) -> bool:
    """Tell whether the file knows anybody, whatever may be looked up."""
    reader = store._new_reader()
    return reader._connection.execute("SELECT 1 FROM member LIMIT 1").fetchone() is not None


EXPIRED = "members are not found any more; the table says that the next sync brings them back"


@pytest.mark.fault(40, EXPIRED)
def test_the_lease_ends_after_its_days_and_the_next_sync_brings_everybody_back(store, clock):
    look(store, clock, 29.9)
    assert known(store)
    look(store, clock, 0.2)
    assert not known(store)
    assert not on_disk(store)
    assert store.run(lambda uow: uow.cursor("members")).result() == ""
    page = MembersPage(rows=[row()], cursor="c1", more=True, server_ms=1)
    store.run(lambda uow: uow.apply_members(page)).result()
    tidy(store)
    assert on_disk(store), "a sync that takes several rounds was begun for nothing"
    assert not known(store), "half of the members would pass for all of them"
    pull(store, row("m2", "李芳", phone="15900000000"), cursor="c2")
    assert known(store)
    look(store, clock, 29)
    assert known(store)


def test_a_snapshot_brings_them_back_too_and_is_not_forgotten_while_it_fills(store, clock):
    look(store, clock, 31)
    assert not store.run(lambda uow: uow.feed("members")).result().is_whole
    begun = SnapshotBegin(stream="members", cursor="c7", rows=2, feed_generation=1, server_ms=1)
    store.run(lambda uow: uow.begin_snapshot(begun)).result()
    for each in (row(), row("m2", "李芳", phone="15900000000")):
        body = msgspec.Raw(msgspec.json.encode(each))
        take(store, SnapshotPiece("members", [Row(key=each.member_ref, body=body)]))
        tidy(store)
        assert on_disk(store)
        assert not known(store)
    store.run(lambda uow: uow.complete_snapshot("members")).result()
    assert not known(store), "what changed since the snapshot began is still to come"
    pull(store, cursor="c8")
    assert known(store)


def take(store: OfflineStore, piece: SnapshotPiece) -> None:
    store.run(lambda uow: uow.apply_snapshot(piece)).result()


def test_following_the_feed_begins_the_lease_anew(store, clock):
    for _ in range(4):
        look(store, clock, 20)
        pull(store, cursor="c")
    assert known(store)


def test_the_shop_says_how_long_the_lease_is(store, clock):
    short = msgspec.structs.replace(config_row(), member_lease_days=2)
    store.run(lambda uow: uow.put_config(short)).result()
    look(store, clock, 1.9)
    assert known(store)
    look(store, clock, 0.2)
    assert not known(store)


def test_unsent_changes_are_kept_sent_and_on_top_of_what_comes_back(store, clock):
    renamed = change(store, "name", "王大明")
    joined = join(store, "new", name="赵新", phone="13700000000")
    look(store, clock, 31)
    assert not known(store)
    assert [each.change_id for each in queue(store)] == [renamed, joined]
    settle(store, MemberVerdict(change_id=joined, verdict="applied", member_ref="new", revision=1))
    pull(store, row(), row("new", "赵新", phone="13700000000"))
    assert store.reader.member("m1").name == "王大明"
    assert refs(store, "赵新") == ["new"]
    assert [each.change_id for each in queue(store)] == [renamed]


def test_facts_know_no_names_and_stay(store, clock):
    sale = sale_of(member_ref="m1")
    store.run(lambda uow: uow.record(sale)).result()
    look(store, clock, 31)
    assert store.reader.document(sale.sale_id) == sale
    assert store.verify_journal() is None
    assert [d.member_ref for d in store.reader.documents()] == ["m1"]


# --- games with the clock -------------------------------------------------------------------------


def test_setting_the_clock_back_hides_no_hour_in_which_the_tablet_runs(store, clock):
    for _ in range(31):
        clock.wall_ms = NOON
        look(store, clock, 1)
    assert not known(store)


def test_nor_does_setting_it_back_at_every_boot(store, clock):
    boots = 0
    while known(store):
        look(store, clock, 0.25)
        clock.reboot(DAY_S, wall_ms=NOON - 400 * DAY_MS)
        tidy(store)
        boots += 1
    assert boots <= 31


def test_a_clock_that_jumps_ahead_stops_look_ups_and_forgets_nothing_for_a_day(store, clock):
    clock.reboot(wall_ms=NOON + 3_650 * DAY_MS)
    tidy(store)
    assert not known(store)
    assert on_disk(store)
    look(store, clock, 0.5)
    clock.wall_ms = NOON + DAY_MS  # somebody mends it
    tidy(store)
    assert known(store)
    assert on_disk(store)


def test_a_doubt_that_nobody_mends_ends_in_forgetting(store, clock):
    clock.reboot(40 * DAY_S)
    tidy(store)
    assert not known(store)
    assert on_disk(store)
    for _ in range(3):  # the day it has to run may be spread over several boots
        look(store, clock, 0.4)
        clock.reboot(MINUTE_S)
        tidy(store)
    look(store, clock, 0.1)
    assert not on_disk(store)


def test_a_jump_while_the_tablet_runs_changes_nothing(store, clock):
    clock.wall_ms += 3_650 * DAY_MS
    look(store, clock, 1)
    assert known(store)


def test_the_servers_time_at_both_ends_leaves_no_doubt(store, clock):
    clock.anchor(NOON)
    pull(store, cursor="c2")
    look(store, clock, 1)
    clock.reboot(40 * DAY_S)
    clock.anchor(clock.wall_ms)  # the cloud answered a token request, but no feed was followed
    tidy(store)
    assert not on_disk(store)


def test_a_clock_corrected_by_a_few_minutes_costs_nothing(store, clock):
    for _ in range(100):
        clock.reboot(MINUTE_S, wall_ms=clock.wall_ms - 5 * MINUTE_S * 1_000)
        tidy(store)
    assert known(store)


def test_a_till_from_before_there_were_leases_gets_a_whole_one(store, clock):
    store.run(lambda uow: uow.set_state("members.lease", "")).result()
    look(store, clock, 29)
    assert known(store)
    look(store, clock, 2)
    assert not known(store)


def test_a_till_that_never_heard_of_members_has_no_lease(tmp_path, clock):
    with open_store(tmp_path / "other.db", KEY, clock) as store:
        look(store, clock, 31)
        assert not store.reader.members_expired()
        assert store.run(lambda uow: uow.state("members.lease")).result() == ""


@given(
    st.lists(
        st.tuples(
            st.integers(0, 40 * DAY_MS),  # it runs
            st.booleans(),  # and then is switched off
            st.integers(0, 40 * DAY_MS),
            st.integers(-(10**12), 10**12),  # and its clock is set
        ),
        max_size=8,
    )
)
def test_the_sure_time_is_never_more_than_passed_and_never_less_than_it_ran(steps) -> None:
    mark = Mark(NOON, 0, NOON, "b0", exact=False)
    lease, now, ran, passed = Lease(mark, mark, mark), mark, 0, 0
    for number, (runs, off, gap, turn) in enumerate(steps):
        now = later(now, wall=runs + turn, mono=runs)
        ran, passed = ran + runs, passed + runs
        certain, doubtful = ages(lease, now)
        assert ran <= certain <= passed
        assert doubtful >= 0
        if off:
            passed += gap
            booted = Mark(now.wall_ms + gap + turn, 500, 0, f"b{number + 1}", exact=False)
            lease = Lease(now, booted, booted, certain, doubtful)
            now = booted
            assert ages(lease, now)[0] == certain
            if gap + turn < -BACKWARDS_MS:
                assert ages(lease, now)[1] == doubtful + DAY_MS


def later(mark: Mark, *, wall: int, mono: int) -> Mark:
    return Mark(mark.wall_ms + wall, mark.mono_ms + mono, mark.server_ms, mark.boot_id, mark.exact)


# --- what is left of them -------------------------------------------------------------------------

WORDS = ("欧阳震华", "ouyangzhenhua", "司马相如", "simaxiangru", "私人秘密", "13777654321")


def left(file: Path) -> list[str]:
    """Return which of the words lie anywhere in the file or its log, free pages included."""
    data = plain_bytes(file, KEY)
    return [word for word in WORDS if word.encode() in data]


@pytest.fixture
def many(file: Path, clock: TabletClock):
    """A store with a few hundred members, indexed, merged and re-indexed as time does it."""
    store = open_store(file, KEY, clock)
    for start in (0, 300, 0, 300):
        rows = [
            row(f"m{n}", f"欧阳震华{n}", phone=f"1391234{n:04d}") for n in range(start, start + 300)
        ]
        pull(store, *rows)
    pull(store, row("mx", "司马相如", phone="13777654321", note="私人秘密"))
    yield store
    store.close()


def test_the_words_are_really_there_before(many, file):
    many.close()
    assert left(file) == list(WORDS)


@pytest.mark.fault(40, "the erased member is found nowhere any more")
def test_of_an_erased_member_no_byte_is_left(many, file):
    change(many, "note", "私人秘密", member_ref="mx")
    pull(many, row("mx", "", phone="", revision=9, erased=True), cursor="c2")
    tidy(many)
    many.close()
    assert left(file) == ["欧阳震华", "ouyangzhenhua"]


@pytest.mark.fault(40, EXPIRED)
def test_of_a_lease_that_ended_no_byte_is_left(many, file, clock):
    look(many, clock, 31)
    many.close()
    assert left(file) == []


def test_of_a_revoked_tills_members_no_byte_is_left(many, file):
    many.run(lambda uow: uow.set_revoked(True)).result()
    tidy(many)
    many.close()
    assert left(file) == []


def test_a_kill_in_the_middle_of_forgetting_goes_on_at_the_next_start(many, file, clock):
    clock.run(31 * DAY_S)
    for _ in range(2):
        assert many.run(lambda uow: uow.tidy_members()).result()
    assert not known(many)
    many.close()
    with open_store(file, KEY, clock) as store:
        assert not known(store)
        tidy(store)
        assert not on_disk(store)
    assert left(file) == []


def test_the_log_is_emptied_while_the_till_runs_on(many, file, clock):
    look(many, clock, 31)
    assert many.reader.find_members("王") == ()
    # The store thread empties the log when it is idle; a job would only find it busy for longer.
    log = file.with_name(file.name + "-wal")
    for _ in range(2_000):
        if log.stat().st_size == 0:
            break
        many._worker._thread.join(0.01)
    assert left(file) == []
