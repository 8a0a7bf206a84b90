"""Tills for the sync tests."""

from __future__ import annotations

import pytest

from tests.sync.till import Till, new_till


@pytest.fixture
def till() -> Till:
    """A till just enrolled at a cloud in memory."""
    return new_till()
