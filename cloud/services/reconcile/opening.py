"""Puts the bills of one cloud together: what compares them, and the rounds that fetch them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from cloud.bootstrap import Cloud
from cloud.db.state import ensure_tenant
from cloud.db.tables import tenant
from cloud.gateways.accounts import AccountUnfit, read, written
from cloud.gateways.base import Offer
from cloud.gateways.bills import day_at
from cloud.gateways.registry import Gateways
from cloud.services.giving_back import GivingBack
from cloud.services.live import Newsroom
from cloud.services.payments import Payments
from cloud.services.reconcile import bills
from cloud.services.reconcile.account import Account
from cloud.services.reconcile.reconciliation import Reconciliation, Result
from cloud.services.reconcile.schedule import Rounds


@dataclass(frozen=True, slots=True)
class Bills:
    """What a cloud does with bills: take one in, and the rounds that fetch what is due."""

    tenant: str
    reconciliation: Reconciliation
    rounds: Rounds


def open_bills(
    cloud: Cloud,
    gateways: Gateways,
    payments: Payments,
    giving_back: GivingBack,
    newsroom: Newsroom,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Bills:
    """Build both on an open cloud; once `is_stopped` they ask providers nothing more."""
    folder = cloud.settings.accounts

    def is_shared(name: str) -> bool:
        try:
            return name in written(folder) and read(folder, name).yes("shared")
        except AccountUnfit:
            return False

    def billing() -> list[str]:
        return [
            name
            for name, gateway in gateways.by_name.items()
            if Offer.BILL in gateway.offers and name not in gateways.spare
        ]

    def kept(account: str, first: date, last: date) -> set[date]:
        of = Account(own, account)
        return cloud.db.read(lambda conn: bills.days_compared(conn, of, first, last))

    def bring(account: str, day: date) -> Result:
        """A bill that is kept and was not compared, because the cloud died between, need not come again."""
        of = Account(own, account)
        if cloud.db.read(lambda conn: bills.find(conn, of, day)) is not None:
            return reconciliation.compare_day(account, day)
        return reconciliation.fetch(account, day)

    own, began_ms = cloud.db.write(lambda conn: _brand(conn, cloud.clock()))
    reconciliation = Reconciliation(
        cloud.db, gateways, payments, giving_back, newsroom, own, is_shared, is_stopped
    )
    rounds = Rounds(billing, kept, bring, cloud.clock, day_at(began_ms), is_stopped)
    return Bills(own, reconciliation, rounds)


def _brand(conn: sa.Connection, now_ms: int) -> tuple[str, int]:
    """Return the brand of this cloud and since when it is."""
    own = ensure_tenant(conn, now_ms)
    began = conn.scalar(sa.select(tenant.c.created_ms).where(tenant.c.tenant_id == own))
    return own, began or 0
