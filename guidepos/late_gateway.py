"""The payment gateway of a till before anybody pays by phone: HTTP is loaded with the first payment,
on the network thread, so that no start of the till waits for it."""

from __future__ import annotations

import threading

from app.ports import Clock, PaymentGateway, Store
from app.wire.messages import PaymentIntent, PaymentView


class LateGateway:
    """The port `PaymentGateway` over whatever cloud the till is enrolled with when it is first asked."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._lock = threading.Lock()
        self._gateway: PaymentGateway | None = None

    def create(self, intent: PaymentIntent) -> PaymentView:
        """Register an order."""
        return self._real().create(intent)

    def query(self, attempt_id: str) -> PaymentView:
        """Ask how an attempt stands."""
        return self._real().query(attempt_id)

    def cancel(self, attempt_id: str) -> PaymentView:
        """Ask for an attempt to be closed."""
        return self._real().cancel(attempt_id)

    def _real(self) -> PaymentGateway:
        with self._lock:
            if self._gateway is None:
                from app.remote.payments import CloudPayments
                from guidepos.cloud_link import enrolled_cloud

                self._gateway = CloudPayments(enrolled_cloud(self._store, self._clock))
            return self._gateway
