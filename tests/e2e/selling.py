"""Sales of a till without a window, and whether the cloud holds each of them once."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from app.domain.catalog import Sku
from app.domain.commission import CommissionPlan
from app.domain.ids import new_id
from app.domain.sale import Sale, Tender, TenderKind
from app.services.checkout import record_sale
from guidepos.embedded_cloud import EmbeddedCloud
from guidepos.till import Till
from tests.e2e.commands import guidepos

PLAN = CommissionPlan("plan", 1, 300)
COAT = Sku(
    "W1-BLK-M",
    "W1",
    "羊毛大衣",
    "Wool coat",
    "coats",
    "BLK",
    "黑色",
    "Black",
    "#000000",
    "M",
    129_900,
)


def sell(till: Till, count: int) -> list[Sale]:
    """Sell one coat in cash so many times."""
    return [_sold(till) for _ in range(count)]


def _sold(till: Till) -> Sale:
    priced = till.checkout.add(till.checkout.open("g01"), COAT)
    paid = Tender(new_id(), TenderKind.CASH, priced.total, given=priced.total)
    now = till.clock.now()
    return till.store.run(lambda uow: record_sale(uow, priced, [paid], PLAN, now, "g01")).result()


def held(cloud: EmbeddedCloud, folder: Path, sales: list[Sale]) -> bool:
    """Tell whether the cloud's books hold each of these sales exactly once, with its net."""
    file = folder / "cloud.csv"
    guidepos("export", "sales", file, "--data", cloud.data, program="cloud")
    with file.open(encoding="utf-8", newline="") as lines:
        rows = Counter((row["invoice"], int(row["net_minor"])) for row in csv.DictReader(lines))
    return all(rows[sale.receipt_no, sale.total] == 1 for sale in sales)
