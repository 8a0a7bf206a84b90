"""A shop whose cloud has accounts at both make-believe providers, over real sockets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from cloud.fakes.faults import Letter
from cloud.fakes.serve import Providers, serving
from cloud.gateways.base import Charge
from cloud.gateways.numbers import order_number
from cloud.services.attempts import Attempt
from cloud.settings import Settings
from tests.cloud.paying import Shop, Shown, open_shop
from tests.cloud.template import fresh_cloud, furnished


@dataclass
class World:
    """A shop, its till's order, and both providers."""

    shop: Shop
    providers: Providers
    shown: Shown = field(init=False)

    def __post_init__(self) -> None:
        self.shown = self.shop.till().show(self.shop.client)

    @property
    def number(self) -> str:
        return order_number(self.shown.key)

    def start(self, provider: str) -> str:
        """The customer chooses a wallet on our page."""
        return self.shop.desk.payments.start(self.shown.key, self._charge, provider).url

    def _charge(self, attempt: Attempt) -> Charge:
        return Charge(
            attempt.key, "墨岚", attempt.amount, attempt.currency, attempt.expires_ms, "/o/x"
        )

    def deliver(self, letter: Letter) -> httpx.Response:
        """Bring a letter to wherever it is addressed."""
        path = urlsplit(letter.url).path
        return self.shop.client.post(path, content=letter.body, headers=dict(letter.headers))

    @property
    def state(self) -> tuple[str, int, list[str]]:
        view = self.shown.view()
        return view.state, view.received, view.anomalies


@contextmanager
def open_world(
    data: Path, clock: Callable[[], int], *, without: str = "", db_url: str = ""
) -> Iterator[World]:
    """Serve the shop and its providers; `without` leaves one account out."""
    made = furnished()
    with serving(lambda base: made.providers(base, clock)) as (base, providers):
        providers.deliver = False  # letters are brought by hand, in the order a test wants
        settings = Settings(data=data, db_url=db_url, public_url="http://shop.example")
        made.write(settings.accounts, base)
        (settings.accounts / f"{without}.toml").unlink(missing_ok=True)
        cloud = fresh_cloud(settings, clock=clock)
        try:
            with open_shop(cloud) as shop:
                yield World(shop, providers)
        finally:
            cloud.close()
