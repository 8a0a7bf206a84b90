"""From the event to the frame that shows its result, in a process that is the till's alone.

    python -m benchmarks.frames HOME STEPS.json [--pay N] [--pictures DIR]

prints milliseconds by kind, where they went, and the most memory the process ever had. With `--pay`
it goes on to payments by QR and a sale in cash. At the end every kind's answer is seen in a picture.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from PySide6.QtCore import QEvent, QObject, Qt, QUrl
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtQml import QQmlComponent
from PySide6.QtQuick import QQuickItem

from benchmarks import memory, paying
from benchmarks.lookups import LookUps
from benchmarks.searches import KINDS, SCANS, Step, quantile
from benchmarks.window import Seen, Watched, open_window

BASE_LINES = 3
"""Lines in the cart before each scan."""
WARM_UP = 40
STALLED_S = 0.06
REST_AFTER_SCAN_MS = 60
"""A customer's next piece is not under the scanner sooner."""
_FLIP = Qt.Key.Key_F12
_VEIL = b"""import QtQuick
Rectangle { property bool flip; z: 50; color: flip ? "#01000000" : "#01FFFFFF" }"""


class Veil(QObject):
    """An almost clear item over the tiles that a key makes change: a frame of a search's size with
    nothing looked up and nothing else new."""

    def __init__(self, watched: Watched, over: QQuickItem) -> None:
        super().__init__(watched.window)
        assert watched.shell.engine is not None
        component = QQmlComponent(watched.shell.engine, self)
        component.setData(_VEIL, QUrl())
        item = component.create()
        assert isinstance(item, QQuickItem), component.errorString()
        self._item = item
        item.setParent(self)
        item.setParentItem(watched.window.contentItem())
        area = over.mapRectToScene(over.boundingRect())
        item.setPosition(area.topLeft())
        item.setSize(area.size())
        self.changes = 0
        watched.window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and event.key() == _FLIP:  # type: ignore[attr-defined]
            self._item.setProperty("flip", not self._item.property("flip"))
            self.changes += 1
            return True
        return False


class Floor:
    """Plays the steps in a window that stands on the sell screen."""

    def __init__(self, watched: Watched, look_ups: LookUps) -> None:
        self._watched, self._look_ups = watched, look_ups
        self._between: Callable[[], object] = _nothing
        """Called between a step's answer and its undoing."""
        self.stalls = 0
        screens = watched.shell.screens
        self._goods, self._cart = screens.goods, screens.checkout
        watched.key(Qt.Key.Key_F2)
        field = QGuiApplication.focusObject()
        assert isinstance(field, QQuickItem)
        self._field = field
        self._grid = _view_of(watched.window.contentItem(), self._goods.property("tiles"))
        self._lines = _view_of(watched.window.contentItem(), self._cart.property("lines"))
        self._veil = Veil(watched, self._grid)
        self._leave_field()

    def fill_cart(self, codes: list[str]) -> None:
        """Scan the lines that lie in the cart before each measured scan."""
        for code in codes:
            self._scanned(code)
        assert self._pieces() == len(codes), self._pieces()

    def play(self, step: Step) -> Seen:
        """Do one step and return what its answer took; leaves everything as it was."""
        if step.kind == "floor":
            return self._flip()
        return self._scan(step) if step.kind in SCANS else self._search(step)

    def picture(self, step: Step) -> tuple[QImage, QImage]:
        """Return the window before and after a step, outside any timing."""
        grab = self._watched.window.grabWindow
        before, after = grab(), []
        self._between = lambda: after.append(grab())
        try:
            self.play(step)
        finally:
            self._between = _nothing
        return before, after[0]

    # --- kinds --------------------------------------------------------------------------------

    def _scan(self, step: Step) -> Seen:
        """A scan while nothing or (`scan_in_search`) the search field has the focus."""
        watched, pieces = self._watched, self._pieces()
        in_search = step.kind == "scan_in_search"
        if in_search:
            watched.key(Qt.Key.Key_F2)
            watched.rest()
        elif self._field.hasActiveFocus():
            self._leave_field()
        assert self._field.hasActiveFocus() == in_search
        due = self._type_code(step.before)

        def shown() -> bool:
            return self._pieces() == pieces + 1 and self._landed_is_drawn()

        seen = self._timed(lambda: watched.key(step.last, due), shown, since=due)
        self._between()
        self._cart.undo()
        watched.rest(REST_AFTER_SCAN_MS)
        assert self._field.property("text") == ""
        assert self._pieces() == pieces
        if in_search:
            self._leave_field()
        return seen

    def _type_code(self, code: str) -> float:
        """Type a code in a scanner's rhythm; return when its Enter is due. Begins again, and counts
        it, when this machine stood still for longer than a scanner may."""
        for _ in range(5):
            due = self._watched.scan(code)
            if time.perf_counter() - due < STALLED_S:
                return due
            self.stalls += 1
            self._watched.key("\b")  # no code goes on after it
            self._field.setProperty("text", "")
            self._watched.rest(REST_AFTER_SCAN_MS)
        raise TimeoutError("this machine is too busy to scan")

    def _search(self, step: Step) -> Seen:
        watched = self._watched
        watched.key(Qt.Key.Key_F2)
        if step.before:
            watched.commit(step.before)
        watched.rest()

        def event() -> None:
            if step.last.isascii():
                watched.key(step.last)
            else:
                watched.commit(step.last)

        seen = self._timed(event, lambda: self._answer_is_drawn(step))
        self._between()
        self._field.setProperty("text", "")
        self._leave_field()
        return seen

    def _flip(self) -> Seen:
        changes = self._veil.changes
        return self._timed(
            lambda: self._watched.key(_FLIP), lambda: self._veil.changes == changes + 1
        )

    def _timed(
        self, event: Callable[[], object], shown: Callable[[], bool], *, since: float | None = None
    ) -> Seen:
        self._look_ups.reset()
        seen = self._watched.until_shown(event, shown, since=since)
        seen.looking_up = self._look_ups.ms
        return seen

    # --- what is drawn ------------------------------------------------------------------------

    def _answer_is_drawn(self, step: Step) -> bool:
        """The view-model answers this very text, and the items in the scene carry its answer."""
        if self._goods.property("text") != step.text:
            return False
        state = self._goods.property("state")
        if step.kind == "miss" or state != "tiles":
            return bool(state == "nothing_found" and self._grid.property("count") == 0)
        first = self._goods.property("tiles").rows[0]["styleNo"]
        tile = _delegate(self._grid, "styleNo", first)
        return tile is not None and tile.x() == tile.y() == 0

    def _landed_is_drawn(self) -> bool:
        """The line the scan landed on stands inside the list, with the piece it counts."""
        selected = self._cart.property("selected")
        row = next(r for r in self._cart.property("lines").rows if r["lineNo"] == selected)
        line = _delegate(self._lines, "lineNo", selected)
        if line is None or line.property("quantity") != row["quantity"]:
            return False
        top = line.mapToItem(self._lines, 0, 0).y()
        return bool(-1 <= top <= self._lines.height() - line.height() + 1)

    def _pieces(self) -> int:
        return int(self._cart.priced.units)

    def _scanned(self, code: str) -> None:
        self._watched.key("\r", self._type_code(code))
        self._watched.rest(60)

    def _leave_field(self) -> None:
        self._watched.key("\x1b")
        self._watched.rest()


def _nothing() -> None:
    """Between a measured answer and its undoing nothing happens."""


def _view_of(root: QQuickItem, model: object) -> QQuickItem:
    """Return the visible view that shows a model."""
    waiting = [root]
    while waiting:
        item = waiting.pop(0)
        if item.inherits("QQuickItemView") and item.isVisible() and item.property("model") is model:
            return item
        waiting.extend(item.childItems())
    raise LookupError("no view shows this model")


def _delegate(view: QQuickItem, role: str, value: object) -> QQuickItem | None:
    """Return the visible delegate of a view in which a required property has this value."""
    content = view.property("contentItem")
    for item in content.childItems():
        if item.isVisible() and item.property(role) == value:
            return item  # type: ignore[no-any-return]
    return None


def measure(
    home: Path, steps: list[Step], payments: int, pictures: Path | None, *, online: bool = True
) -> dict[str, object]:
    """Run everything; return the figures."""
    with open_window(home) as watched:
        watched.sign_in()
        if online:
            watched.online()
        with LookUps() as look_ups:
            floor = Floor(watched, look_ups)
            codes = [step.before for step in steps if step.kind in SCANS]
            floor.fill_cart(codes[:BASE_LINES])
            for step in steps[:WARM_UP]:
                floor.play(step)
            by_kind: dict[str, list[Seen]] = {kind: [] for kind in KINDS}
            for step in steps:
                by_kind[step.kind].append(floor.play(step))
        result: dict[str, object] = {kind: told(seen) for kind, seen in by_kind.items() if seen}
        result["stalls"] = floor.stalls
        if payments:
            result["pay_ms"] = paying.by_qr(watched, payments)
            paying.in_cash(watched)
        result["peak_rss_mb"] = memory.peak_mb()
        if payments:
            paying.next_customer(watched)
            floor.fill_cart(codes[:BASE_LINES])
        _prove(floor, steps, pictures)
    return result


def _prove(floor: Floor, steps: list[Step], pictures: Path | None) -> None:
    """See with our own eyes, once per kind, that the answer changes what is in the window."""
    for kind in KINDS:
        step = next((s for s in steps if s.kind == kind), None)
        if step is None or kind == "floor":
            continue
        before, after = floor.picture(step)
        assert before != after, f"{kind}: the window looks the same"
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            after.save(str(pictures / f"{kind}.png"))


def told(seen: list[Seen]) -> dict[str, float]:
    """Return quantiles and the mean of each part, milliseconds."""
    totals = [each.total for each in seen]
    count = len(seen)
    return {
        "repetitions": count,
        **{f"p{percent}_ms": round(quantile(totals, percent), 2) for percent in (50, 95, 99)},
        "max_ms": round(max(totals), 2),
        "mean_looking_up_ms": round(sum(s.looking_up for s in seen) / count, 2),
        "mean_model_ms": round(sum(s.handling - s.looking_up for s in seen) / count, 2),
        "mean_drawing_ms": round(sum(s.drawing for s in seen) / count, 2),
    }


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("steps", type=Path)
    parser.add_argument("--pay", type=int, default=0)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--offline", action="store_true", help="the till is enrolled nowhere")
    options = parser.parse_args()
    steps = msgspec.json.decode(options.steps.read_bytes(), type=list[Step])
    json.dump(
        measure(options.home, steps, options.pay, options.pictures, online=not options.offline),
        sys.stdout,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
