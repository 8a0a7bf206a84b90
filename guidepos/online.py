"""What a till has only once it talks to a cloud. Loaded after the first frame: it brings HTTP."""

from __future__ import annotations

import platform
from collections.abc import Callable

from app.devices.secrets import STORE_KEY
from app.errors import Code, Trouble
from app.ports import Identity
from app.remote.cloud import EnrolledCloud
from app.remote.enrolment import CloudEnrolment
from app.remote.live import CloudLive
from app.remote.sync import CloudSync
from app.services.giving_back import BackNews
from app.services.payments import PaymentNews
from app.services.refund_watch import RefundWatch
from app.services.watch import PaymentWatch
from app.sync.engine import SyncEngine
from app.sync.enrol import TillDescription, enrol
from app.sync.worker import Phase, SyncWorker, WorkerStatus
from guidepos import VERSION
from guidepos.cloud_link import enrolled_cloud
from guidepos.till import Online, Till
from guidepos.timekeeping import keep_anchor


def enrol_till(till: Till, cloud_url: str, code: str) -> Identity:
    """Make a till a device of a cloud, with a one-time code."""
    key = till.keeper.read(STORE_KEY)
    if key is None:
        raise Trouble(Code.STORE_KEY_MISSING)
    description = TillDescription(platform.platform(), VERSION, till.keeper.protection)
    return enrol(
        till.store,
        CloudEnrolment(cloud_url),
        code=code,
        store_key=key,
        cloud_url=cloud_url.rstrip("/"),
        till=description,
    )


def sync_engine(till: Till, cloud: EnrolledCloud | None = None) -> SyncEngine:
    """Return a sync engine of the till."""
    transport = CloudSync(cloud or enrolled_cloud(till.store, till.clock))
    return SyncEngine(till.store, transport, till.clock, app_version=VERSION, snapshots=True)


def go_online(
    till: Till,
    on_news: Callable[[PaymentNews], None],
    on_status: Callable[[WorkerStatus], None] = lambda status: None,
    on_back: Callable[[BackNews], None] = lambda news: None,
) -> Online | None:
    """Start the sync, live and payment-watch threads; None for a till that is not enrolled.

    `on_news`, `on_status` and `on_back` (how refunds stand) are called on those threads. A till that is
    online already stays as it is.
    """
    if till.online is not None or not till.store.reader.identity().enrolled:
        return till.online

    def published(status: WorkerStatus) -> None:
        till.status = status
        if status.phase is Phase.RESTING and status.report and status.report.said_hello:
            keep_anchor(till.clock, till.store)
        on_status(status)

    cloud = enrolled_cloud(till.store, till.clock)
    sync = SyncWorker(sync_engine(till, cloud), till.clock, published)
    watch = PaymentWatch(
        till.store,
        till.payments,
        CloudLive(cloud),
        on_news,
        sync.tell,
        on_turn=sync.hurry,
        refunds=RefundWatch(till.giving_back, on_back),
    )
    till.online = Online(watch, sync)
    sync.start()
    watch.start()
    return till.online


def reach(till: Till) -> int:
    """Return how many milliseconds our cloud takes to prove itself to this till. Raises Trouble."""
    transport = CloudSync(enrolled_cloud(till.store, till.clock))
    started = till.clock.monotonic()
    transport.pull("config", "", 1)
    return round((till.clock.monotonic() - started) * 1000)
