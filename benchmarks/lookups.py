"""How long the store's look-ups take, noted from outside while frames are measured."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from offline_store.reader import StoreReader

_LOOK_UPS = ("find_code", "sku", "style_cards", "categories", "member")


class LookUps:
    """For the length of a block, adds up the milliseconds spent in look-ups; costs one microsecond
    each."""

    def __init__(self) -> None:
        self.ms = 0.0
        self._before: dict[str, Callable[..., Any]] = {}

    def reset(self) -> None:
        """Begin again at nought."""
        self.ms = 0.0

    def __enter__(self) -> LookUps:
        for name in _LOOK_UPS:
            self._before[name] = getattr(StoreReader, name)
            setattr(StoreReader, name, self._noted(self._before[name]))
        return self

    def __exit__(self, *exc: object) -> None:
        for name, method in self._before.items():
            setattr(StoreReader, name, method)

    def _noted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(method)
        def noted(*args: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return method(*args, **named)
            finally:
                self.ms += (time.perf_counter() - started) * 1e3

        return noted
