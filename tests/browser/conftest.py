"""A running shop and a Chromium that is a customer's phone, with scripts and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from cloud.bootstrap import wall_clock
from cloud.settings import Settings
from tests.cloud.paying import Shop, Till, open_shop
from tests.cloud.template import fresh_cloud

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
VIEWPORT = {"width": 390, "height": 844}

OpenPhone = Callable[..., Page]


class Clock:
    """The cloud's clock, which a test may move."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def __call__(self) -> int:
        return wall_clock() + self.ahead_ms


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs a browser, which may be too late once on a busy machine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser itself; gone after each file, since its event loop runs on the tests' own thread."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def clock() -> Clock:
    """The cloud's clock."""
    return Clock()


@pytest.fixture
def shop(tmp_path: Path, clock: Clock) -> Iterator[Shop]:
    """A running cloud."""
    with open_shop(fresh_cloud(Settings(data=tmp_path / "cloud"), clock=clock)) as opened:
        yield opened


@pytest.fixture
def till(shop: Shop) -> Till:
    """A till of the shop."""
    return shop.till()


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def scripts(request: pytest.FixtureRequest) -> bool:
    """Whether the phone runs scripts."""
    return bool(request.param)


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about; empty but for the statuses of refusals."""
    return []


@pytest.fixture
def open_phone(chromium: Browser, shop: Shop, complaints: list[str]) -> Iterator[OpenPhone]:
    """Opens phones: each has cookies of its own."""

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "the server responded with" not in message.text:
            complaints.append(message.text)

    with ExitStack() as stack:

        def open_one(*, scripts: bool = True, locale: str = "en-GB", scheme: str = "light") -> Page:
            context = chromium.new_context(
                base_url=shop.base,
                viewport=VIEWPORT,  # type: ignore[arg-type]
                device_scale_factor=2,
                is_mobile=True,
                has_touch=True,
                java_script_enabled=scripts,
                locale=locale,
                color_scheme=scheme,  # type: ignore[arg-type]
            )
            stack.callback(context.close)
            page = context.new_page()
            page.on("console", hear)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            return page

        yield open_one
    assert complaints == []
