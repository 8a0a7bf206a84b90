"""A cloud as its own process, tills as folders, commands as a person types them; and the demo shop
with its window and its customers' phones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication

from guidepos.bootstrap import open_till
from guidepos.demo_home import enrol_with
from guidepos.embedded_cloud import EmbeddedCloud, embedded_cloud
from guidepos.till import Till
from tests.browser.conftest import CHROMIUM
from tests.e2e.books import Books
from tests.e2e.counter import Counter
from tests.e2e.phones import Phone, Phones


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    """An empty cloud on loopback."""
    with embedded_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


# --- the demo shop with a window and phones -------------------------------------------------------


@pytest.fixture(scope="session")
def demo_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    """A cloud with the demo shop in it."""
    with embedded_cloud(tmp_path_factory.mktemp("demo-cloud")) as running:
        running.load_demo()
        yield running


@pytest.fixture(scope="session")
def shop_till(
    tmp_path_factory: pytest.TempPathFactory, demo_cloud: EmbeddedCloud
) -> Iterator[Till]:
    """A till of the demo shop that many tests share; each of them has a window of its own."""
    till = open_till(tmp_path_factory.mktemp("shop-till"))
    enrol_with(till, demo_cloud)
    yield till
    till.close()


@pytest.fixture
def fresh_home(tmp_path: Path, demo_cloud: EmbeddedCloud) -> Path:
    """The folder of a till that was enrolled a moment ago and has sold nothing."""
    till = open_till(tmp_path / "till")
    enrol_with(till, demo_cloud)
    till.close()
    return till.settings.home


@pytest.fixture
def counter(shop_till: Till, qapp: QGuiApplication) -> Iterator[Counter]:
    """The window of the shared till, signed in; silent to its end."""
    counter = Counter(shop_till)
    counter.clear()
    counter.open()
    counter.sign_in()
    yield counter
    counter.close()


@pytest.fixture
def books(demo_cloud: EmbeddedCloud, shop_till: Till) -> Books:
    """The cloud's books."""
    return Books(demo_cloud, shop_till)


@pytest.fixture(scope="session")
def phones(qapp: QGuiApplication) -> Iterator[Phones]:
    """A Chromium for all customers."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    phones = Phones()
    phones.start()
    yield phones
    phones.close()


@pytest.fixture
def open_phone(phones: Phones) -> Iterator[Callable[[], Phone]]:
    """Opens customers' phones; none may complain."""
    opened: list[Phone] = []
    phones.complaints.clear()

    def open_one() -> Phone:
        opened.append(phones.open())
        return opened[-1]

    yield open_one
    for phone in opened:
        phone.put_away()
    assert phones.complaints == []


@pytest.fixture
def phone(open_phone: Callable[[], Phone]) -> Phone:
    """One customer's phone."""
    return open_phone()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give a story with a real window, a real browser and a real server a second and third try.

    On a machine that is busy with something else a key or a frame may be later than any person's; a
    story that fails three times is broken. Reruns are counted in the summary.
    """
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=2))
