"""From the start of the till's process to a sell screen one can use, with the PIN typed on the way.

    python -m benchmarks.cold_start HOME NAME PIN

runs `guidepos run` itself; as soon as the sign-in screen's frame is on the screen a face is tapped and
the PIN typed, and the monotonic clock is printed at the first frame that shows the sell screen's tiles.
The parent reads the same clock before it starts the process.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import ROOT

if TYPE_CHECKING:
    from ui.shell import Shell

STARTS = 11


def started(homes: dict[str, Path], starts: int = STARTS) -> dict[str, list[dict[str, float]]]:
    """Start each till so many times, in turn; return the seconds of each start's stages by name.

    The first round only warms the page cache.
    """
    took: dict[str, list[dict[str, float]]] = {name: [] for name in homes}
    for round_ in range(starts + 1):
        for name, home in homes.items():
            stages = _once(home)
            if round_:
                took[name].append(stages)
    return took


def medians(starts: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of each stage, seconds."""
    return {
        stage: round(statistics.median(each[stage] for each in starts), 3) for stage in starts[0]
    }


def _once(home: Path) -> dict[str, float]:
    from resources.demo.shop import demo_shop  # the till's process does not need it

    guide = next(p for p in demo_shop(members=0).people if p.role == "guide")
    before = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.cold_start", str(home), guide.name, guide.pin],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_QUICK_BACKEND": "software"},
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    )
    return {stage: at - before for stage, at in json.loads(done.stdout).items()}


# --- the till's process -----------------------------------------------------------------------------


class _Guide:
    """Signs in as fast as the screen allows and notes when it could."""

    def __init__(self, shell: Shell, name: str, pin: str, stages: dict[str, float]) -> None:
        from PySide6.QtCore import QTimer

        self._shell, self._name, self._pin, self._stages = shell, name, pin, stages
        self._later = QTimer.singleShot
        assert shell.window is not None
        self._window = shell.window
        self._window.frameSwapped.connect(self._look)

    def _look(self) -> None:
        now, screens = time.monotonic(), self._shell.screens
        if "sign_in" not in self._stages:
            self._stages["sign_in"] = now
            self._later(0, self._sign_in)
        elif "sell" not in self._stages and self._shell.root.property("place") == "sell":
            assert screens.goods.property("state") == "tiles"
            assert screens.goods.property("tiles").rowCount() > 0
            self._stages["sell"] = now
            self._later(0, self._leave)

    def _sign_in(self) -> None:
        from benchmarks.events import press, tap
        from ui.hand import Hand

        face = Hand(self._window).find(self._name)
        assert face is not None, f"{self._name} is not on the sign-in screen"
        tap(self._window, face)
        for key in (*self._pin, "\r"):
            press(self._window, key, time.perf_counter())

    def _leave(self) -> None:
        from PySide6.QtGui import QGuiApplication

        QGuiApplication.quit()


def _child(home: str, name: str, pin: str) -> dict[str, float]:
    """Be the till's process; return when each stage was reached, on the monotonic clock."""
    stages = {"python": time.monotonic()}
    from guidepos.__main__ import main
    from ui import shell as shells

    show = shells.Shell.show
    held: list[_Guide] = []

    def shown(shell: Shell, **options: Any) -> Any:
        stages["loaded"] = time.monotonic()
        window = show(shell, **options)
        held.append(_Guide(shell, name, pin, stages))
        return window

    shells.Shell.show = shown  # type: ignore[assignment, method-assign]
    assert main(["run", "--home", home]) == 0
    return stages


if __name__ == "__main__":
    print(json.dumps(_child(*sys.argv[1:])))
