"""What the cloud holds, asked as a merchant would: reports over HTTP, export as a command."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from app.domain.sale import Sale
from app.domain.times import business_date
from app.wire.messages import CommissionRow
from guidepos.cloud_link import enrolled_cloud
from guidepos.embedded_cloud import EmbeddedCloud
from guidepos.reports import commissions, sales
from guidepos.till import Till
from tests.e2e.commands import guidepos


@dataclass(frozen=True, slots=True)
class Books:
    """A cloud's books, seen by one of its tills."""

    cloud: EmbeddedCloud
    till: Till

    def sales_today(self) -> tuple[int, int]:
        """Return how many sales the shop's report holds, and their net."""
        day = business_date(self.till.clock.now()).isoformat()
        rows = sales(enrolled_cloud(self.till.store, self.till.clock), day, day).rows
        return sum(row.sales for row in rows), sum(row.net for row in rows)

    def commission_of(self, sale: Sale) -> list[CommissionRow]:
        """Return the commission entries the cloud holds for a sale."""
        day = business_date(sale.at).isoformat()
        earned = commissions(enrolled_cloud(self.till.store, self.till.clock), day, day)
        return [row for row in earned.rows if row.document == sale.sale_id]

    def exported(self, folder: Path) -> list[tuple[str, int]]:
        """Return (number, net) of every document the cloud exports."""
        file = folder / "cloud.csv"
        guidepos("export", "sales", file, "--data", self.cloud.data, program="cloud")
        with file.open(encoding="utf-8", newline="") as lines:
            return [(row["invoice"], int(row["net_minor"])) for row in csv.DictReader(lines)]

    def hold_once(self, sale: Sale, folder: Path) -> None:
        """Hold the cloud against a sale: there once, with its commission once."""
        numbers = [pair for pair in self.exported(folder) if pair[0] == sale.receipt_no]
        assert numbers == [(sale.receipt_no, sale.total)]
        held = sorted((row.line, row.guide, row.amount) for row in self.commission_of(sale))
        assert held == sorted((one.line_no, one.guide_id, one.amount) for one in sale.commissions)
        assert held
