"""What ways of paying really cost, as billed: `GET /v1/reports/fees?from&to`, of the asking till's store."""

from __future__ import annotations

from app.wire.messages import Message


class FeeRow(Message, frozen=True, kw_only=True):
    """One provider and way of paying over a span of days. Amounts are minor units of `currency`.

    `provider` is the account's name, `way` "qr" (the customer scanned us), "code" (we scanned them) or ""
    where nobody knows. `fee_mills` is what was kept less what came back, in thousandths of a minor
    unit; `rate_bp` the effective fee in hundredths of a percent, -1 where there is none. `cheapest`
    marks the lowest rate of a currency, where there is more than one to choose from.
    """

    provider: str
    way: str
    currency: str
    payments: int
    refunds: int
    paid: int
    given_back: int
    fee_mills: int
    rate_bp: int
    cheapest: bool = False


class FeeReport(Message, frozen=True, kw_only=True):
    """Fees by provider and way."""

    rows: list[FeeRow]
