"""Version 7: codes on tags are indexed in runs of SKUs, as they came. Knows no query.

Codes come in no order: one index over all of them had a page written for almost every SKU that came,
most of what taking a catalogue in wrote. In a run only the pages of the newest one change.
"""

from __future__ import annotations

RUN = 8_192
"""SKUs of a run: some fifty pages, and a dozen runs to look through for 100,000 SKUs."""

STATEMENTS = (
    "DROP INDEX sku_gtin",
    f"CREATE INDEX sku_code ON sku (sku_no / {RUN}, gtin14) WHERE gtin14 <> ''",
)
