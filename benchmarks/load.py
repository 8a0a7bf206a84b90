"""The load on a cloud: a process of its own that makes signed batches first and then only sends them.

Reads a `Plan` as JSON from standard input and tells each phase on standard output when it begins and
how it went. A request is due at its moment whether or not the one before was answered (open loop); a
till's batches keep their order, so a late one begins late and its lateness counts.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec

from benchmarks.fleet import SimulatedTill, enrolled
from benchmarks.searches import quantile

SALES = 100
"""Sales of a batch."""
PATIENCE_S = 120.0
_BUSY = frozenset({429, 503})


class Phase(msgspec.Struct, frozen=True):
    """A stretch of load: so many batches from so many tills.

    `per_s` batches are due each second, 0: each as soon as the one before is answered. `since` is the
    first of the tills that send in it.
    """

    name: str
    tills: int
    batches: int
    per_s: float = 0.0
    since: int = 0


class Plan(msgspec.Struct, frozen=True):
    """What to do: where, with which one-time codes, in which order."""

    url: str
    codes: list[str]
    phases: list[Phase]


class Told(msgspec.Struct, frozen=True):
    """How a phase went. Seconds; latencies count from when a batch was due to its 200."""

    name: str
    sales: int
    seconds: float
    p50_s: float
    p99_s: float
    worst_s: float
    statuses: dict[str, int]
    """Answers by status; "broken" where there was none."""
    lateness_s: float
    """How late the generator itself sent a batch that could go at once, at most."""


@dataclass(slots=True)
class _Sender:
    """A till's connection and what it still has to send."""

    till: SimulatedTill
    address: tuple[str, int]
    batches: list[bytes] = field(default_factory=list)
    due: list[float] = field(default_factory=list)
    _lines: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes) -> tuple[int, float]:
        """Send one batch; return status and Retry-After, 0 and 0 for a broken connection.

        A connection the server closed while it rested is opened anew, as every client does.
        """
        try:
            if self._lines is not None and self._lines[0].at_eof():
                self._close()
            if self._lines is None:
                self._lines = await asyncio.open_connection(*self.address)
            reader, writer = self._lines
            headers = "".join(f"{name}: {value}\r\n" for name, value in self.till.headers().items())
            writer.write(
                f"POST /v1/sync/push HTTP/1.1\r\nHost: cloud\r\nContent-Length: {len(body)}\r\n"
                f"{headers}\r\n".encode()
                + body
            )
            return await self._answer(reader)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            self._close()
            return 0, 0.0

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[int, float]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        values = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
        await reader.readexactly(int(values["content-length"]))
        if values.get("connection") == "close":
            self._close()
        return int(head[0].split(" ")[1]), float(values.get("retry-after", 0))

    def _close(self) -> None:
        if self._lines is not None:
            self._lines[1].close()
        self._lines = None


@dataclass(slots=True)
class _Run:
    """The tally of a phase."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    lateness_s: float = 0.0

    async def drain(self, sender: _Sender, started: float) -> None:
        """Send all of a till's batches, each until it is taken, as a till does."""
        free = started
        for body, at in zip(sender.batches, sender.due, strict=True):
            due = started + at if at >= 0 else free
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            self.lateness_s = max(self.lateness_s, time.perf_counter() - max(due, free))
            await self._until_taken(sender, body, due)
            free = time.perf_counter()

    async def _until_taken(self, sender: _Sender, body: bytes, due: float) -> None:
        refusals = 0
        while True:
            status, retry_after = await sender.post(body)
            self.statuses[str(status or "broken")] += 1
            if status == 200:
                self.latencies.append(time.perf_counter() - due)
                return
            if status not in _BUSY and status != 0:
                raise SystemExit(f"a push was answered with {status}")
            refusals += 1
            await asyncio.sleep(retry_after + random.uniform(0, min(8.0, 2.0 ** (refusals - 1))))


async def _phase(phase: Phase, senders: Sequence[_Sender]) -> Told:
    run, started = _Run(), time.perf_counter()
    await asyncio.gather(*(run.drain(sender, started) for sender in senders))
    seconds = time.perf_counter() - started
    return Told(
        name=phase.name,
        sales=len(run.latencies) * SALES,
        seconds=round(seconds, 3),
        p50_s=round(quantile(run.latencies, 50), 4),
        p99_s=round(quantile(run.latencies, 99), 4),
        worst_s=round(max(run.latencies), 4),
        statuses=dict(run.statuses),
        lateness_s=round(run.lateness_s, 4),
    )


def _prepared(plan: Plan, tills: Sequence[SimulatedTill]) -> list[list[_Sender]]:
    """Make all batches of all phases; batch n of a phase is till n's turn, modulo the tills."""
    chance = random.Random(7)
    place = urlsplit(plan.url)
    address = (place.hostname or "127.0.0.1", place.port or 80)
    prepared = []
    for phase in plan.phases:
        chosen = tills[phase.since : phase.since + phase.tills]
        senders = [_Sender(till, address) for till in chosen]
        for place_, sender in enumerate(senders):
            turns = range(place_, phase.batches, phase.tills)
            sender.batches = list(sender.till.batches(len(turns), SALES, chance))
            sender.due = [turn / phase.per_s if phase.per_s else -1.0 for turn in turns]
        prepared.append(senders)
    return prepared


def main() -> None:
    """Do what the plan on standard input says."""
    plan = msgspec.json.decode(sys.stdin.readline(), type=Plan)
    tills = [enrolled(plan.url, code) for code in plan.codes]
    prepared = _prepared(plan, tills)
    for phase, senders in zip(plan.phases, prepared, strict=True):
        print("ready", phase.name, flush=True)
        sys.stdin.readline()
        told = asyncio.run(_phase(phase, senders))
        print(msgspec.json.encode(told).decode(), flush=True)
        senders.clear()


if __name__ == "__main__":
    main()
