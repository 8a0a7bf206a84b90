"""The demo shop as a folder: a cloud with invented goods and people, and a till enrolled with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.settings import Settings
from guidepos.bootstrap import open_till
from guidepos.embedded_cloud import EmbeddedCloud, embedded_cloud
from guidepos.till import Till
from resources.demo.shop import demo_shop

GUIDE = "1001"
"""Who sells in the story of the demo."""

PIN = GUIDE


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo: its cloud and its till."""

    cloud: EmbeddedCloud
    till: Till


@contextlib.contextmanager
def demo(
    home: Path,
    *,
    host: str = "127.0.0.1",
    public_url: str = "",
    language: str = "zh_CN",
    theme: str = "light",
) -> Iterator[Demo]:
    """Open the demo in a folder; the first time its goods are loaded and the till is enrolled."""
    loaded = home / "cloud" / "demo-loaded"  # written last: a first start may be cut short
    with embedded_cloud(home / "cloud", host=host, public_url=public_url) as cloud:
        if not loaded.exists():
            cloud.load_demo()
            loaded.touch()
        settings = Settings(home=home / "till", cloud_url=cloud.url, language=language, theme=theme)
        till = open_till(settings.home, settings)
        try:
            enrol_with(till, cloud)
            yield Demo(cloud, till)
        finally:
            till.close()


def enrol_with(till: Till, cloud: EmbeddedCloud) -> None:
    """Enrol a new till with the demo's cloud and bring its goods in."""
    from guidepos.online import enrol_till, sync_engine

    if till.store.reader.identity().enrolled:
        return
    enrol_till(till, cloud.url, cloud.enrol_code(demo_shop(members=0).stores[0].store))
    report = sync_engine(till).run()
    if report.trouble is not None:
        raise report.trouble
