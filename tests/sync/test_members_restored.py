"""Three tablets and a cloud that comes back from an older backup in the middle of it all: what any of them
was told is settled stands again, and nobody who was erased comes back.

`GUIDEPOS_INTERLEAVINGS=500` plays that many seeds instead of the quick profile's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa

from app.wire.messages import MembersPage
from cloud.bootstrap import Cloud, open_cloud
from cloud.db.dump import dump, load
from cloud.db.member_tables import member_change
from cloud.db.state import ensure_tenant, timeline
from cloud.services.tokens import DevicePrincipal
from cloud.settings import Settings
from offline_store import members, open_store
from tests.fakes.clock import FakeClock
from tests.store.shop import KEY, do, enrol_answer
from tests.sync.brand import PHONES, BadLine, Brand, Tablet, check

SEEDS = int(os.environ.get("GUIDEPOS_INTERLEAVINGS", "8"))
STEPS = 40

Opened = Callable[[], Cloud]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "cloud")


@pytest.fixture
def opened(settings: Settings) -> Iterator[Opened]:
    clouds: list[Cloud] = []

    def open_it() -> Cloud:
        for old in clouds:
            old.close()
        clouds[:] = [open_cloud(settings)]
        return clouds[0]

    yield open_it
    for cloud in clouds:
        cloud.close()


@pytest.fixture
def brand_of(opened: Opened, tmp_path: Path) -> Iterator[Callable[[int], Brand]]:
    made: list[Tablet] = []

    def of(seed: int) -> Brand:
        cloud, rng = opened(), Random(seed)
        tenant = cloud.db.write(lambda connection: ensure_tenant(connection, cloud.clock()))
        begun = cloud.db.read(timeline)
        for number in range(3):
            who = DevicePrincipal(tenant, f"S{number}", f"d{number}", "A1", b"k" * 32, False)
            file, clock = tmp_path / f"{number}.db", FakeClock()
            store = open_store(file, KEY, clock)
            do(store, "enrol", enrol_answer(timeline=begun), b"k" * 32, "http://cloud")
            made.append(Tablet(file, BadLine(cloud, who, rng), clock, store))
        return Brand(cloud, made, rng)

    yield of
    for tablet in made:
        tablet.store.close()


def restore(brand: Brand, settings: Settings, backup: Path, opened: Opened) -> None:
    """Let the cloud be its backup, and every till notice at its next contact."""
    brand.cloud.close()
    for file in settings.data.glob("*.db*"):
        if file.suffix != ".key":
            file.unlink()
    begun = load(settings, backup)
    brand.cloud = opened()
    for tablet in brand.tablets:
        tablet.line.cloud = brand.cloud
        do(tablet.store, "pin_cloud", begun, ())
        from_the_start = MembersPage(rows=[], cursor="", more=True, server_ms=1)
        do(tablet.store, "apply_members", from_the_start)


def sweep(brand: Brand) -> None:
    """Do what follows a new snapshot: tell whom a tablet knows and the cloud does not name."""
    named = set(brand.rows())
    for tablet in brand.tablets:

        def tell(uow: Any, tablet: Tablet = tablet) -> None:
            known = uow._connection.execute("SELECT member_ref FROM member").fetchall()
            lost = sorted({row[0] for row in known} - named)
            members.tell_lost(uow._connection, lost, tablet.clock.now())

        tablet.store.run(tell).result()


def applied(cloud: Cloud) -> set[str]:
    """Return the ids of the changes that count."""
    change = member_change.c
    query = sa.select(change.change_id).where(change.verdict != "kept", change.field != "erase")
    return cloud.db.read(lambda connection: set(connection.scalars(query)))


def known_erased(brand: Brand) -> set[str]:
    """Return whom some tablet knows to be erased."""
    found: set[str] = set()
    for tablet in brand.tablets:
        rows = tablet.store.run(
            lambda uow: uow._connection.execute(  # type: ignore[attr-defined] # no service asks for it
                "SELECT member_ref FROM member WHERE erased = 1"
            ).fetchall()
        ).result()
        found |= {row[0] for row in rows}
    return found


@pytest.mark.fault(22, "nothing; tills tell again what the backup lacks of members, too")
@pytest.mark.fault(40, "an erasure that tills know is not undone by a restored cloud")
@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_the_backup_lacks_the_tills_bring_back(
    brand_of: Callable[[int], Brand], settings: Settings, opened: Opened, tmp_path: Path, seed: int
) -> None:
    brand = brand_of(seed)
    for _ in range(STEPS):
        brand.step()
    backup = tmp_path / "backup.db"
    dump(settings, backup)
    for _ in range(STEPS):
        brand.step()
    erased = known_erased(brand)
    restore(brand, settings, backup, opened)
    for _ in range(STEPS // 2):
        brand.step()
    brand.heal()
    sweep(brand)
    brand.heal()
    check(brand)
    rows = brand.rows()
    assert {ref for ref in erased if not rows[ref].erased} == set()


def test_everything_settled_since_the_backup_counts_again(
    brand_of: Callable[[int], Brand], settings: Settings, opened: Opened, tmp_path: Path
) -> None:
    brand = brand_of(0)
    for tablet in brand.tablets:
        tablet.line.chance = 0.0
    first, second, _ = brand.tablets
    made = first.members.join("王", PHONES[0]).result()
    brand.heal()
    backup = tmp_path / "backup.db"
    dump(settings, backup)
    known = second.store.reader.member(made.member_ref)
    assert known is not None
    second.change(known, "name", "李")
    first.members.join("赵", PHONES[1]).result()
    second.members.join("赵二", PHONES[1]).result()
    brand.heal()
    before, values = applied(brand.cloud), {r.name: r.phone for r in brand.rows().values()}
    restore(brand, settings, backup, opened)
    assert len(brand.rows()) == 1
    brand.heal()
    brand.heal()
    assert applied(brand.cloud) == before
    assert {row.name: row.phone for row in brand.rows().values()} == values
