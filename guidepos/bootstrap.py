"""The one composition root: knows all adapters and plugs them into the services.

`open_till` gives everything that works without a network and needs no HTTP library; `Till.go_online` adds
what talks to the cloud, after the first frame is on screen.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.devices.clock import SystemClock
from app.devices.secrets import choose_keeper, load_or_create_key
from app.ports import SecretKeeper
from app.services.checkout import Checkout
from app.services.members import Members
from app.services.refunds import Refunds
from app.services.session import Session
from app.services.stock import Stock
from app.settings import Settings
from offline_store import OfflineStore, open_store

if TYPE_CHECKING:
    from app.services.payments import PaymentNews, Payments
    from app.services.watch import PaymentWatch
    from app.sync.engine import SyncEngine
    from app.sync.worker import SyncWorker

KEY_NAME = "store-key"


def default_home() -> Path:
    """Return the folder a till uses when none is named."""
    import platformdirs

    return Path(platformdirs.user_data_dir("guidepos", appauthor=False))


@dataclass(slots=True)
class Online:
    """What a till has once it talks to a cloud."""

    payments: Payments
    watch: PaymentWatch
    sync: SyncWorker

    def close(self) -> None:
        """End the live and the sync thread."""
        self.watch.stop()
        self.sync.stop()


@dataclass(slots=True)
class Till:
    """A till with everything plugged in."""

    settings: Settings
    store: OfflineStore
    clock: SystemClock
    keeper: SecretKeeper
    session: Session
    checkout: Checkout
    members: Members
    refunds: Refunds
    stock: Stock
    network: ThreadPoolExecutor
    devices: ThreadPoolExecutor
    online: Online | None = field(default=None)

    def engine(self) -> SyncEngine:
        """Return a sync engine for this till's cloud. Raises Trouble(DEVICE_NOT_ENROLLED)."""
        from guidepos.online import sync_engine

        return sync_engine(self)

    def go_online(
        self,
        on_news: Callable[[PaymentNews], None],
        on_status: Callable[[object], None] = lambda status: None,
    ) -> Online | None:
        """Start talking to the cloud, if this till is enrolled with one."""
        from guidepos.online import connect

        if self.online is None:
            self.online = connect(self, on_news, on_status)
        return self.online

    def close(self) -> None:
        """Stop every thread and close the store; safe to call twice."""
        if self.online is not None:
            self.online.close()
            self.online = None
        self.network.shutdown(wait=True, cancel_futures=True)
        self.devices.shutdown(wait=True, cancel_futures=True)
        self.store.close()


def open_till(home: Path | None = None, settings: Settings | None = None) -> Till:
    """Open the till that lives in a folder, making it if it is new.

    Raises Trouble for everything that keeps a store shut: key missing or locked, file damaged or in
    use, disk full.
    """
    folder = home or default_home()
    settings = settings or Settings(home=folder)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keeper = choose_keeper(folder)
    key = load_or_create_key(keeper, store_exists=settings.store_file.exists())
    clock = SystemClock()
    store = open_store(settings.store_file, key, clock)
    return wire(settings, store, clock, keeper)


def wire(settings: Settings, store: OfflineStore, clock: SystemClock, keeper: SecretKeeper) -> Till:
    """Plug services into an open store."""
    return Till(
        settings=settings,
        store=store,
        clock=clock,
        keeper=keeper,
        session=Session(store, clock),
        checkout=Checkout(store, clock, settings.currency),
        members=Members(store, clock),
        refunds=Refunds(store, clock, settings.currency),
        stock=Stock(store, clock),
        network=ThreadPoolExecutor(4, thread_name_prefix="network"),
        devices=ThreadPoolExecutor(1, thread_name_prefix="device"),
    )
