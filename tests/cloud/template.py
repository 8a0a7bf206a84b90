"""What many tests would make anew and alike, made once per process: an embedded database that is migrated,
and the keys of the make-believe providers.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from cloud.bootstrap import Cloud, open_cloud, wall_clock
from cloud.db.engine import open_database
from cloud.db.schema import migrate
from cloud.fakes.furnish import Furnished, furnish
from cloud.settings import Settings


def fresh_cloud(settings: Settings, *, clock: Callable[[], int] = wall_clock) -> Cloud:
    """Open a cloud that is not there yet, as `open_cloud` does but with a copy of the template where it would
    make its embedded file: empty, migrated, with no tenant. All its other keys are its own.

    The file's key is the template's. Whoever tests the making of a file or of its key calls `open_cloud`.
    """
    if not settings.db_url:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file in _migrated().iterdir():
            assert not (settings.data / file.name).exists(), "that cloud is there already"
            shutil.copy(file, settings.data)
    return open_cloud(settings, clock=clock)


@cache
def furnished() -> Furnished:
    """Return the keys of a shop and its make-believe providers."""
    return furnish()


@cache
def _migrated() -> Path:
    data = Path(tempfile.mkdtemp(prefix="gp-cloud-"))
    atexit.register(shutil.rmtree, data)
    db = open_database(Settings(data=data))
    migrate(db)
    db.close()
    return data
