"""Which price a SKU had since when, so that an order of a till that was offline can be believed."""

from __future__ import annotations

from sqlalchemy import Table

from cloud.db.base import metadata
from cloud.db.columns import key, whole
from cloud.db.distribution import REFERENCE

price = Table(
    "price",
    metadata,
    *key("tenant_id"),
    whole("mark", primary_key=True),
    *key("sku_id"),
    whole("since_ms", primary_key=True),
    whole("list_price"),
    info=REFERENCE,
)
"""One row per change of a price, minor units. `mark` is how an order that travels in a QR names the SKU
(see `app.wire.portable`); two SKUs may share one, rarely."""
