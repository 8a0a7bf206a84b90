"""Tills to measure: copies of a shop's template, enrolled with an embedded cloud that runs as its own
process and holds the demo shop, whose goods are the first ones of every template."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ROOT
from benchmarks.shops import MEMBERS, copied, template
from guidepos.bootstrap import open_till
from guidepos.embedded_cloud import EmbeddedCloud, embedded_cloud
from guidepos.online import enrol_till, sync_engine
from resources.demo.shop import demo_shop


@dataclass(frozen=True, slots=True)
class Floor:
    """Where one run of the benchmark keeps its tills: templates in `folder`, its own in `run`."""

    folder: Path
    run: Path
    cloud: EmbeddedCloud

    def enrolled(self, name: str, skus: int, members: int = MEMBERS) -> Path:
        """Return the home of a fresh till, enrolled and in step with the cloud."""
        home = copied(template(skus, members, self.folder), self.run / name)
        till = open_till(home)
        try:
            enrol_till(till, self.cloud.url, self.cloud.enrol_code(_own_store()))
            report = sync_engine(till).run()
            if report.trouble is not None:
                raise report.trouble
        finally:
            till.close()
        return home

    @contextlib.contextmanager
    def beside(self, data: Path) -> Iterator[Floor]:
        """Run another cloud on loopback, with the demo shop, for the length of a block."""
        with embedded_cloud(data) as cloud:
            cloud.load_demo()
            yield Floor(self.folder, self.run, cloud)


@contextlib.contextmanager
def floor(folder: Path) -> Iterator[Floor]:
    """Run a cloud on loopback for the length of a block; what the tills did is thrown away after it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="run-", dir=folder) as run,
        embedded_cloud(Path(run) / "cloud") as cloud,
    ):
        cloud.load_demo()
        yield Floor(folder, Path(run), cloud)


def _own_store() -> str:
    return demo_shop(members=0).stores[0].store


def run_python(module: str, arguments: Sequence[str], timeout: float = 600) -> str:
    """Run a module in its own interpreter and return what it printed; its complaints are shown."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_QUICK_BACKEND": "software"},
        stdout=subprocess.PIPE,
        text=True,
        timeout=timeout,
        check=True,
    )
    return done.stdout
