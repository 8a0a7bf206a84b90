"""A store on a real file, closed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from offline_store import OfflineStore, open_store
from tests.fakes.clock import FakeClock
from tests.store.shop import KEY, do, enrol_answer

Opener = Callable[[], OfflineStore]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "till.db"


@pytest.fixture
def opened(file: Path) -> Iterator[Opener]:
    """Open the test's file; whatever is still open at the end is closed."""
    stores: list[OfflineStore] = []

    def open_one() -> OfflineStore:
        stores.append(open_store(file, KEY, FakeClock()))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Opener) -> OfflineStore:
    return opened()


@pytest.fixture
def enrolled(store: OfflineStore) -> OfflineStore:
    """A store that is a cloud's device, with nothing recorded."""
    do(store, "enrol", enrol_answer(), b"k" * 32, "http://cloud")
    return store
