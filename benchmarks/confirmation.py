"""From the wallet's confirmation to "paid" painted on the till, in a process that is the till's alone.

    python -m benchmarks.confirmation HOME URL --times N

prints the milliseconds of each payment: from the moment the customer's phone sends its yes to the sandbox
wallet, until the window has swapped the frame that says paid. The sale is recorded in between.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import requests

from benchmarks import ROOT
from benchmarks.searches import quantile
from benchmarks.tills import Floor, run_python
from benchmarks.window import Watched, open_window

WAITING, STORES = 500, 50
SKUS = 1_000
WARM_UP = 3


def measure(ground: Floor, times: int, waiting: int) -> dict[str, float]:
    """Return the figures alone, and with so many tills waiting at the same cloud."""
    home = ground.enrolled("confirmation", SKUS)
    calm = _payments(home, ground.cloud.url, times)
    with crowd(ground, waiting):
        crowded = _payments(home, ground.cloud.url, times)
    again = _payments(home, ground.cloud.url, times)
    alone, among = quantile(calm + again, 95), quantile(crowded, 95)
    return {
        "confirmed_p50_ms": round(quantile(calm + again, 50), 1),
        "confirmed_p95_ms": round(alone, 1),
        "confirmed_crowd_p50_ms": round(quantile(crowded, 50), 1),
        "confirmed_crowd_p95_ms": round(among, 1),
        "confirmed_crowd_ratio": round(among / alone, 2),
        "confirmed_waiting": waiting,
    }


@contextmanager
def crowd(ground: Floor, waiting: int) -> Iterator[None]:
    """Let so many other tills, ten to a store, wait for their own money meanwhile."""
    codes = ground.run / "codes.json"
    codes.write_bytes(msgspec.json.encode(_codes(ground.cloud.data, waiting)))
    command = [sys.executable, "-m", "benchmarks.waiting", ground.cloud.url, str(codes)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as others:
        if others.stdout is None or others.stdin is None or not others.stdout.readline():
            raise ChildProcessError("the other tills did not get as far as waiting")
        yield
        others.stdin.close()


def _codes(data: Path, count: int) -> list[str]:
    """Write one-time codes straight into the books, for making each by a command would take a second."""
    from cloud.bootstrap import open_cloud, wall_clock
    from cloud.services.enrol import make_enrol_code
    from cloud.settings import Settings

    cloud = open_cloud(Settings(data=data))
    try:
        return [
            cloud.db.write(
                lambda c, store=f"B{number % STORES:03d}": (
                    make_enrol_code(  # type: ignore[misc]
                        c, store, now_ms=wall_clock(), minutes=60
                    ).code
                )
            )
            for number in range(count)
        ]
    finally:
        cloud.close()


def _payments(home: Path, url: str, times: int) -> list[float]:
    told = run_python("benchmarks.confirmation", [str(home), url, "--times", str(times)])
    return list(msgspec.json.decode(told, type=list[float]))


# --- the till's own process -----------------------------------------------------------------------


def confirmed(home: Path, url: str, times: int) -> list[float]:
    """Be paid so many times; return the milliseconds of each."""
    with open_window(home) as watched:
        watched.sign_in()
        watched.online()
        took = [_one(watched, url) for _ in range(WARM_UP + times)]
    return took[WARM_UP:]


def _one(watched: Watched, url: str) -> float:
    screens = watched.shell.screens
    pay = screens.counter.pay
    code = watched.till.store.reader.style_cards(limit=1)[0].style_no
    matrix = watched.till.stock.matrix(code)
    sku = next(cell.sku for row in matrix.cells for cell in row if cell)
    watched.scan(sku.gtin)
    watched.key("\r")
    _wait(watched, lambda: screens.checkout.priced.cart.lines)
    watched.hand.tap(watched.shell.words.say("cart.pay"))
    _wait(watched, lambda: pay.property("phone").property("showsQr"))
    (attempt,) = watched.till.store.reader.open_attempts()
    phone = _Phone(url, f"{url}/o/{attempt.token}")
    watched.rest(60)
    seen = watched.until_shown(phone.approve, lambda: bool(pay.property("isPaid")))
    watched.rest(60)
    screens.counter.done.next()
    _wait(watched, lambda: watched.shell.root.property("sheet") == "")
    return round(seen.total, 1)


def _wait(watched: Watched, condition: Any) -> None:
    if not watched.hand.wait(lambda: bool(condition())):
        raise TimeoutError(f"nothing more happens at {watched.shell.root.property('sheet')}")


class _Phone:
    """A customer who took the order over and stands before the wallet's button."""

    def __init__(self, url: str, page: str) -> None:
        self._session = requests.Session()
        self._session.trust_env = False
        self._form(self._session.get(page, timeout=30), "/take", url)
        self._form(self._session.get(page, timeout=30), "/pay", url)

    def _form(self, shown: requests.Response, action: str, url: str) -> None:
        path, csrf = _button(shown.text, action)
        self._wallet = self._session.post(url + path, data={"csrf": csrf}, timeout=30)
        self._url = url

    def approve(self) -> None:
        """Say yes, on a thread of its own: the window goes on living."""
        path, csrf = _button(self._wallet.text, "/approve")
        sent = {"data": {"csrf": csrf}, "timeout": 30, "allow_redirects": False}
        threading.Thread(
            target=self._session.post, args=(self._url + path,), kwargs=sent, daemon=True
        ).start()


def _button(text: str, action: str) -> tuple[str, str]:
    found = re.search(
        rf'action="([^"]*{action})">\s*<input type="hidden" name="csrf" value="([^"]*)"', text
    )
    if found is None:
        raise LookupError(f"no button leads to {action}")
    return found.group(1), found.group(2)


def main() -> int:
    """Measure as the command line asks."""
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("url")
    parser.add_argument("--times", type=int, default=40)
    asked = parser.parse_args()
    json.dump(confirmed(asked.home, asked.url, asked.times), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
