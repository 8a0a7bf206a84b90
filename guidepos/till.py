"""A till with everything plugged in, as a value that the window and the commands are given."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.devices.clock import SystemClock
from app.errors import Trouble
from app.ports import SecretKeeper
from app.services.checkout import Checkout
from app.services.giving_back import GivingBack
from app.services.honesty import Conditions
from app.services.members import Members
from app.services.payments import Payments
from app.services.refunds import Refunds
from app.services.session import Session
from app.services.stock import Stock
from app.services.tasks import StoreTasks
from app.settings import Settings
from app.sync.bootstrap import PAUSED
from app.sync.progress import Filling, filling
from offline_store import OfflineStore

if TYPE_CHECKING:
    from app.services.watch import PaymentWatch
    from app.sync.worker import SyncWorker, WorkerStatus


@dataclass(slots=True)
class Online:
    """The threads of a till that talks to a cloud."""

    watch: PaymentWatch
    sync: SyncWorker

    def close(self) -> None:
        """End the live and the sync thread."""
        self.sync.stop(0)  # told first, so that both end at the same time
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
    giving_back: GivingBack
    stock: Stock
    payments: Payments
    tasks: StoreTasks
    network: ThreadPoolExecutor
    devices: ThreadPoolExecutor
    online: Online | None = field(default=None)
    status: WorkerStatus | None = field(default=None)
    _known: Conditions | None = field(default=None)

    def conditions(self) -> Conditions:
        """Return all that decides which operation works now; while the store is too busy to be
        asked, what was known a moment ago."""
        try:
            self._known = self._conditions()
        except Trouble:
            if self._known is None:
                raise
        return self._known

    def _conditions(self) -> Conditions:
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
            second_copy=self.store.second_copy,
            members_expired=reader.members_expired(),
            unreachable=report.trouble.code if report and report.trouble else None,
            revoked=reader.is_revoked(),
        )

    def filling(self) -> Filling | None:
        """Return how far the download of the shop is, None where nothing is downloaded."""
        reader = self.store.reader
        return filling(reader.feeds(), paused=bool(reader.state(PAUSED)))

    def go_offline(self) -> None:
        """Stop talking to the cloud; safe to call twice."""
        if self.online is not None:
            self.online.close()
            self.online = self.status = None

    def close(self) -> None:
        """Stop every thread and close the store; safe to call twice."""
        self.go_offline()
        self.network.shutdown(wait=True, cancel_futures=True)
        self.go_offline()  # the pool may have been connecting just now
        self.devices.shutdown(wait=True, cancel_futures=True)
        self.store.close()
