"""A camera that shows what it is told, on the thread that tells it."""

from __future__ import annotations

from collections.abc import Callable

from app.errors import Code
from app.ports import Frame


class FakeFrameSource:
    """The port `FrameSource`. `trouble` is what the next opening fails with."""

    def __init__(self, trouble: Code | None = None, cameras: int = 1) -> None:
        self.trouble = trouble
        self.count = cameras
        self.opened: list[int] = []
        self._take: Callable[[Frame], None] | None = None
        self._fail: Callable[[Code], None] | None = None

    @property
    def is_open(self) -> bool:
        """Somebody is looking."""
        return self._take is not None

    def cameras(self) -> int:
        return self.count

    def open(
        self, take: Callable[[Frame], None], fail: Callable[[Code], None], which: int = 0
    ) -> None:
        self.opened.append(which)
        self._take, self._fail = take, fail
        if self.trouble is not None:
            self.break_down(self.trouble)

    def close(self) -> None:
        self._take = self._fail = None

    def show(self, frame: Frame) -> None:
        """Let the camera see a frame; a closed one sees nothing."""
        if self._take is not None:
            self._take(frame)

    def break_down(self, trouble: Code) -> None:
        """End the opening with a trouble."""
        fail, self._take, self._fail = self._fail, None, None
        if fail is not None:
            fail(trouble)
