"""One run of the disk's torture: play a scene on a failing disk, then look at the books.

Runs on the layer of shim.c. Each function does its work in a copy of the process, so that runs do
not know of each other.
"""

from __future__ import annotations

import errno
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.errors import Trouble
from tests.torture.bench import Bench
from tests.torture.books import Expected, Findings, inspect
from tests.torture.counter import Program, Stand, World, basket, play, sell_for_cash, stock_shelves
from tests.torture.disk.platter import Platter, read_log
from tests.torture.disk.shim import Action, Disk, Kind
from tests.torture.processes import Line, in_copy
from tests.torture.scenes import SCENES


@dataclass(frozen=True, slots=True)
class Fault:
    """What the disk does: from or at the `at`-th call of `kinds` after a scene began."""

    name: str
    kinds: Kind
    action: Action
    error: int = errno.EIO
    lasting: bool = False


FAULTS = (
    Fault("write error", Kind.WRITE, Action.FAIL),
    Fault("write errors from then on", Kind.WRITE | Kind.RESIZE, Action.FAIL, lasting=True),
    Fault("sync error", Kind.SYNC, Action.FAIL),
    Fault("short write", Kind.WRITE, Action.SHORT),
    Fault("disk full", Kind.WRITE, Action.SHORT, errno.ENOSPC, lasting=True),
    Fault("disk full once", Kind.WRITE, Action.FAIL, errno.ENOSPC),
    Fault("no new file, name or removal", Kind.NAME, Action.FAIL),
)
POWER_CUT = Fault("power cut", Kind.ANY, Action.KILL)


def calls_of(bench: Bench, scene: str, kinds: Kind) -> int:
    """Return how many calls of these kinds a scene makes."""

    def run() -> int:
        with bench.till_for(scene) as (home, world):
            disk = Disk()
            ended = play(
                _counting(SCENES[scene].play, disk, kinds),
                lambda line: _watched(home, line, scene, lambda: disk.count(kinds)),
                world,
            )
            ended.last("played")
            return int(ended.last("counted"))

    return int(in_copy(run))


def _counting(scene: Callable[[Stand], None], disk: Disk, kinds: Kind) -> Callable[[Stand], None]:
    def play_and_count(stand: Stand) -> None:
        scene(stand)
        stand.close()
        stand.line.tell("counted", disk.counted)

    return play_and_count


def _watched(
    home: Path,
    line: Line,
    scene: str,
    arm: Callable[[], None],
    log: Path | None = None,
    program: Program | None = None,
) -> Stand:
    Disk().watch(home, log)
    return Stand(home, line, arm=arm, program=program or SCENES[scene].program)


def cut_power(
    bench: Bench,
    scene: str,
    at: int,
    seeds: tuple[int, ...] = (),
    program: Program | None = None,
) -> list[Findings]:
    """Cut the power at a call; look at what surely survives, and at one chance survivor per seed.

    `program` changes the till's program before it starts, for mutations.
    """

    def run() -> list[Findings]:
        with bench.till_for(scene) as (home, world):
            log = bench.folder / "calls"
            platter, disk = Platter(home), Disk()
            ended = play(
                SCENES[scene].play,
                lambda line: _watched(
                    home, line, scene, lambda: _arm(disk, POWER_CUT, at), log, program
                ),
                world,
            )
            if not ended.killed:
                ended.last("played")
            platter.play(read_log(log))
            log.unlink()
            expected = Expected.of(ended)
            return [
                _survivor(platter, home, world, scene, expected, seed) for seed in (None, *seeds)
            ]

    found: list[Findings] = in_copy(run)
    return found


def _survivor(
    platter: Platter, home: Path, world: World, scene: str, expected: Expected, seed: int | None
) -> Findings:
    platter.rewrite(home, None if seed is None else random.Random(seed))
    return _looked_at(home, world, scene, expected)


def _looked_at(home: Path, world: World, scene: str, expected: Expected) -> Findings:
    def stand(line: Line) -> Stand:
        return Stand(home, line, program=SCENES[scene].program)

    found: Findings = in_copy(lambda: inspect(stand, world, expected))
    return found


def _arm(disk: Disk, fault: Fault, at: int) -> None:
    disk.arm(fault.kinds, at, fault.action, error=fault.error, lasting=fault.lasting)


def fail(bench: Bench, scene: str, fault: Fault, at: int) -> list[Findings]:
    """Let the disk fail at a call. The scene may end in Trouble; when the disk is well again, the same
    till sells on. Then look at the books, and at what a power cut right after would have left."""

    def run() -> list[Findings]:
        with bench.till_for(scene) as (home, world):
            log = bench.folder / "calls"
            platter, disk = Platter(home), Disk()
            ended = play(
                lambda stand: _play_through(stand, scene, disk),
                lambda line: _watched(home, line, scene, lambda: _arm(disk, fault, at), log),
                world,
            )
            platter.play(read_log(log))
            log.unlink()
            expected, findings = Expected.of(ended), Findings()
            for trouble in ended.all("went wrong"):
                findings.add("stuck", trouble)
            for error in ended.all("error"):
                findings.add("stuck", error[-600:])
            after = _looked_at(home, world, scene, expected)
            cut = _survivor(platter, home, world, scene, expected, None)
            after.wrong += findings.wrong
            return [after, cut]

    found: list[Findings] = in_copy(run)
    return found


def _play_through(stand: Stand, scene: str, disk: Disk) -> None:
    """Play a scene that may end in Trouble, then sell once more with the till that is open."""
    try:
        SCENES[scene].play(stand)
    except Trouble as trouble:
        stand.line.tell("trouble", str(trouble.code))
    disk.count()
    till = stand.till
    if till is None:
        return  # it did not even open; the next look opens it again
    try:
        if not till.store.reader.people():
            till.store.run(stock_shelves).result(60)
        stand.promise(sell_for_cash(till, basket(till, 2)))
    except Exception as error:
        stand.line.tell("went wrong", f"no sale when the disk is well again: {error!r}")
    stand.close()
