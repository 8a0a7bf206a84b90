"""A clock that stands still until it is told to move."""

from __future__ import annotations

from app.domain.times import Moment, TimeQuality

NOON = 1_760_000_400_000
"""2025-10-09 17:00 in the shop, Unix ms."""


class FakeClock:
    """The port `Clock`. `advance` moves all its hands, `set_wall` only the one on the wall."""

    def __init__(self, wall_ms: int = NOON, boot_id: str = "boot-1") -> None:
        self.wall_ms = wall_ms
        self.mono_ms = 1_000
        self.boot_id = boot_id
        self.server_at_start: int | None = None
        self.anchors: list[int] = []

    def now(self) -> Moment:
        if self.server_at_start is None:
            return Moment(self.wall_ms, self.mono_ms, self.boot_id, self.wall_ms, TimeQuality.WALL)
        server_ms = self.server_at_start + self.mono_ms
        return Moment(self.wall_ms, self.mono_ms, self.boot_id, server_ms, TimeQuality.ANCHORED)

    def worked(self) -> float:
        return self.monotonic()  # nobody else takes any time

    def monotonic(self) -> float:
        return self.mono_ms / 1_000

    def anchor(self, server_ms: int) -> None:
        self.anchors.append(server_ms)
        self.server_at_start = server_ms - self.mono_ms

    def advance(self, seconds: float) -> None:
        self.wall_ms += round(seconds * 1_000)
        self.mono_ms += round(seconds * 1_000)

    def set_wall(self, wall_ms: int) -> None:
        self.wall_ms = wall_ms
