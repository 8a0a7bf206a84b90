"""Many tills that wait for money at one cloud, in one light process: each holds its stream of hints open and
asks about its payment as seldom as a till does while hints flow.

    python -m benchmarks.waiting URL CODES.json

enrols one till per code and says "ready". At "wait" on its input all of them begin to wait, at "rest" they
hang up; each word is said back once it is done.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import requests

from app.domain.ids import new_id
from app.services.watch import CALM_EVERY_S
from app.wire.messages import Order, OrderLine, PaymentIntent
from app.wire.tokens import OrderToken, new_nonce, order_hash
from benchmarks import ROOT
from benchmarks.customer import Phone
from benchmarks.fleet import SimulatedTill, enrolled

LIFE_MS = 110 * 60_000
AT_WALLET = 10
"""Every tenth customer has gone on to the wallet, so that asking about them may mean asking a provider."""
_LINE = OrderLine(
    sku="bench-1",
    name="大衣",
    name_en="Coat",
    colour="黑",
    colour_en="Black",
    colour_hex="#000000",
    size="M",
    drawing="coat",
    quantity=1,
    gross=100_000,
    net=100_000,
)


class Crowd:
    """The other end of that process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._heard("ready")

    def wait(self) -> None:
        """Let all of them wait from now on."""
        self._say("wait")

    def rest(self) -> None:
        """Let all of them hang up."""
        self._say("rest")

    def _say(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._process.stdin.flush()
        self._heard(word)

    def _heard(self, word: str) -> None:
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != word:
            raise ChildProcessError(f"the other tills did not get as far as {word!r}")


@contextmanager
def crowd(url: str, codes: Path) -> Iterator[Crowd]:
    """Enrol as many other tills as there are codes, each with a payment to wait for."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.waiting", url, str(codes)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        try:
            yield Crowd(process)
        finally:
            process.stdin.close()


# --- the process ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waiting:
    """A till and the attempt it waits for."""

    till: SimulatedTill
    attempt_id: str


def shown(url: str, numbered: tuple[int, str]) -> Waiting:
    """Enrol a till and show an order, as it does before it waits."""
    number, code = numbered
    till, now_ms = enrolled(url, code), time.time_ns() // 1_000_000
    order = Order(
        attempt_id=new_id(),
        sale_id=new_id(),
        store=till.me.store,
        guide_name="陈",
        guide_name_en="Chen",
        currency="CNY",
        total=_LINE.net,
        lines=[_LINE],
        reasons=[],
        created_ms=now_ms,
        expires_ms=now_ms + LIFE_MS,
    )
    data = msgspec.json.encode(order)
    token = OrderToken(
        device=till.me.device,
        attempt_id=order.attempt_id,
        nonce=new_nonce(),
        amount=order.total,
        expires_s=order.expires_ms // 1_000,
        order_hash=order_hash(data),
    ).sign(till.key)
    answer = requests.post(
        f"{url}/v1/payments",
        data=msgspec.json.encode(PaymentIntent(token=token, order=data)),
        headers=till.headers(),
        timeout=60,
    )
    answer.raise_for_status()
    if number % AT_WALLET == 0:
        Phone(url, token).go_to_wallet()
    return Waiting(till, order.attempt_id)


async def _waiting(url: str, tills: list[Waiting]) -> list[asyncio.Task[None]]:
    """Begin to wait with all of them; return what goes on once every stream says hello."""
    ready = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(_listen(url, each, ready)) for each in tills]
    for _ in tills:
        await ready.acquire()
    return tasks + [asyncio.create_task(_ask_calmly(url, each)) for each in tills]


async def _listen(url: str, waiting: Waiting, ready: asyncio.Semaphore) -> None:
    reader, writer = await _sent(url, "/v1/live", waiting)
    try:
        await reader.readuntil(b'"hello"')
        ready.release()
        rest = b""
        while news := await reader.read(65_536):
            if waiting.attempt_id.encode() in rest + news:
                await _ask(url, waiting)  # a hint about one's own
            rest = news[-64:]
    finally:
        writer.close()


async def _ask_calmly(url: str, waiting: Waiting) -> None:
    await asyncio.sleep(random.uniform(0, CALM_EVERY_S))
    while True:
        await _ask(url, waiting)
        await asyncio.sleep(CALM_EVERY_S)


async def _ask(url: str, waiting: Waiting) -> None:
    reader, writer = await _sent(url, f"/v1/payments/{waiting.attempt_id}", waiting)
    try:
        await reader.read()
    finally:
        writer.close()


async def _sent(
    url: str, path: str, waiting: Waiting
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    named = {"Host": address.netloc, "Connection": "close"} | waiting.till.headers()
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    writer.write(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
    answer = await reader.readline()
    if b" 200 " not in answer:
        raise ConnectionError(answer.decode().strip())
    return reader, writer


async def _obey(url: str, tills: list[Waiting]) -> None:
    tasks: list[asyncio.Task[None]] = []
    while word := (await asyncio.to_thread(sys.stdin.readline)).strip():
        if word == "wait":
            tasks = await _waiting(url, tills)
        else:
            fallen = [task for task in tasks if task.done()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for task in fallen:
                task.result()  # a till that could not wait is no crowd
        print(word, flush=True)


def main() -> int:
    """Enrol them; then wait and rest as told."""
    url = sys.argv[1]
    codes = msgspec.json.decode(Path(sys.argv[2]).read_bytes(), type=list[str])
    with ThreadPoolExecutor(4) as pool:
        tills = list(pool.map(partial(shown, url), enumerate(codes)))
    print("ready", flush=True)
    asyncio.run(_obey(url, tills))
    return 0


if __name__ == "__main__":
    sys.exit(main())
