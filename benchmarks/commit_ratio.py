"""The durable commit of a five-line sale through the store, against its very statements run bare.

A scratch store records each sale once while its SQL is listened to. Then, turn by turn and in random
order, the sale goes through `store.run(...).result()` in one file, and the same statements with the
same values go straight to sqlcipher3 in another, which holds the same shop.

    python -m benchmarks.commit_ratio [--pairs 1000] [--skus 2000]
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.domain.cart import Cart
from app.domain.catalog import Sku
from app.domain.commission import CommissionPlan
from app.domain.ids import new_id
from app.domain.pricing import price
from app.domain.sale import Sale, Tender, TenderKind, make_sale
from app.domain.times import Moment, TimeQuality
from app.ports import Priority
from app.wire.messages import SkuRow, StockRow
from offline_store import open_store
from offline_store.connection import open_reader, open_writer
from offline_store.identity import ensure_identity
from offline_store.migrations import migrate
from offline_store.unit_of_work import StoreUnit

if TYPE_CHECKING:
    from sqlite3 import Connection

KEY = bytes(range(32))
PLAN = CommissionPlan("plan", 1, 300)
Statement = tuple[str, Any, bool]


class StillClock:
    """A clock that stands; the store only reads it for keys of the cloud."""

    def now(self) -> Moment:
        """Return the same moment always."""
        return Moment(1_760_000_400_000, 1, "boot", 1_760_000_400_000, TimeQuality.WALL)

    def monotonic(self) -> float:
        """Return seconds."""
        return time.monotonic()

    def worked(self) -> float:
        """Return seconds."""
        return time.thread_time()

    def anchor(self, server_ms: int) -> None:
        """Ignore the server."""


class Listener:
    """A connection that notes what it is told to run."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.heard: list[Statement] = []

    def execute(self, sql: str, values: Any = ()) -> Any:
        """Run and note one statement."""
        self.heard.append((sql, values, False))
        return self._connection.execute(sql, values)

    def executemany(self, sql: str, values: Any) -> Any:
        """Run and note one statement with many values."""
        self.heard.append((sql, values, True))
        return self._connection.executemany(sql, values)


def sku_rows(count: int) -> list[SkuRow]:
    """Return an invented catalogue, ten SKUs to a style."""
    return [
        SkuRow(
            sku_id=f"S{i:06d}",
            style_no=f"Y{i // 10:05d}",
            name="羊毛大衣",
            name_en="Wool coat",
            category=f"c{i % 12}",
            colour_code=f"k{i % 2}",
            colour="黑色",
            colour_en="Black",
            colour_hex="#000000",
            size=str(i % 5),
            size_order=i % 5,
            list_price=10_000 + i,
        )
        for i in range(count)
    ]


def rows_in(file: Path, key: bytes) -> list[SkuRow]:
    """Return the goods a store sells, as far as a sale needs to know them."""
    reader = open_reader(file, key)
    try:
        names = (
            "sku_id, style_no, name, name_en, category, colour_code, colour, colour_en,"
            " colour_hex, size, size_order, list_price"
        )
        rows = reader.execute(f"SELECT {names} FROM sku ORDER BY sku_no").fetchall()  # noqa: S608
    finally:
        reader.close()
    return [SkuRow(**dict(zip(names.replace(",", "").split(), row, strict=True))) for row in rows]


def five_line_sale(number: int, rows: list[SkuRow], chance: random.Random) -> Sale:
    """Return a cash sale of five different goods by one guide."""
    cart = Cart(new_id(), "CNY", guide_id="p-1", member_ref=f"m{number % 500}")
    for row in chance.sample(rows, 5):
        cart = cart.add(
            Sku(
                row.sku_id,
                row.style_no,
                row.name,
                row.name_en,
                row.category,
                row.colour_code,
                row.colour,
                row.colour_en,
                row.colour_hex,
                row.size,
                row.list_price,
            )
        )
    priced = price(cart)
    at = StillClock().now()
    return make_sale(
        priced,
        [Tender(new_id(), TenderKind.CASH, priced.total, given=priced.total)],
        PLAN,
        receipt_no=f"R-{number:06d}",
        business_date="2025-10-09",
        at=at,
        actor="p-1",
    )


def bare_file(file: Path, template: Path, key: bytes) -> Connection:
    """Return a bare write connection on a copy of the template."""
    shutil.copyfile(template, file)
    return open_writer(file, key)


def template_file(folder: Path, rows: list[SkuRow]) -> Path:
    """Make a shop with goods and stock, closed and whole in one file."""
    file = folder / "template.db"
    with open_store(file, KEY, StillClock()) as store:
        for start in range(0, len(rows), 1000):
            page = rows[start : start + 1000]
            figures = [
                StockRow(store="local", sku_id=row.sku_id, quantity=9, as_of_ms=0) for row in page
            ]
            store.run(lambda uow, page=page: uow.put_skus(page)).result()  # type: ignore[misc]
            store.run(lambda uow, figures=figures: uow.put_stock(figures)).result()  # type: ignore[misc]
    return file


def statements_of(listener: Listener, unit: StoreUnit, sale: Sale) -> list[Statement]:
    """Return what recording a sale runs, by doing it in the scratch file."""
    listener.execute("BEGIN IMMEDIATE")
    listener.heard.clear()
    unit.record(sale)
    heard = list(listener.heard)
    listener.execute("COMMIT")
    return heard


def bare_sale(connection: Connection, statements: list[Statement]) -> float:
    """Run a sale's statements bare; return the seconds until it is durable."""
    start = time.perf_counter()
    connection.execute("BEGIN IMMEDIATE")
    for sql, values, many in statements:
        if many:
            connection.executemany(sql, values)
        else:
            connection.execute(sql, values).fetchone()
    connection.execute("COMMIT")
    return time.perf_counter() - start


def measure(pairs: int, skus: int) -> dict[str, float]:
    """Run the pairs in a new shop; return milliseconds and the two ratios."""
    rows = sku_rows(skus)
    with tempfile.TemporaryDirectory() as name:
        return measure_on(template_file(Path(name), rows), KEY, rows, pairs)


def measure_on(template: Path, key: bytes, rows: list[SkuRow], pairs: int) -> dict[str, float]:
    """Run the pairs in copies of a shop that sells `rows`; return milliseconds and the two ratios."""
    chance = random.Random(7)
    with tempfile.TemporaryDirectory(dir=template.parent) as name:
        folder = Path(name)
        bare = bare_file(folder / "bare.db", template, key)
        scratch = bare_file(folder / "scratch.db", template, key)
        scratch.execute("PRAGMA synchronous = OFF")
        migrate(scratch, folder / "scratch.db", key)
        ensure_identity(scratch)
        listener = Listener(scratch)
        unit = StoreUnit(listener, StillClock(), drain_only=False)  # type: ignore[arg-type]
        shutil.copyfile(template, folder / "store.db")
        took: dict[str, list[float]] = {"store": [], "bare": []}
        with open_store(folder / "store.db", key, StillClock()) as store:
            before = store.run(lambda uow: uow.head()).result().seq
            for number in range(pairs + 50):
                sale = five_line_sale(number, rows, chance)
                statements = statements_of(listener, unit, sale)
                turn = ["store", "bare"]
                chance.shuffle(turn)
                for side in turn:
                    if side == "bare":
                        seconds = bare_sale(bare, statements)
                    else:
                        start = time.perf_counter()
                        store.run(lambda uow: uow.record(sale), priority=Priority.SALE).result()  # noqa: B023 - run at once
                        seconds = time.perf_counter() - start
                    if number >= 50:  # the first ones fill caches
                        took[side].append(seconds * 1000)
            assert store.verify_journal() is None
            assert store.run(lambda uow: uow.head()).result().seq == before + pairs + 50
        counted = bare.execute("SELECT count(*) FROM document").fetchone()[0]
        assert counted == before + pairs + 50
        bare.close()
        scratch.close()
    return figures(took)


def figures(took: dict[str, list[float]]) -> dict[str, float]:
    """Return p50 and p99 of both sides and their ratios."""
    result: dict[str, float] = {}
    for name, percent in (("p50", 50), ("p99", 99)):
        cut = {side: statistics.quantiles(ms, n=100)[percent - 1] for side, ms in took.items()}
        result[f"commit_store_{name}_ms"] = round(cut["store"], 3)
        result[f"commit_bare_{name}_ms"] = round(cut["bare"], 3)
        result[f"commit_ratio_{name}"] = round(cut["store"] / cut["bare"], 2)
    return result


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--skus", type=int, default=2000)
    options = parser.parse_args()
    print(json.dumps(measure(options.pairs, options.skus), indent=2))


if __name__ == "__main__":
    main()
