"""From a wallet's confirmation to "paid" painted on the till, in a process that is the till's alone.

    python -m benchmarks.confirmation HOME URL CODES.json --times N

prints the milliseconds of each payment: alone, and with as many other tills waiting at the same cloud as
there are codes. Time runs from the customer's yes in the sandbox, or from the moment a make-believe
provider's notification leaves; it ends with the frame that says paid. The sale is on record by then.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks import ROOT, paying
from benchmarks.customer import Phone
from benchmarks.searches import quantile
from benchmarks.shops import MEMBERS, shop
from benchmarks.tills import Floor, run_python
from benchmarks.waiting import crowd
from benchmarks.window import Watched, open_window

WAITING, STORES = 500, 50
SKUS = 1_000
WARM_UP = 4
ROUNDS = 4
"""Times the crowd comes and goes, so that whatever else the machine does falls on both sides."""
TIMEOUT_S = 1_800.0

Took = dict[str, list[float]]


def measure(
    ground: Floor, times: int, waiting: int, *, skus: int = SKUS, members: int = MEMBERS
) -> dict[str, float]:
    """Return what confirmations took, by the sandbox and by a provider's notification; milliseconds."""
    home = ground.enrolled("confirmation-sandbox", skus, members)
    figures = _told("confirmed_sandbox", _payments(ground, home, times, waiting))
    data = ground.run / "cloud-with-provider"
    with _providers(data), ground.beside(data) as other:
        home = other.enrolled("confirmation-provider", skus, members)
        took = _payments(other, home, times, waiting)
    return figures | _told("confirmed", took) | {"confirmed_waiting": waiting}


def _told(name: str, took: Took) -> dict[str, float]:
    alone, among = took["alone"], took["among"]
    figures = {
        f"{name}{where}_{what}_ms": round(figure, 1)
        for where, each in (("", alone), ("_crowd", among))
        for what, figure in (
            ("p50", quantile(each, 50)),
            ("p95", quantile(each, 95)),
            ("max", max(each)),
        )
    }
    return figures | {f"{name}_crowd_ratio": round(quantile(among, 95) / quantile(alone, 95), 2)}


def _payments(ground: Floor, home: Path, times: int, waiting: int) -> Took:
    codes = home / "codes.json"
    codes.write_bytes(msgspec.json.encode(_codes(ground.cloud.data, waiting)))
    told = run_python(
        "benchmarks.confirmation",
        [str(home), ground.cloud.url, str(codes), "--times", str(times)],
        timeout=TIMEOUT_S,
    )
    return msgspec.json.decode(told, type=Took)


def _codes(data: Path, count: int) -> list[str]:
    """Write one-time codes straight into the books, ten to a store, for making each by a command would
    take a second. One store is the measured till's own: its hints go to the others there, too."""
    from cloud.bootstrap import open_cloud, wall_clock
    from cloud.services.enrol import make_enrol_code
    from cloud.settings import Settings
    from resources.demo.shop import demo_shop

    stores = [demo_shop(members=0).stores[0].store, *(f"B{n:03d}" for n in range(1, STORES))]
    cloud = open_cloud(Settings(data=data))
    try:
        with cloud.db.begin() as books:
            made = [
                make_enrol_code(books, stores[n % STORES], now_ms=wall_clock(), minutes=60)
                for n in range(count)
            ]
    finally:
        cloud.close()
    return [each.code for each in made]


@contextmanager
def _providers(data: Path) -> Iterator[None]:
    """Run make-believe providers, with accounts where the cloud of `data` will find them."""
    with subprocess.Popen(
        [sys.executable, "-m", "cloud", "fake-providers", "--data", str(data), "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            if process.stdout is None or not process.stdout.readline():
                raise ChildProcessError("the make-believe providers did not start")
            yield
        finally:
            process.terminate()


# --- the till's own process -----------------------------------------------------------------------


def confirmed(home: Path, url: str, codes: Path, times: int) -> Took:
    """Be paid so many times alone, and as many times among others; return the milliseconds of each."""
    took: Took = {"alone": [], "among": []}
    goods = itertools.cycle(sku.gtin for sku in shop(0, 0).skus)
    with open_window(home) as watched, crowd(url, codes) as others:
        watched.sign_in()
        watched.online()
        for _ in range(WARM_UP):
            _one(watched, url, next(goods))
        for turn in range(ROUNDS):
            share = times * (turn + 1) // ROUNDS - times * turn // ROUNDS
            took["alone"] += [_one(watched, url, next(goods)) for _ in range(share)]
            others.wait()
            took["among"] += [_one(watched, url, next(goods)) for _ in range(share)]
            others.rest()
    return took


def _one(watched: Watched, url: str, code: str) -> float:
    """Sell one piece to a phone; return the milliseconds from its wallet's yes to "paid" on the screen."""
    screens = watched.shell.screens
    pay = screens.counter.pay
    paying.fill(watched, code)
    watched.hand.tap(watched.shell.words.say("cart.pay"))
    paying.wait(watched, lambda: bool(pay.property("phone").property("showsQr")))
    (attempt,) = watched.till.store.reader.open_attempts()
    phone = Phone(url, attempt.token)
    phone.go_to_wallet()
    watched.rest(60)
    since = time.perf_counter()
    seen = watched.until_shown(phone.approve, lambda: bool(pay.property("isPaid")), since=since)
    painted = since + seen.total / 1e3
    pay.next()
    paying.receipt(watched)
    paying.next_customer(watched)
    return round((painted - phone.confirmed_at()) * 1e3, 1)


def main() -> int:
    """Measure as the command line asks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("url")
    parser.add_argument("codes", type=Path)
    parser.add_argument("--times", type=int, default=60)
    asked = parser.parse_args()
    json.dump(confirmed(asked.home, asked.url, asked.codes, asked.times), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
