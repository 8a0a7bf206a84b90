"""One run over a bad line: tills work and sync while a toxic is in force, then the line heals and, without
a restart, everything must be at the cloud exactly once and unaltered."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from random import Random

from app.errors import Code
from tests.torture.proxy.line import Asked, Toxic, pass_on
from tests.torture.proxy.shop import Shop, Till
from tests.torture.proxy.toxics import TOXICS
from tests.torture.tally import Failure, Tally

STEPS = 3
PATHS = ("/v1/token", "/v1/sync/hello", "/v1/sync/push", "/v1/members/push", "/v1/sync/pull", "")
"""What a toxic may lie in wait for; "" is everything."""

Choose = Callable[[Asked], Toxic]

EVERYTHING = "everything"
"""Each request meets another toxic, or none."""

MAY_END_A_ROUND = {
    Code.CLOUD_UNREACHABLE,
    Code.CLOUD_NOT_OURS,
    Code.CLOUD_BUSY,
    Code.CLOUD_REFUSED,
    Code.CLOUD_MESSAGE_INVALID,
}
"""What a till may say of a bad line. Never that it was revoked or is no device of the shop."""


def run(shop: Shop, name: str, seed: int) -> Tally:
    """Play one toxic with one seed on a till of its own; return the counts."""
    started, rng = time.monotonic(), Random(f"{name} {seed}")
    tally = Tally("proxy", seed, runs=1)
    bugs_before = len(shop.bugs)
    till = shop.till(seed=seed)
    till.work(2)
    for number in range(STEPS):
        _step(till, name, rng, tally, everywhere=number == 0)
    if rng.random() < 0.25:
        till.restart()
    till.line.heal()
    last = till.drain()
    shop.judge(till, tally)
    wrong = _unharmed(till)
    if last.trouble is not None:
        wrong.append(f"still in trouble after healing: {last.trouble.code} {last.trouble.facts}")
    wrong += shop.bugs[bugs_before:]
    if wrong or not tally.is_clean:
        harm = {key: getattr(tally, key) for key in ("lost", "doubled", "altered", "stuck")}
        tally.failures.append(
            Failure({"toxic": name, "seed": seed}, "; ".join([*wrong, str(harm)]))
        )
    till.store.close()
    till.line.down()
    tally.seconds = time.monotonic() - started
    return tally


def _step(till: Till, name: str, rng: Random, tally: Tally, *, everywhere: bool) -> None:
    """Work, sync over the bad line, and see that the mark at the cloud only moved forward."""
    struck: Counter[str] = Counter()
    lie_in_wait = _everywhere if name == EVERYTHING else _at_one_place
    before = till.store.run(lambda uow: uow.acked()).result().seq
    till.line.choose = lie_in_wait(name, "" if everywhere else rng.choice(PATHS), rng, struck)
    till.work(rng.randint(0, 3))
    report = till.sync(hello=rng.random() < 0.7, pull=rng.random() < 0.7)
    tally.faults += struck
    after = till.store.run(lambda uow: uow.acked()).result().seq
    if after < before:
        tally.failures.append(
            Failure({"toxic": name, "seed": tally.seed}, f"the mark went back: {before} → {after}")
        )
    if report.trouble is not None and report.trouble.code not in MAY_END_A_ROUND:
        what = f"{report.trouble.code} {report.trouble.facts}"
        tally.failures.append(Failure({"toxic": name, "seed": tally.seed}, what))


def _at_one_place(name: str, path: str, rng: Random, struck: Counter[str]) -> Choose:
    once = path != "" and rng.random() < 0.5

    def choose(asked: Asked) -> Toxic:
        if not asked.path.startswith(path) or (once and struck[name]):
            return pass_on
        struck[name] += 1
        return TOXICS[name]

    return choose


def _everywhere(_name: str, _path: str, rng: Random, struck: Counter[str]) -> Choose:
    def choose(asked: Asked) -> Toxic:
        if rng.random() < 0.5:
            return pass_on
        name = rng.choice(list(TOXICS))
        struck[name] += 1
        return TOXICS[name]

    return choose


def _unharmed(till: Till) -> list[str]:
    """Return what a bad line made of the till that it must never do: no log-out, no wipe."""
    wrong = []
    identity = till.store.run(lambda uow: uow.identity()).result()
    if identity != till.identity:
        wrong.append(f"another identity: {identity}")
    if any(report.commands for report in till.reports):
        wrong.append("a command of somebody else was taken")
    if till.store.verify_journal() is not None:
        wrong.append("the chain is broken")
    documents = till.store.reader.documents(limit=1_000)
    if len(documents) != sum(1 for body in till.facts.values() if b'"receipt_no"' in body):
        wrong.append("documents are missing at the till")
    return wrong
