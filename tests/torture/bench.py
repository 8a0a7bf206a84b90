"""The place where runs are made: a furnished till to copy, and the world it was furnished in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from app.domain.ids import new_id
from offline_store.migrations import steps
from tests.torture.counter import World, copy_of, furnish
from tests.torture.processes import in_copy
from tests.torture.scenes import SCENES


@dataclass(frozen=True, slots=True)
class Bench:
    """A furnished till in `home`, and `world`, which a run changes only in a copy of the process."""

    folder: Path
    home: Path
    world: World

    @contextmanager
    def till_for(self, scene: str) -> Iterator[tuple[Path, World]]:
        """Yield the folder and the world in which a scene begins; the folder goes away afterwards."""
        if SCENES[scene].on_empty_home:
            home, world = self.folder / new_id(), World()
        else:
            home, world = copy_of(self.home, self.folder), self.world
            in_copy(lambda: SCENES[scene].prepare(home))
        try:
            yield home, world
        finally:
            shutil.rmtree(home, ignore_errors=True)


@contextmanager
def open_bench() -> Iterator[Bench]:
    """Furnish a till in a temporary folder, in memory where the system has such a folder."""
    steps()  # loads sqlite-utils here, once, and not in every child
    memory = Path("/dev/shm")
    with TemporaryDirectory(prefix="till-", dir=memory if memory.is_dir() else None) as folder:
        home, world = Path(folder) / "furnished", World()
        furnish(home, world)
        yield Bench(Path(folder), home, world)
