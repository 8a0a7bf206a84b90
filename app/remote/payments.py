"""Payment attempts of a till, over HTTP."""

from __future__ import annotations

from urllib.parse import quote

from app.remote.cloud import EnrolledCloud
from app.remote.http import Question
from app.wire.messages import (
    PaymentCode,
    PaymentIntent,
    PaymentView,
    ProviderQr,
    ProviderQrView,
    WaysToPay,
)


class CloudPayments:
    """The port `PaymentGateway`.

    Raises Trouble when there is no trustworthy answer, and RuleBroken with the cloud's own code
    (ORDER_PAID, PAYMENT_ALREADY_OPEN, PAYMENT_UNKNOWN …) when a rule of the shop says no.
    """

    def __init__(self, cloud: EnrolledCloud) -> None:
        self._cloud = cloud

    def create(self, intent: PaymentIntent) -> PaymentView:
        """Register an order; the same bytes again change nothing."""
        return self._cloud.ask(Question("POST", "/v1/payments", intent), PaymentView)

    def query(self, attempt_id: str) -> PaymentView:
        """Ask how an attempt stands."""
        return self._cloud.ask(Question("GET", _path(attempt_id)), PaymentView)

    def cancel(self, attempt_id: str) -> PaymentView:
        """Ask for an attempt to be closed; the answer is the truth afterwards, which may be paid."""
        return self._cloud.ask(Question("POST", f"{_path(attempt_id)}/cancel"), PaymentView)

    def collect(self, attempt_id: str, code: PaymentCode) -> PaymentView:
        """Collect by a customer's code; sent again, nothing is collected twice."""
        return self._cloud.ask(Question("POST", f"{_path(attempt_id)}/code", code), PaymentView)

    def own_code(self, attempt_id: str, provider: str) -> ProviderQrView:
        """Ask for a provider's own QR."""
        asked = ProviderQr(provider=provider)
        return self._cloud.ask(Question("POST", f"{_path(attempt_id)}/qr", asked), ProviderQrView)

    def ways(self) -> WaysToPay:
        """Ask what can be done besides showing our page."""
        return self._cloud.ask(Question("GET", "/v1/ways-to-pay"), WaysToPay)


def _path(attempt_id: str) -> str:
    return f"/v1/payments/{quote(attempt_id, safe='')}"
