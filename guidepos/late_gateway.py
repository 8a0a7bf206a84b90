"""What a till asks its cloud on somebody's behalf, before anybody asked: HTTP is loaded with the first
payment or claim, on the network thread, so that no start of the till waits for it."""

from __future__ import annotations

import threading

from app.ports import Clock, PaymentGateway, RefundDesk, Store, TaskDesk
from app.wire.messages import PaymentIntent, PaymentView
from app.wire.refunds import RefundRequest, RefundView
from app.wire.tasks import TaskClaim, TaskRow, TaskSettlement


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


class LateTaskDesk:
    """The port `TaskDesk` over whatever cloud the till is enrolled with when it is first asked."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._lock = threading.Lock()
        self._desk: TaskDesk | None = None

    def claim(self, asked: TaskClaim) -> TaskRow:
        """Take a task on oneself."""
        return self._real().claim(asked)

    def settle(self, asked: TaskSettlement) -> TaskRow:
        """Settle a task that was claimed."""
        return self._real().settle(asked)

    def _real(self) -> TaskDesk:
        with self._lock:
            if self._desk is None:
                from app.remote.tasks import CloudTasks
                from guidepos.cloud_link import enrolled_cloud

                self._desk = CloudTasks(enrolled_cloud(self._store, self._clock))
            return self._desk


class LateRefundDesk:
    """The port `RefundDesk` over whatever cloud the till is enrolled with when it is first asked."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._lock = threading.Lock()
        self._desk: RefundDesk | None = None

    def give_back(self, asked: RefundRequest) -> RefundView:
        """Ask for money to go back."""
        return self._real().give_back(asked)

    def query(self, number: str) -> RefundView:
        """Ask how a refund stands."""
        return self._real().query(number)

    def _real(self) -> RefundDesk:
        with self._lock:
            if self._desk is None:
                from app.remote.refunds import CloudRefunds
                from guidepos.cloud_link import enrolled_cloud

                self._desk = CloudRefunds(enrolled_cloud(self._store, self._clock))
            return self._desk
