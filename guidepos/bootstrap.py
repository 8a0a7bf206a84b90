"""The one composition root: knows all adapters and plugs them into the services.

`open_till` gives everything that works without a network and needs no HTTP library; `online.go_online`
adds what talks to the cloud, after the first frame is on screen.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.devices.clock import SystemClock
from app.devices.durable import make_folder
from app.devices.secrets import choose_keeper, load_or_create_key
from app.ports import SecretKeeper
from app.services.checkout import Checkout
from app.services.giving_back import GivingBack
from app.services.members import Members
from app.services.payments import Payments
from app.services.refunds import Refunds
from app.services.session import Session
from app.services.stock import Stock
from app.services.tasks import StoreTasks
from app.settings import Settings
from guidepos.late_gateway import LateGateway, LateRefundDesk, LateTaskDesk
from guidepos.till import Till
from guidepos.timekeeping import resume_clock
from offline_store import OfflineStore, open_store
from offline_store.preparing import NOBODY, Onlooker


def default_home() -> Path:
    """Return the folder a till uses when none is named."""
    import platformdirs

    return Path(platformdirs.user_data_dir("guidepos", appauthor=False))


def open_till(
    home: Path | None = None, settings: Settings | None = None, onlooker: Onlooker = NOBODY
) -> Till:
    """Open the till that lives in a folder, making it if it is new. `onlooker` waits for its store.

    Raises Trouble for everything that keeps a store shut: key missing or locked, file damaged or in
    use, disk full.
    """
    folder = home or default_home()
    settings = settings or Settings(home=folder)
    make_folder(folder)
    keeper = choose_keeper(folder)
    key = load_or_create_key(keeper, store_exists=settings.store_file.exists())
    clock = SystemClock()
    store = open_store(settings.store_file, key, clock, onlooker)
    resume_clock(clock, store)
    store.resume_second_copy()
    return wire(settings, store, clock, keeper)


def wire(settings: Settings, store: OfflineStore, clock: SystemClock, keeper: SecretKeeper) -> Till:
    """Plug services into an open store."""
    network = ThreadPoolExecutor(4, thread_name_prefix="network")
    payments = Payments(store, LateGateway(store, clock), clock, network)
    refunds = Refunds(store, clock, settings.currency)
    tasks = StoreTasks(store, LateTaskDesk(store, clock), payments, network)
    desk = LateRefundDesk(store, clock)
    return Till(
        settings=settings,
        store=store,
        clock=clock,
        keeper=keeper,
        session=Session(store, clock),
        checkout=Checkout(store, clock, settings.currency),
        members=Members(store, clock),
        refunds=refunds,
        giving_back=GivingBack(store, desk, refunds, tasks, payments, clock, network),
        stock=Stock(store, clock),
        payments=payments,
        tasks=tasks,
        network=network,
        devices=ThreadPoolExecutor(1, thread_name_prefix="device"),
    )
