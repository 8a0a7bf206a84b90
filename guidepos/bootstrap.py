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
from app.services.honesty import Conditions
from app.services.members import Members
from app.services.payments import PaymentNews, Payments
from app.services.refunds import Refunds
from app.services.session import Session
from app.services.stock import Stock
from app.settings import Settings
from guidepos.late_gateway import LateGateway
from offline_store import OfflineStore, open_store

if TYPE_CHECKING:
    from app.services.watch import PaymentWatch
    from app.sync.engine import SyncEngine
    from app.sync.worker import SyncWorker, WorkerStatus


def default_home() -> Path:
    """Return the folder a till uses when none is named."""
    import platformdirs

    return Path(platformdirs.user_data_dir("guidepos", appauthor=False))


@dataclass(slots=True)
class Online:
    """The threads of a till that talks to a cloud."""

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
    payments: Payments
    network: ThreadPoolExecutor
    devices: ThreadPoolExecutor
    online: Online | None = field(default=None)
    status: WorkerStatus | None = field(default=None)

    def conditions(self) -> Conditions:
        """Return all that decides which operation works now."""
        reader = self.store.reader
        report = self.status.report if self.status else None
        live = self.online is not None and self.online.watch.is_live
        return Conditions(
            enrolled=reader.identity().enrolled,
            reachable=live or (report is not None and report.trouble is None),
            drain_only=self.store.drain_only,
            sync=reader.sync_status(),
            open_payments=len(reader.open_attempts()),
            now=self.clock.now(),
        )

    def engine(self) -> SyncEngine:
        """Return a sync engine for this till's cloud. Raises Trouble(DEVICE_NOT_ENROLLED)."""
        from guidepos.online import sync_engine

        return sync_engine(self)

    def go_online(
        self,
        on_news: Callable[[PaymentNews], None],
        on_status: Callable[[WorkerStatus], None] = lambda status: None,
    ) -> Online | None:
        """Start talking to the cloud; None for a till that is not enrolled with one."""
        if self.online is None and self.store.reader.identity().enrolled:
            from guidepos.online import connect

            def published(status: WorkerStatus) -> None:
                self.status = status
                on_status(status)

            self.online = connect(self, on_news, published)
        return self.online

    def go_offline(self) -> None:
        """Stop talking to the cloud; safe to call twice."""
        if self.online is not None:
            self.online.close()
            self.online = self.status = None

    def close(self) -> None:
        """Stop every thread and close the store; safe to call twice."""
        self.go_offline()
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
    network = ThreadPoolExecutor(4, thread_name_prefix="network")
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
        payments=Payments(store, LateGateway(store, clock), clock, network),
        network=network,
        devices=ThreadPoolExecutor(1, thread_name_prefix="device"),
    )
