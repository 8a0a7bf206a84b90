"""Alipay's 当面付 behind the `Gateway` protocol: its QR, the customer's code, and all that follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import NoReturn, TypeVar

from app.domain.money import CNY, plain_amount
from app.errors import Code, RuleBroken
from cloud.gateways.alipay import bill, notify
from cloud.gateways.alipay import outcomes as o
from cloud.gateways.alipay.account import AlipayAccount
from cloud.gateways.alipay.client import AWAITING, FAILED, AlipayClient, Said, china_time
from cloud.gateways.base import (
    Answer,
    AttemptKey,
    Bill,
    Charge,
    Notice,
    Offer,
    Refund,
    RefundAnswer,
    RefundStanding,
    Standing,
    Started,
    Wallet,
    not_offered,
    unresolved,
)
from cloud.gateways.line import Line
from cloud.gateways.numbers import books, order_number

T = TypeVar("T")

_MINUTE_MS = 60_000
_MOST_MINUTES = 120
"""A code dies two hours after it was made, whatever is asked for."""
_SUBJECT = str.maketrans(dict.fromkeys("/=&", " "))
"""Characters a subject may not hold."""


class AlipayGateway:
    """One account at Alipay. Any thread may call it."""

    wallet = Wallet.ALIPAY
    offers = frozenset({Offer.QR, Offer.CODE, Offer.REFUND, Offer.BILL, Offer.NOTIFY})

    def __init__(
        self,
        account: Callable[[], AlipayAccount],
        line: Line,
        now_ms: Callable[[], int],
        name: str = "alipay",
        number: Callable[[AttemptKey], str] = order_number,
    ) -> None:
        self.name = name
        self._number = number
        self.client = AlipayClient(name, account, line, now_ms)

    def create(self, charge: Charge) -> Started:
        """Ask for a code (precreate); asked again, the same order has another code."""
        minutes = -(-(charge.expires_ms - self.client.now_ms()) // _MINUTE_MS)
        life = f"{min(max(minutes, 1), _MOST_MINUTES)}m"
        contents = self._order(charge) | {"qr_code_timeout_express": life}
        said = self.client.call("alipay.trade.precreate", contents, notify=True)
        if o.failed_with(said, o.ASK_AGAIN):
            raise RuleBroken(Code.ORDER_CLOSED, provider=self.name, detail=said.sub_code)
        if not said.succeeded or not said.text("qr_code"):
            self._doubt("precreate", said)
        return Started(self._number(charge.attempt), said.text("qr_code"))

    def pay(self, charge: Charge, code: str) -> Answer:
        """Collect by a customer's code (16 to 24 digits that begin with 25 to 30)."""
        contents = self._order(charge) | {"scene": "bar_code", "auth_code": code}
        said = self.client.call("alipay.trade.pay", contents, notify=True)
        if said.code == AWAITING:
            return Answer(Standing.PAYING)
        if o.failed_with(said, o.ASK_AGAIN):
            return self.query(charge.attempt)
        if said.code == FAILED:
            return Answer(Standing.DECLINED)
        if not said.succeeded:
            self._doubt("pay", said)
        return self._about(charge.attempt, said, lambda: o.paid(said.fields))

    def query(self, attempt: AttemptKey) -> Answer:
        """Ask by our number. Before the customer's scan there is no trade: ABSENT."""
        said = self.client.call("alipay.trade.query", {"out_trade_no": self._number(attempt)})
        if o.failed_with(said, {o.NO_TRADE}):
            return Answer(Standing.ABSENT)
        if not said.succeeded:
            self._doubt("query", said)
        return self._about(attempt, said, lambda: o.standing(said.fields))

    def cancel(self, attempt: AttemptKey) -> Answer:
        """Close what is unpaid and reverse what is paid, within 24 hours of its making.

        Alipay says "success" for a number it does not know; without an `action` nothing was ended, and
        a code nobody has scanned lives on until its own end.
        """
        said = self.client.call("alipay.trade.cancel", {"out_trade_no": self._number(attempt)})
        if o.failed_with(said, {o.NO_TRADE}):
            return Answer(Standing.ABSENT)
        if o.failed_with(said, o.TOO_LATE_TO_CANCEL | o.ASK_AGAIN):
            return self.query(attempt)
        if not said.succeeded or said.text("retry_flag") == "Y":
            self._doubt("cancel", said)
        match said.text("action"):
            case "close":
                return self._about(attempt, said, lambda: Answer(Standing.CLOSED))
            case "refund":
                return self._about(attempt, said, lambda: Answer(Standing.REVERSED))
            case _:
                return Answer(Standing.ABSENT)

    def close(self, attempt: AttemptKey) -> Answer:
        """Close an unpaid trade."""
        said = self.client.call("alipay.trade.close", {"out_trade_no": self._number(attempt)})
        if o.failed_with(said, {o.NO_TRADE}):
            return Answer(Standing.ABSENT)
        if said.code == FAILED:
            return self.query(attempt)
        if not said.succeeded:
            self._doubt("close", said)
        return self._about(attempt, said, lambda: Answer(Standing.CLOSED))

    def refund(self, refund: Refund) -> RefundAnswer:
        """Give back; `fund_change` N means that this request moved nothing, so how it stands is asked."""
        contents = {
            "out_trade_no": self._number(refund.attempt),
            "out_request_no": refund.number,
            "refund_amount": plain_amount(refund.amount, CNY),
            "refund_reason": refund.reason[:256],
        }
        said = self.client.call("alipay.trade.refund", contents)
        if o.failed_with(said, o.OTHER_AMOUNT):
            raise RuleBroken(Code.REFERENCE_ALREADY_USED, provider=self.name)
        if said.code == FAILED or said.code in o.TURNED_AWAY:
            return RefundAnswer(RefundStanding.REFUSED, reason=said.sub_code or said.code)
        if not said.succeeded:
            self._doubt("refund", said)
        if said.text("fund_change") == "Y":
            return RefundAnswer(RefundStanding.DONE, said.text("trade_no"), refund.amount)
        asked = self.refund_query(refund)
        absent = asked.standing is RefundStanding.ABSENT
        return RefundAnswer(RefundStanding.PENDING) if absent else asked

    def refund_query(self, refund: Refund) -> RefundAnswer:
        """Ask by our number, ten seconds after the request at the earliest; sooner ABSENT proves little."""
        contents = {
            "out_trade_no": self._number(refund.attempt),
            "out_request_no": refund.number,
        }
        said = self.client.call("alipay.trade.fastpay.refund.query", contents)
        if said.code == FAILED:
            return RefundAnswer(RefundStanding.ABSENT, reason=said.sub_code)
        if not said.succeeded:
            self._doubt("refund query", said)
        if said.text("refund_status") != "REFUND_SUCCESS":
            return RefundAnswer(RefundStanding.ABSENT)
        if said.text("out_request_no") != refund.number:
            raise unresolved(self.name, "refund query: an answer about another refund")
        given = self._checked("refund query", lambda: o.fen(said.fields.get("refund_amount")))
        return RefundAnswer(RefundStanding.DONE, said.text("trade_no"), given)

    def bill(self, day: date) -> Bill:
        """Fetch the bill of a past day; Alipay has it from about nine the next morning."""
        return bill.fetch(self.client, self.name, day)

    def read_bill(self, file: bytes, day: date | None = None) -> Bill:
        """Read a bill that was downloaded by hand. Raises BillUnreadable."""
        return bill.read(file, day, self.client.account().seller_id)

    def hear(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """Verify a notification by the sorted form fields. The answer that ends its retries is `success`."""
        return notify.read(self.client.account(), body)

    def _order(self, charge: Charge) -> dict[str, object]:
        if charge.currency != CNY.code:
            raise not_offered(self.name)
        account = self.client.account()
        order: dict[str, object] = {
            "out_trade_no": self._number(charge.attempt),
            "total_amount": plain_amount(charge.amount, CNY),
            "subject": charge.merchant.translate(_SUBJECT)[:128].strip() or "GuidePOS",
            "product_code": "FACE_TO_FACE_PAYMENT",
            "time_expire": china_time(charge.expires_ms),
            "passback_params": books(charge.attempt),
            "store_id": charge.attempt.store[:32],
        }
        if account.provider_id:
            order["extend_params"] = {"sys_service_provider_id": account.provider_id}
        return order

    def _about(self, attempt: AttemptKey, said: Said, read: Callable[[], Answer]) -> Answer:
        """Read an answer that must be about this attempt: a signed answer to another question is none."""
        if said.text("out_trade_no") != self._number(attempt):
            raise unresolved(self.name, "an answer about another order")
        return self._checked("answer", read)

    def _checked(self, what: str, read: Callable[[], T]) -> T:
        try:
            return read()
        except ValueError as error:
            raise unresolved(self.name, f"{what}: {error}") from error

    def _doubt(self, what: str, said: Said) -> NoReturn:
        raise unresolved(self.name, f"{what}: {said.code} {said.sub_code}")
