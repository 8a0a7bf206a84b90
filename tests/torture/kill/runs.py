"""One run of the killing: play a scene until the process dies at a step, then look at the books."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from tests.torture.bench import Bench
from tests.torture.books import Expected, Findings, inspect
from tests.torture.counter import Program, Stand, World, as_it_is, play
from tests.torture.disk.shim import Action, Disk, Kind
from tests.torture.kill.steps import Steps
from tests.torture.processes import Ended, Line, in_copy
from tests.torture.scenes import SCENES, day

_DAY_STEPS = 900
"""A till's day is killed within so many steps, or goes well."""


def steps_of(bench: Bench, scene: str, mutation: Program = as_it_is) -> list[str]:
    """Return the names of a scene's steps in order. `mutation` changes the till's program."""

    def run() -> list[str]:
        with bench.till_for(scene) as (home, world):
            steps = Steps()

            def to_the_end(stand: Stand) -> None:
                SCENES[scene].play(stand)
                stand.line.tell("steps", steps.names)

            ended = play(to_the_end, _watched(home, scene, steps, mutation), world)
            names: list[str] = ended.last("steps")
            return names

    found: list[str] = in_copy(run)
    return found


def kill_at_step(bench: Bench, scene: str, at: int, mutation: Program = as_it_is) -> Findings:
    """Kill the till at a named step of a scene, then look at the books."""

    def run() -> Findings:
        with bench.till_for(scene) as (home, world):
            steps = Steps(at)
            ended = play(SCENES[scene].play, _watched(home, scene, steps, mutation), world)
            return _after(ended, home, world, scene)

    found: Findings = in_copy(run)
    return found


def kill_at_call(bench: Bench, scene: str, at: int) -> Findings:
    """Kill the till at a call of the disk, between two statements or inside one."""

    def run() -> Findings:
        with bench.till_for(scene) as (home, world):
            disk = Disk()

            def stand(line: Line) -> Stand:
                disk.watch(home)
                return Stand(
                    home,
                    line,
                    arm=lambda: disk.arm(Kind.ANY, at, Action.KILL),
                    program=SCENES[scene].program,
                )

            return _after(play(SCENES[scene].play, stand, world), home, world, scene)

    found: Findings = in_copy(run)
    return found


def live(bench: Bench, seed: int, kills: int) -> Findings:
    """Let one till work, be killed at a random step, be started again, and so on; then look."""

    def run() -> Findings:
        chance = random.Random(seed)
        with bench.till_for("cash sale") as (home, world):
            whole = Ended()
            for _ in range(kills):
                steps = Steps(chance.randint(1, _DAY_STEPS))
                todo = random.Random(chance.random())
                ended = play(
                    lambda stand, todo=todo: day(stand, todo),  # type: ignore[misc]
                    _watched(home, "cash sale", steps),
                    world,
                )
                whole.told += ended.told
                whole.hung |= ended.hung
            whole.killed = True
            return _after(whole, home, world, "cash sale")

    found: Findings = in_copy(run)
    return found


def _watched(
    home: Path, scene: str, steps: Steps, mutation: Program = as_it_is
) -> Callable[[Line], Stand]:
    def program() -> None:
        SCENES[scene].program()
        mutation()
        steps.install()

    return lambda line: Stand(home, line, arm=steps.arm, step=steps, program=program)


def _after(ended: Ended, home: Path, world: World, scene: str) -> Findings:
    """Look at the books of a till that ended as it did."""

    def stand(line: Line) -> Stand:
        return Stand(home, line, program=SCENES[scene].program)

    findings = inspect(stand, world, Expected.of(ended))
    for error in ended.all("error"):
        findings.add("stuck", error[-600:])
    if ended.hung:
        findings.add("stuck", "the till hung")
    return findings
