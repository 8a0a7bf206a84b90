"""WeChat Pay behind the `Gateway` protocol: Native and JSAPI orders, the customer's code, what follows."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeVar
from urllib.parse import quote

from app.domain.money import CNY
from app.errors import Code, RuleBroken
from cloud.gateways.base import (
    PENDING,
    Answer,
    AttemptKey,
    Bill,
    Charge,
    Notice,
    NoticeRefused,
    Offer,
    Refund,
    RefundAnswer,
    RefundStanding,
    Reply,
    Standing,
    Started,
    Wallet,
    not_offered,
    unresolved,
)
from cloud.gateways.line import Line
from cloud.gateways.numbers import attempt_of, books, order_number
from cloud.gateways.wechat import bill, oauth, signing
from cloud.gateways.wechat import outcomes as o
from cloud.gateways.wechat.account import WechatAccount
from cloud.gateways.wechat.client import Said, WechatClient, rfc3339
from cloud.gateways.wechat.signing import NotWechat, ResourceUnreadable

T = TypeVar("T")

ORDERS = "/v3/pay/transactions"
BY_CODE = "MICROPAY"
"""The kind of an order that was begun by a customer's code."""
REFUNDS = "/v3/refund/domestic/refunds"
_TAKEN = Reply(204)


class WechatGateway:
    """One merchant at WeChat Pay. Any thread may call it."""

    wallet = Wallet.WECHAT
    offers = frozenset({Offer.QR, Offer.PAGE, Offer.CODE, Offer.REFUND, Offer.BILL, Offer.NOTIFY})

    def __init__(
        self,
        account: Callable[[], WechatAccount],
        line: Line,
        now_ms: Callable[[], int],
        name: str = "wechat",
        number: Callable[[AttemptKey], str] = order_number,
    ) -> None:
        self.name = name
        self._number = number
        self.client = WechatClient(name, account, line, now_ms)

    def create(self, charge: Charge) -> Started:
        """Open an order for a QR (Native), or for our page in WeChat when the payer's openid is known.

        The QR's address lives two hours and can be asked for again with the same contents.
        """
        contents = self._order(charge) | {
            "time_expire": rfc3339(charge.expires_ms),
            "notify_url": self.client.account().notify_url,
        }
        if charge.payer:
            said = self._begin("jsapi", contents | {"payer": {"openid": charge.payer}})
            return self._page(charge, said.text("prepay_id"))
        said = self._begin("native", contents)
        if not said.text("code_url"):
            raise unresolved(self.name, "native: no address")
        return Started(self._number(charge.attempt), said.text("code_url"))

    def pay(self, charge: Charge, code: str) -> Answer:
        """Collect by a customer's code (18 digits that begin with 10 to 15). There is no notification:
        a refusal, too, is only believed once the order itself says how it stands."""
        contents = self._order(charge) | {
            "payer": {"auth_code": code},
            "scene_info": {
                "device_ip": charge.device_ip or "127.0.0.1",
                "store_info": {"out_id": charge.attempt.store[:32]},
            },
        }
        said = self.client.call("POST", f"{ORDERS}/codepay", contents)
        if said.code in o.TYPING:
            return Answer(Standing.PAYING)
        if not said.succeeded:
            answer = self.query(charge.attempt)
            absent = answer.standing is Standing.ABSENT
            return Answer(Standing.DECLINED) if absent else answer
        return self._about(charge.attempt, said)

    def query(self, attempt: AttemptKey) -> Answer:
        """Ask by our number."""
        return self._read_order(attempt, self._look(attempt))

    def cancel(self, attempt: AttemptKey) -> Answer:
        """Reverse an order made by a customer's code, for seven days and not within its first 15 seconds;
        an order of another kind is closed if it is unpaid."""
        account = self.client.account()
        contents = {"appid": account.appid, "mchid": account.merchant.mchid}
        said = self.client.call("POST", f"{self._path(attempt)}/reverse", contents)
        if said.succeeded:
            return Answer(Standing.REVERSED)
        order = self._look(attempt)
        answer = self._read_order(attempt, order)
        if answer.standing is Standing.OPEN and order.text("trade_type") != BY_CODE:
            return self.close(attempt)
        return answer

    def close(self, attempt: AttemptKey) -> Answer:
        """Close an unpaid order, whose number cannot be used again; what was begun by a customer's code
        cannot be closed and is reversed."""
        contents = {"mchid": self.client.account().merchant.mchid}
        said = self.client.call("POST", f"{self._path(attempt)}/close", contents)
        if said.succeeded:
            return Answer(Standing.CLOSED)
        order = self._look(attempt)
        answer = self._read_order(attempt, order)
        if answer.standing in PENDING and order.text("trade_type") == BY_CODE:
            return self.cancel(attempt)
        return answer

    def refund(self, refund: Refund) -> RefundAnswer:
        """Give back, at most fifty times per payment and within a year."""
        contents = {
            "out_trade_no": self._number(refund.attempt),
            "out_refund_no": refund.number,
            "reason": refund.reason[:80] or None,
            "amount": {"refund": refund.amount, "total": refund.total, "currency": CNY.code},
        }
        contents = {name: value for name, value in contents.items() if value is not None}
        said = self.client.call("POST", REFUNDS, contents)
        if not said.succeeded:
            return RefundAnswer(RefundStanding.REFUSED, reason=said.code)
        return self._refunded(refund, said)

    def refund_query(self, refund: Refund) -> RefundAnswer:
        """Ask by our number."""
        said = self.client.call("GET", f"{REFUNDS}/{quote(refund.number, safe='')}")
        if said.code in o.NO_REFUND:
            return RefundAnswer(RefundStanding.ABSENT)
        if not said.succeeded:
            raise unresolved(self.name, f"refund query: {said.code}")
        return self._refunded(refund, said)

    def bill(self, day: date) -> Bill:
        """Fetch the bill of a past day; WeChat Pay has it from about ten the next morning."""
        return bill.fetch(self.client, self.name, day)

    def read_bill(self, file: bytes, day: date | None = None) -> Bill:
        """Read a bill that was downloaded by hand. Raises BillUnreadable."""
        return bill.read(file, day, self.client.account().merchant.mchid)

    def hear(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """Verify and open a notification; 204 ends its retries, an error brings it again."""
        try:
            self.client.check(headers, body)
        except NotWechat as error:
            raise NoticeRefused(error.doubt.value, _again(401)) from error
        account = self.client.account()
        try:
            told = json.loads(body)
            kind = str(told["event_type"])
            order = json.loads(signing.open_resource(told["resource"], account.api_key))
            attempt = attempt_of(str(order.get("out_trade_no", "")), str(order.get("attach", "")))
            ours = self._is_ours(order)
            if not ours or attempt is None or kind != "TRANSACTION.SUCCESS":
                return Notice(None, None, _TAKEN)
            return Notice(attempt, o.standing(order), _TAKEN)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NoticeRefused("not a notification", _again(400)) from error
        except ResourceUnreadable as error:
            raise NoticeRefused("not sealed with our key", _again(401)) from error

    def payer_url(self, back: str, state: str) -> str:
        """Return where WeChat tells us who has our page open, without asking the customer anything."""
        return oauth.authorize_url(self.client, back, state)

    def payer(self, code: str) -> str:
        """Change OAuth's code for the openid of who has our page open."""
        return oauth.openid(self.client, code)

    def _order(self, charge: Charge) -> dict[str, object]:
        if charge.currency != CNY.code:
            raise not_offered(self.name)
        account = self.client.account()
        order: dict[str, object] = {
            "appid": account.appid,
            "mchid": account.merchant.mchid,
            "description": charge.merchant[:40] or "GuidePOS",
            "out_trade_no": self._number(charge.attempt),
            "attach": books(charge.attempt),
            "amount": {"total": charge.amount, "currency": CNY.code},
        }
        if account.split:
            order["settle_info"] = {"profit_sharing": True}
        return order

    def _begin(self, way: str, contents: Mapping[str, object]) -> Said:
        said = self.client.call("POST", f"{ORDERS}/{way}", contents)
        if said.code in o.ENDED:
            raise RuleBroken(Code.ORDER_CLOSED, provider=self.name, detail=said.code)
        if not said.succeeded:
            raise unresolved(self.name, f"{way}: {said.code}")
        return said

    def _page(self, charge: Charge, prepay_id: str) -> Started:
        if not prepay_id:
            raise unresolved(self.name, "jsapi: no prepay_id")
        account = self.client.account()
        call = signing.page_call(
            account.merchant,
            account.appid,
            prepay_id,
            timestamp=str(self.client.now_ms() // 1000),
            nonce=secrets.token_hex(16),
        )
        return Started(self._number(charge.attempt), "", call)

    def _path(self, attempt: AttemptKey) -> str:
        return f"{ORDERS}/out-trade-no/{self._number(attempt)}"

    def _look(self, attempt: AttemptKey) -> Said:
        mchid = quote(self.client.account().merchant.mchid, safe="")
        return self.client.call("GET", f"{self._path(attempt)}?mchid={mchid}")

    def _read_order(self, attempt: AttemptKey, said: Said) -> Answer:
        if said.code in o.NO_ORDER:
            return Answer(Standing.ABSENT)
        if not said.succeeded:
            raise unresolved(self.name, f"query: {said.code}")
        return self._about(attempt, said)

    def _is_ours(self, order: Mapping[str, object]) -> bool:
        account = self.client.account()
        return (order.get("mchid"), order.get("appid")) == (account.merchant.mchid, account.appid)

    def _about(self, attempt: AttemptKey, said: Said) -> Answer:
        """Read an answer that must be about this attempt of this merchant."""
        ours = said.text("out_trade_no") == self._number(attempt) and self._is_ours(said.fields)
        if not ours or said.text("attach") not in ("", books(attempt)):
            raise unresolved(self.name, "an answer about another order")
        return self._checked(lambda: o.standing(said.fields))

    def _refunded(self, refund: Refund, said: Said) -> RefundAnswer:
        if said.text("out_refund_no") != refund.number:
            raise unresolved(self.name, "an answer about another refund")
        if self._checked(lambda: o.fen(said.fields, "refund")) != refund.amount:
            raise RuleBroken(Code.REFERENCE_ALREADY_USED, provider=self.name)
        return self._checked(lambda: o.refund(said.fields))

    def _checked(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except ValueError as error:
            raise unresolved(self.name, str(error)) from error


def _again(status: int) -> Reply:
    return Reply(status, b'{"code":"FAIL","message":"refused"}', "application/json")
