"""One till: data, a clock, the product's own payment services and sync engine, and its line to the cloud.

What travels are the real requests with their proofs; only the socket is missing.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import msgspec
import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import ProtocolError

from app.domain.money import CNY
from app.domain.people import Person, Role
from app.ports import Attempt, UnitOfWork
from app.remote.cloud import EnrolledCloud
from app.remote.enrolment import CloudEnrolment
from app.remote.http import CloudHttp, Question
from app.remote.payments import CloudPayments
from app.remote.refunds import CloudRefunds
from app.remote.sync import CloudSync
from app.remote.tasks import CloudTasks
from app.services.checkout import Checkout
from app.services.giving_back import GivingBack
from app.services.payments import Payments
from app.services.refund_watch import RefundWatch
from app.services.refunds import Refunds
from app.services.tasks import StoreTasks
from app.services.wallets import Wallets
from app.services.watch import PaymentWatch
from app.sync.engine import SyncEngine
from app.sync.enrol import TillDescription, enrol
from tests.fakes.clock import FakeClock
from tests.torture.money.cloud import Got, MoneyCloud
from tests.torture.money.providers import SHOP_URL, CloudDied
from tests.torture.sim.store import Killed, SimStore

if TYPE_CHECKING:
    from sqlite3 import Connection

T = TypeVar("T")

MOST_HELD = 6

COLLECTING, GIVING_BACK = "collecting", "giving back"
"""What the cloud may be at when its process ends."""


class Fate(StrEnum):
    """What becomes of a request of a till."""

    REQUEST_LOST = "request lost"
    ANSWER_LOST = "answer lost"
    TWICE = "delivered twice"
    RESET = "line reset after the request"
    HELD = "held"
    FAILED = "failed on the way"
    STRANGER = "answered by a stranger"
    KILLED = "till killed before the answer"


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it travels."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Line:
    """A till's line to the cloud. `fates` befall its next requests, in order."""

    cloud: MoneyCloud
    is_up: bool = True
    fates: deque[Fate] = field(default_factory=deque)
    held: list[Sent] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)

    def carry(self, sent: Sent) -> Got:
        """Bring a request to the cloud and its answer back. Raises what `requests` would, and Killed."""
        if not self.is_up:
            raise requests.ConnectionError("no line")
        fate = self.fates.popleft() if self.fates else None
        if fate is not None:
            self.faults[fate.value] += 1
        match fate:
            case Fate.REQUEST_LOST:
                raise requests.ConnectionError("lost")
            case Fate.HELD:
                self.held.append(sent)
                del self.held[:-MOST_HELD]
                raise requests.ReadTimeout("slow")
            case Fate.FAILED:
                return Got(502, {"content-type": "text/html"}, b"<h1>bad gateway</h1>")
            case Fate.STRANGER:
                return Got(403, {"content-type": "application/json"}, b'{"code":"order_paid"}')
        got = self.serve(sent)
        match fate:
            case Fate.ANSWER_LOST:
                raise requests.ReadTimeout("lost")
            case Fate.RESET:
                raise requests.ConnectionError(ProtocolError("reset"))
            case Fate.KILLED:
                raise Killed
            case Fate.TWICE:
                return self.serve(sent)
        return got

    def serve(self, sent: Sent) -> Got:
        """Let the cloud answer; a process that ends over it answers nothing, and another begins."""
        try:
            return self.cloud.serve(sent.method, sent.path, sent.headers, sent.body)
        except CloudDied:
            self.faults["cloud killed"] += 1
            self.faults[f"cloud killed while {_what(sent.path)}"] += 1
            self.cloud.restart()
            raise requests.ConnectionError("gone") from None

    def deliver(self, draw: random.Random) -> None:
        """Bring what was held to the cloud, in any order; nobody hears the answers."""
        draw.shuffle(self.held)
        while self.held:
            try:
                self.serve(self.held.pop())
            except requests.ConnectionError:
                continue


def _what(path: str) -> str:
    """Say what a till asks for."""
    if path.endswith("/code"):
        return COLLECTING
    return GIVING_BACK if path.startswith("/v1/refunds") else "asked for something else"


class _Response:
    """What `requests` would return, as far as the house reads it."""

    def __init__(self, got: Got) -> None:
        self.status_code, self._body = got.status, got.body
        self.headers = CaseInsensitiveDict(got.headers)

    def iter_content(self, size: int) -> Iterator[bytes]:
        """Yield the body."""
        yield self._body

    def __enter__(self) -> _Response:
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing to let go of."""


def on_line(http: CloudHttp, line: Line) -> None:
    """Let a till's HTTP go over a line of ours."""

    def request(
        question: Question, data: bytes | None, headers: Mapping[str, str], bearer: str
    ) -> _Response:
        sent = dict(headers) | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
        query = f"?{urlencode(question.params)}" if question.params else ""
        asked = Sent(question.method, question.path + query, sent, data or b"")
        return _Response(line.carry(asked))

    http._request = request  # type: ignore[method-assign,assignment] # the seam of this layer


class AtOnce(Executor):
    """A pool without threads: work is done where it is handed over. A till that is killed stays so."""

    def submit(self, work: Callable[..., T], /, *args: Any, **named: Any) -> Future[T]:
        """Do it now."""
        done: Future[T] = Future()
        try:
            done.set_result(work(*args, **named))
        except Exception as error:
            done.set_exception(error)
        return done


class NoFeed:
    """The port `LiveFeed` of a till that hears nothing: hints are brought by the run."""

    def listen(self, stopped: Callable[[], bool]) -> Iterator[Any]:
        """Say nothing."""
        return iter(())

    def close(self) -> None:
        """Nothing to close."""


_DESCRIBED = TillDescription(platform="money", app_version="1", protection="file")
_SHOP_KEYS = bytes(32)


class MoneyTill:
    """A till that is switched on. What it holds is in `data` and survives `restart`."""

    def __init__(self, data: Connection, line: Line, clock: FakeClock) -> None:
        self.data, self.line, self.clock = data, line, clock
        self.is_gone = False
        """Lost for good, with all it held."""
        self._boots = 0
        self.restart()

    def restart(self) -> None:
        """Start the program anew on what the file holds."""
        self._boots += 1
        self.clock.boot_id = f"boot-{self._boots}"
        self.store = SimStore(self.data, self.clock)
        self.checkout = Checkout(self.store, self.clock, CNY)
        if self.store.reader.identity().enrolled:
            self._go_online()

    def _go_online(self) -> None:
        identity = self.store.reader.identity()
        key = self.do(lambda uow: uow.device_key())
        cloud = EnrolledCloud(
            SHOP_URL.replace("http:", "https:"),
            lambda: self.do(lambda uow: uow.cloud_keys()),
            device=identity.device,
            device_key=key,
            clock=self.clock,
        )
        on_line(cloud._http, self.line)
        self.cloud = cloud
        self.engine = SyncEngine(self.store, CloudSync(cloud), self.clock, app_version="1")
        gateway = CloudPayments(cloud)
        self.payments = Payments(self.store, gateway, self.clock, AtOnce())
        self.wallets = Wallets(self.payments, gateway, self.clock, AtOnce())
        self.tasks = StoreTasks(self.store, CloudTasks(cloud), self.payments, AtOnce())
        refunds = Refunds(self.store, self.clock, CNY)
        self.giving_back = GivingBack(
            self.store,
            CloudRefunds(cloud),
            refunds,
            self.tasks,
            self.payments,
            self.clock,
            AtOnce(),
        )
        self.refunds = RefundWatch(self.giving_back, lambda news: None, self.clock.monotonic)
        self.watch = PaymentWatch(self.store, self.payments, NoFeed(), lambda news: None)

    def do(self, job: Callable[[UnitOfWork], T]) -> T:
        """Run a job of the store and wait for it."""
        return self.store.run(job).result()

    def enrol(self, code: str) -> None:
        """Become a device of the cloud."""
        contact = CloudEnrolment(SHOP_URL.replace("http:", "https:"))
        on_line(contact._http, self.line)
        enrol(
            self.store,
            contact,
            code=code,
            store_key=_SHOP_KEYS,
            cloud_url=SHOP_URL,
            till=_DESCRIBED,
        )
        self.restart()

    def person(self, role: Role) -> Person:
        """Return somebody who works here."""
        return next(each for each in self.store.reader.people() if each.role is role)

    def attempt(self, attempt_id: str) -> Attempt | None:
        """Return an attempt as it is on record; looking is no job of the program, which it could die at."""
        left, self.store.jobs_to_live = self.store.jobs_to_live, -1
        found = self.do(lambda uow: uow.attempt(attempt_id))
        self.store.jobs_to_live = left
        return found

    def attempts(self) -> dict[str, Attempt]:
        """Return every attempt of this till as it has it on record."""
        ids = [row[0] for row in self.data.execute("SELECT DISTINCT attempt_id FROM payment_step")]
        found = self.do(lambda uow: [uow.attempt(attempt_id) for attempt_id in ids])
        return {attempt.attempt_id: attempt for attempt in found if attempt is not None}

    def sync(self, *, whole: bool = False) -> bool:
        """Run a round: send what there is and follow the store's tasks, or `whole`, everything."""
        report = self.engine.run(hello=whole, pull=whole, streams=("tasks",))
        return report.trouble is None

    def look_around(self, *, patiently: bool = False) -> None:
        """Ask about what the watch thinks worth asking about, as its thread does; `patiently`, as long as
        it takes until all of it had its turn."""
        if patiently:
            self.watch._late_at = 0.0
        while True:
            for attempt_id in self.watch._worth_asking():
                self.payments.refresh(attempt_id).result()
            self.refunds.turn()
            if not (patiently and self.watch._late):
                break

    def ask(self, question: Question, shape: type[Any]) -> Any:
        """Ask the cloud something that no service here asks yet. Raises Trouble and RuleBroken."""
        return self.cloud.ask(question, shape)

    def close(self) -> None:
        """Let go of all memory."""
        self.data.close()


def encoded(message: msgspec.Struct) -> bytes:
    """Return a message as it travels."""
    return msgspec.json.encode(message)
