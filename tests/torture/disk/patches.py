"""Pages that rot or are written in the wrong place: bytes of the store's files changed behind its back.

Either the till names the damage, at start or when it verifies, or all it shows is as it was promised.
Of a WAL whose end rots, SQLite keeps what comes before: an earlier state of the same books, which
the next hello to the cloud or the second copy exposes. It is never a half sale or another one.
"""

from __future__ import annotations

import os
import random
import signal
from dataclasses import dataclass
from pathlib import Path

from app.domain.sale import Sale
from app.errors import Trouble
from guidepos.till import Till
from offline_store.connection import open_writer
from tests.torture.bench import Bench
from tests.torture.books import Findings, journal
from tests.torture.counter import Stand, basket, move_wal, play, sell_for_cash
from tests.torture.processes import Line, in_copy, run_child

PAGE = 4096
SECTOR = 512


@dataclass(frozen=True, slots=True)
class Patch:
    """What was done to which file."""

    file: str
    how: str
    at: int


def patch(bench: Bench, seed: int) -> tuple[Patch, str, Findings]:
    """Let a till sell, die and lose a piece of a file. Returns the damage, how the till named it ("" if
    it did not and shows everything as promised), and what is wrong."""

    def run() -> tuple[Patch, str, Findings]:
        chance = random.Random(seed)
        with bench.till_for("cash sale") as (home, world):
            in_file = chance.random() < 0.7
            ended = play(
                lambda stand: _sell_and_die(stand, in_file), lambda line: Stand(home, line), world
            )
            sales: list[Sale] = ended.all("promised")
            done = _damage(home / ("store.db" if in_file else "store.db-wal"), chance)
            named, findings = _look(home, sales, may_lose_end=not in_file)
            return done, named, findings

    found: tuple[Patch, str, Findings] = in_copy(run)
    return found


def flip(bench: Bench, seed: int) -> Findings:
    """Let one bit rot in a record's body, inside the file and behind its triggers. The till must name the
    record's number, sell on, and bring everything but that record to the cloud unaltered."""

    def run() -> Findings:
        chance = random.Random(seed)
        with bench.till_for("cash sale") as (home, world):
            ended = play(_sell_and_close, lambda line: Stand(home, line), world)
            key = bytes.fromhex(next((home / "keys").glob("*.key")).read_text("ascii"))
            seq = in_copy(lambda: _rot(home / "store.db", key, chance.random()))
            findings = Findings(records=len(ended.all("promised")))
            told = run_child(lambda line: _live_with(Stand(home, line), line), **world.targets)
            if told.last("broken") != seq:
                findings.add("altered", f"record {seq} rotted, {told.last('broken')} is named")
            if told.last("unsent"):
                findings.add("stuck", "records behind the damaged one do not leave")
            held, kept = dict(world.held), told.last("journal")
            unlike = [number for number, body in kept.items() if held.get(number) != body]
            if unlike != [list(kept)[seq - 1]] or len(world.held) != len(kept):
                findings.add("lost", f"{unlike} are not at the cloud as they were recorded")
            return findings

    found: Findings = in_copy(run)
    return found


def _sell_and_close(stand: Stand) -> None:
    till = stand.open()
    for n in range(3):
        stand.promise(sell_for_cash(till, basket(till, 3, n)))


def _rot(file: Path, key: bytes, where: float) -> int:
    """Flip a bit in the body of one of the last three records; return its seq."""
    connection = open_writer(file, key)
    connection.execute("DROP TRIGGER journal_no_update")
    seq, body = connection.execute(
        "SELECT seq, body FROM journal ORDER BY rowid DESC LIMIT 1 OFFSET ?", (int(where * 3),)
    ).fetchone()
    rotten = bytearray(body)
    rotten[int(where * len(body))] ^= 1
    connection.execute("UPDATE journal SET body = ? WHERE body = ?", (bytes(rotten), body))
    connection.close()
    return int(seq)


def _live_with(stand: Stand, line: Line) -> None:
    till = stand.open()
    line.tell("broken", till.store.verify_journal())
    sell_for_cash(till, basket(till, 1))
    engine = stand.engine(till)
    for _ in range(3):
        engine.run()
    line.tell("unsent", till.store.reader.sync_status().unsent)
    line.tell("journal", dict(journal(till)))
    stand.close()


def _sell_and_die(stand: Stand, in_file: bool) -> None:
    """Record some sales, in the main file or only in the WAL, and leave without closing."""
    till = stand.open()
    for n in range(4):
        stand.promise(sell_for_cash(till, basket(till, 5, n)))
    if in_file:
        move_wal(till)
    os.kill(os.getpid(), signal.SIGKILL)


def _damage(file: Path, chance: random.Random) -> Patch:
    data = bytearray(file.read_bytes())
    how = chance.choice(["bit", "sector of zeros", "page of another place"])
    at = chance.randrange(len(data))
    match how:
        case "bit":
            data[at] ^= 1 << chance.randrange(8)
        case "sector of zeros":
            at -= at % SECTOR
            data[at : at + SECTOR] = bytes(SECTOR)
        case _:
            at -= at % PAGE
            other = chance.randrange(len(data) // PAGE) * PAGE
            data[at : at + PAGE] = data[other : other + PAGE]
    file.write_bytes(data)
    return Patch(file.name, how, at)


def _look(home: Path, sales: list[Sale], *, may_lose_end: bool) -> tuple[str, Findings]:
    def job(line: Line) -> None:
        findings, named = Findings(records=len(sales)), ""
        stand = Stand(home, line)
        try:
            till = stand.open()
            _compare(till, sales, findings, may_lose_end=may_lose_end)
            if till.store.tail_broken is not None or till.store.verify_journal() is not None:
                named = "journal_broken"
            elif not findings.wrong:
                sell_for_cash(till, basket(till, 1))
            stand.close()
        except Trouble as trouble:
            named = str(trouble.code)
        if named:
            findings.wrong.clear()
        line.tell("looked", (named, findings))

    found: tuple[str, Findings] = run_child(job).last("looked")
    return found


def _compare(till: Till, sales: list[Sale], findings: Findings, *, may_lose_end: bool) -> None:
    missing = False
    for sale in sales:
        found = till.store.reader.document(sale.sale_id)
        if found is None and may_lose_end:
            missing = True
        elif found is None:
            findings.add("lost", f"{sale.receipt_no} is missing and nothing is said")
        elif found != sale:
            findings.add("altered", f"{sale.receipt_no} is another sale and nothing is said")
        elif missing:
            findings.add("lost", "a sale in the middle is missing and nothing is said")
