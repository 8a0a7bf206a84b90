"""Many tills that wait for money at one cloud, in one light process: each holds its live feed open and asks
about its open payment as seldom as a till does while hints flow.

    python -m benchmarks.waiting URL CODES.json

prints "waiting" once all of them do, and goes on until its input ends.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
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
from benchmarks.fleet import SimulatedTill, enrolled

LIFE_MS = 90 * 60_000
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


@dataclass(frozen=True, slots=True)
class Waiting:
    """A till and the attempt it waits for."""

    till: SimulatedTill
    attempt_id: str


def shown(url: str, code: str) -> Waiting:
    """Enrol a till and show an order, as it does before it waits."""
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
    return Waiting(till, order.attempt_id)


async def wait_for_all(url: str, tills: list[Waiting]) -> None:
    """Hold every feed open and ask, until the input ends."""
    ready = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(_listen(url, each, ready)) for each in tills]
    for _ in tills:
        await ready.acquire()
    tasks += [asyncio.create_task(_ask(url, each)) for each in tills]
    print("waiting", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(url: str, waiting: Waiting, ready: asyncio.Semaphore) -> None:
    reader, _writer = await _sent(url, "/v1/live", waiting)
    await reader.readuntil(b"hello")
    ready.release()
    while await reader.read(65_536):
        pass


async def _ask(url: str, waiting: Waiting) -> None:
    await asyncio.sleep(random.uniform(0, CALM_EVERY_S))
    while True:
        reader, writer = await _sent(url, f"/v1/payments/{waiting.attempt_id}", waiting)
        await reader.readuntil(b"}")
        writer.close()
        await asyncio.sleep(CALM_EVERY_S)


async def _sent(
    url: str, path: str, waiting: Waiting
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    named = {"Host": address.netloc, "Connection": "close"} | waiting.till.headers()
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    writer.write(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
    return reader, writer


def main() -> int:
    """Enrol them, let them wait."""
    url = sys.argv[1]
    codes = msgspec.json.decode(Path(sys.argv[2]).read_bytes(), type=list[str])
    with ThreadPoolExecutor(4) as pool:
        tills = list(pool.map(partial(shown, url), codes))
    asyncio.run(wait_for_all(url, tills))
    return 0


if __name__ == "__main__":
    sys.exit(main())
