"""How fast recorded invoices go through the till's services, and how fast sales reach the cloud.

Both through the commands a shop would use, each in a process of its own."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable
from pathlib import Path

from app.domain.ids import new_id
from app.domain.pricing import PricedCart
from app.domain.sale import Tender, TenderKind
from app.domain.times import Moment
from app.ports import UnitOfWork
from app.services.checkout import record_sale
from benchmarks.tills import Floor, run_python
from guidepos.bootstrap import open_till
from guidepos.till import Till
from resources.demo.shop import demo_shop

LINES_EACH = 19
"""Lines of an invoice on average."""
_CODES = 4_000
_BATCH = 500
_SALE_LINES = 5


def replayed(floor: Floor, invoices: int) -> dict[str, float]:
    """Replay a made-up file into an empty till; invoices per second."""
    file = floor.run / "recorded.csv"
    lines = write_recorded(file, invoices)
    home = floor.run / "replay"
    told = run_python("guidepos", ["replay", str(file), "--home", str(home), "--json"])
    figures = json.loads(told)
    assert figures["invoices"] == invoices
    assert figures["lines"] == lines
    assert not figures["skipped"]
    return {
        "replay_invoices_per_s": round(invoices / figures["seconds"], 1),
        "replay_lines_per_invoice": round(lines / invoices, 2),
    }


def write_recorded(file: Path, invoices: int) -> int:
    """Write a file of transactions in the form `guidepos replay` reads; return its lines.

    Sizes of invoices are as uneven as a wholesaler's, 19 lines on average; every fortieth line is a
    cancellation, three in four invoices have a customer.
    """
    chance = random.Random(19)
    sizes = _uneven(chance, invoices)
    prices = {f"{10_000 + code}": chance.randrange(20, 2_000) for code in range(_CODES)}
    codes = list(prices)
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(
            "InvoiceNo StockCode Description Quantity InvoiceDate UnitPrice CustomerID".split()
        )
        for number, size in enumerate(sizes):
            customer = chance.randrange(12_000, 16_000) if chance.random() < 0.75 else ""
            when = f"2011-03-{1 + number % 28:02} {9 + number % 9:02}:{number % 60:02}:00"
            for code in chance.sample(codes, size):
                quantity = -1 if chance.random() < 0.025 else chance.randrange(1, 13)
                price = f"{prices[code] / 100:.2f}"
                name = f"THING NO {code}"
                writer.writerow((536_000 + number, code, name, quantity, when, price, customer))
    return sum(sizes)


def _uneven(chance: random.Random, invoices: int) -> list[int]:
    sizes = [1 + int(chance.expovariate(1 / (LINES_EACH - 1))) for _ in range(invoices)]
    while (over := sum(sizes) - LINES_EACH * invoices) != 0:
        place = chance.randrange(invoices)
        sizes[place] = max(1, sizes[place] - (1 if over > 0 else -1))
    return sizes


def pushed(floor: Floor, sales: int) -> dict[str, float]:
    """Record sales of five lines, then send them; sales per second of the whole exchange."""
    home = floor.enrolled("push", 1_000)
    till = open_till(home)
    try:
        record_sales(till, sales)
    finally:
        till.close()
    figures = json.loads(run_python("guidepos", ["sync", "--once", "--json", "--home", str(home)]))
    assert figures["pushed"] == sales, figures
    assert figures["unsent"] == figures["exceptions"] == 0, figures
    return {"push_sales_per_s": round(sales / figures["seconds"], 1)}


def record_sales(till: Till, sales: int, at: Callable[[int], Moment] | None = None) -> None:
    """Record cash sales of five of the demo's goods, many to a transaction.

    `at` says when each sale was made, by its number from 0; without it all are made now.
    """
    chance = random.Random(5)
    reader = till.store.reader
    found = [reader.sku(sku.sku_id) for sku in demo_shop(members=0).skus]
    goods = [sku for sku in found if sku is not None]
    guides = [person.person_id for person in reader.people()]
    plan = reader.plan()

    def cart() -> PricedCart:
        priced = till.checkout.open(chance.choice(guides))
        for sku in chance.sample(goods, _SALE_LINES):
            priced = till.checkout.add(priced, sku)
        return priced

    def record(uow: UnitOfWork, carts: list[PricedCart], first: int) -> None:
        for number, priced in enumerate(carts, first):
            paid = Tender(new_id(), TenderKind.CASH, priced.total, given=priced.total)
            made = at(number) if at else till.clock.now()
            record_sale(uow, priced, [paid], plan, made, priced.cart.guide_id)

    for start in range(0, sales, _BATCH):
        carts = [cart() for _ in range(min(_BATCH, sales - start))]
        till.store.run(lambda uow, carts=carts, n=start: record(uow, carts, n)).result()  # type: ignore[misc]
