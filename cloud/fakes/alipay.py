"""A make-believe Alipay: the classic protocol of face-to-face payment, trades included.

A trade exists from the customer's scan on, not from the code on. Its answers are written so that careless
readers stumble: braces and quotes inside strings, escaped slashes, fields nobody asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from cloud.fakes.alipay_bill import packed, stamp, yuan
from cloud.fakes.arithmetic import PrivateNumbers, PublicNumbers, holds, signed
from cloud.fakes.faults import PORTAL, AtWork, Fault, Faults, Letter, Lost, Reply, Work

_LOGON = 'wa } ng{"***@example.com'
Fields = dict[str, object]


@dataclass
class Trade:
    """A customer's trade, or a code nobody has scanned yet (`status` empty). Amounts in fen."""

    out_trade_no: str
    total: int
    passback: str
    notify_url: str
    trade_no: str
    status: str = ""
    paid_ms: int = 0
    refunds: dict[str, int] = field(default_factory=dict)

    @property
    def refunded(self) -> int:
        """What went back so far."""
        return sum(self.refunds.values())


class BusinessError(Exception):
    """A call fails for a reason of the business: code 40004 with this sub-code."""


@dataclass
class FakeAlipay:
    """One application's Alipay. `merchant` is its public key, `key` signs what we say."""

    app_id: str
    merchant: PublicNumbers
    key: PrivateNumbers = field(repr=False)
    now_ms: Callable[[], int]
    base: str = "https://alipay.invalid"
    seller_id: str = "2088000000000001"
    cert_sn: str = ""
    """SN of our certificate in certificate mode; then requests must name theirs."""
    faults: Faults = field(default_factory=Faults)
    work: Work = field(default_factory=Work)
    has_billed: bool = True
    """Not: the last days' bills are not made yet."""
    turns_away: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Methods the application may not use, with the code and sub-code that say so."""
    trades: dict[str, Trade] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    """Which order a code's address stands for."""
    outbox: list[Letter] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    relations: dict[str, Fields] = field(default_factory=dict)
    settled: dict[str, list[Fields]] = field(default_factory=dict)

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer one request. Raises Lost, AtWork."""
        if method == "GET":
            day = dict(parse_qsl(urlsplit(url).query)).get("day", "")
            return Reply(200, {"content-type": "application/zip"}, packed(self, day))
        fault = self.faults.next()
        if fault is Fault.LOSE_REQUEST:
            raise Lost
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        called = form.get("method", "")
        self.calls.append(called)
        if not self._is_merchant(form):
            wrong: Fields = {
                "code": "40002",
                "sub_code": "isv.invalid-signature",
                "msg": "Invalid Arguments",
            }
            return self._answer("error", wrong, Fault.UNSIGNED)
        if fault is Fault.SYSTEM_ERROR:
            return self._answer(called, {"code": "20000", "sub_code": "aop.unknow-error"}, None)
        asked, notify_url = json.loads(form["biz_content"]), form.get("notify_url", "")
        try:
            said = self._do(called, asked, notify_url)
        except AtWork as work:
            work.finish = lambda: self._answer(called, self._do(called, asked, notify_url), None)
            raise
        if fault is Fault.LOSE_ANSWER:
            raise Lost
        if fault is Fault.HTML:
            return PORTAL
        if fault is Fault.DONE_SYSTEM_ERROR:
            said = {"code": "40004", "sub_code": "ACQ.SYSTEM_ERROR"}
        if fault is Fault.OTHER_ORDER:
            said["out_trade_no"] = "0" * 32
        if fault is Fault.WRONG_AMOUNT and "total_amount" in said:
            said["total_amount"] = yuan(fen(str(said["total_amount"])) - 1)
        return self._answer(called, said, fault)

    # --- what a customer does ---

    def scan(self, number: str) -> None:
        """Open the code in the wallet: from now on there is a trade."""
        trade = self.trades[number]
        trade.status = trade.status or "WAIT_BUYER_PAY"

    def pay(self, number: str, amount: int | None = None) -> None:
        """Pay, also what was closed: money may be faster than a closing. Notifies."""
        trade = self.trades[number]
        trade.total = trade.total if amount is None else amount
        trade.status, trade.paid_ms = "TRADE_SUCCESS", self.now_ms()
        self._notify(trade)

    def give_up(self, number: str) -> None:
        """Let the trade run out unpaid. Notifies."""
        self.trades[number].status = "TRADE_CLOSED"
        self._notify(self.trades[number])

    # --- the protocol ---

    def _is_merchant(self, form: Mapping[str, str]) -> bool:
        text = "&".join(f"{name}={form[name]}" for name in sorted(form) if name != "sign")
        complete = (
            form.get("app_id") == self.app_id
            and form.get("sign_type") == "RSA2"
            and form.get("charset") == "utf-8"
            and form.get("version") == "1.0"
            and bool(form.get("app_cert_sn")) == bool(self.cert_sn)
            and form.get("timestamp", "")[:10] == stamp(self.now_ms())[:10]
        )
        return complete and holds(self.merchant, text.encode(), form.get("sign", ""))

    def _answer(self, method: str, said: Fields, fault: Fault | None) -> Reply:
        node = method.replace(".", "_") + "_response"
        text = json.dumps(said, ensure_ascii=len(self.calls) % 2 == 0).replace("/", "\\/")
        sign = signed(self.key, text.encode() + (b" " if fault is Fault.WRONG_SIGNATURE else b""))
        if fault is Fault.UNSIGNED:
            sign = ""
        sn = f',"alipay_cert_sn":"{self.cert_sn}"' if self.cert_sn else ""
        quoted = json.dumps(sign).replace("/", "\\/")
        return Reply(
            200,
            {"content-type": "text/html;charset=utf-8"},
            f'{{"{node}":{text}{sn},"sign":{quoted}}}'.encode(),
        )

    def _do(self, method: str, asked: Fields, notify_url: str) -> Fields:
        answers: dict[str, Callable[[Fields, str], Fields]] = {
            "alipay.trade.precreate": self._precreate,
            "alipay.trade.pay": self._pay,
            "alipay.trade.query": lambda asked, _: self._trade(asked),
            "alipay.trade.cancel": lambda asked, _: self._cancel(asked),
            "alipay.trade.close": lambda asked, _: self._close(asked),
            "alipay.trade.refund": lambda asked, _: self._refund(asked),
            "alipay.trade.fastpay.refund.query": lambda asked, _: self._refund_query(asked),
            "alipay.data.dataservice.bill.downloadurl.query": lambda asked, _: self._bill(asked),
            "alipay.trade.royalty.relation.bind": lambda asked, _: self._bind(asked),
            "alipay.trade.order.settle": lambda asked, _: self._settle(asked),
            "alipay.trade.order.settle.query": lambda asked, _: self._settle_query(asked),
        }
        if method.endswith("downloadurl.query") and not self.has_billed:
            return {"code": "40004", "sub_code": "isp.bill_not_exist"}
        if method in self.turns_away:
            code, sub_code = self.turns_away[method]
            return {"code": code, "sub_code": sub_code}
        if method not in answers:
            return {"code": "40002", "sub_code": "isv.invalid-method"}
        try:
            return {"code": "10000", "msg": "Success"} | answers[method](asked, notify_url)
        except BusinessError as error:
            return {"code": "40004", "msg": "Business Failed", "sub_code": f"ACQ.{error}"}

    def _precreate(self, asked: Fields, notify_url: str) -> Fields:
        trade = self._order(asked, notify_url)
        if trade.status in ("TRADE_SUCCESS", "TRADE_CLOSED"):
            raise BusinessError("TRADE_HAS_" + trade.status.removeprefix("TRADE_").rstrip("D"))
        token = f"fk{len(self.calls):08d}"
        self.codes[token] = trade.out_trade_no
        return {"out_trade_no": trade.out_trade_no, "qr_code": f"{self.base}/{token}"}

    def _pay(self, asked: Fields, notify_url: str) -> Fields:
        code = str(asked["auth_code"])
        if not (16 <= len(code) <= 24 and code.isdigit() and 25 <= int(code[:2]) <= 30):
            raise BusinessError("PAYMENT_AUTH_CODE_INVALID")
        if code.endswith("1"):
            raise BusinessError("BUYER_BALANCE_NOT_ENOUGH")
        trade = self._order(asked, notify_url)
        if code.endswith("2"):
            self.scan(trade.out_trade_no)
            return {"code": "10003", "msg": "order success pay inprocess"} | self._fields(trade)
        self.pay(trade.out_trade_no)
        return self._fields(trade)

    def _order(self, asked: Fields, notify_url: str) -> Trade:
        number, total = str(asked["out_trade_no"]), fen(str(asked["total_amount"]))
        if not (number.replace("_", "").isalnum() and len(number) <= 64):
            raise BusinessError("INVALID_PARAMETER")
        if not str(asked["subject"]) or set("/=&") & set(str(asked["subject"])):
            raise BusinessError("INVALID_PARAMETER")
        trade = self.trades.get(number)
        if trade is None:
            trade_no = f"2026{len(self.trades):024d}"
            passback = str(asked.get("passback_params", ""))
            trade = self.trades[number] = Trade(number, total, passback, notify_url, trade_no)
        if trade.total != total:
            raise BusinessError("CONTEXT_INCONSISTENT")
        return trade

    def _trade(self, asked: Fields) -> Fields:
        return self._fields(self._existing(asked))

    def _existing(self, asked: Fields) -> Trade:
        trade = self.trades.get(str(asked["out_trade_no"]))
        if trade is None or not trade.status:
            raise BusinessError("TRADE_NOT_EXIST")
        return trade

    def _fields(self, trade: Trade) -> Fields:
        fields: Fields = {
            "buyer_logon_id": _LOGON,
            "out_trade_no": trade.out_trade_no,
            "trade_no": trade.trade_no,
            "trade_status": trade.status,
            "total_amount": yuan(trade.total),
        }
        if trade.paid_ms:
            fields["send_pay_date"] = fields["gmt_payment"] = stamp(trade.paid_ms)
        return fields

    def _cancel(self, asked: Fields) -> Fields:
        trade = self.trades.get(str(asked["out_trade_no"]))
        if trade is None or not trade.status:
            return {"out_trade_no": str(asked["out_trade_no"]), "retry_flag": "N"}
        action = "refund" if trade.status == "TRADE_SUCCESS" else "close"
        if action == "refund":
            trade.refunds["cancel"] = trade.total - trade.refunded
        trade.status = "TRADE_CLOSED"
        return self._fields(trade) | {"retry_flag": "N", "action": action}

    def _close(self, asked: Fields) -> Fields:
        trade = self._existing(asked)
        if trade.status != "WAIT_BUYER_PAY":
            raise BusinessError("TRADE_STATUS_ERROR")
        trade.status = "TRADE_CLOSED"
        return {"out_trade_no": trade.out_trade_no, "trade_no": trade.trade_no}

    def _refund(self, asked: Fields) -> Fields:
        trade = self._existing(asked)
        number, amount = str(asked["out_request_no"]), fen(str(asked["refund_amount"]))
        if not self.work.take_on(number):
            raise BusinessError("TRADE_NOT_ALLOW_REFUND")
        known = trade.refunds.get(number)
        if known not in (None, amount):
            raise BusinessError("DISCORDANT_REPEAT_REQUEST")
        if known is None and amount > trade.total - trade.refunded:
            raise BusinessError("REASON_TRADE_REFUND_FEE_ERR")
        if amount <= 0:
            raise BusinessError("REFUND_AMT_NOT_EQUAL_TOTAL")
        trade.refunds[number] = amount
        if trade.refunded == trade.total:
            trade.status = "TRADE_CLOSED"
        change = "N" if known is not None else "Y"
        return self._fields(trade) | {"refund_fee": yuan(trade.refunded), "fund_change": change}

    def _refund_query(self, asked: Fields) -> Fields:
        trade = self._existing(asked)
        number = str(asked["out_request_no"])
        if number not in trade.refunds:
            return {}
        return self._fields(trade) | {
            "out_request_no": number,
            "refund_amount": yuan(trade.refunds[number]),
            "refund_status": "REFUND_SUCCESS",
        }

    def _bill(self, asked: Fields) -> Fields:
        if not any(trade.paid_ms for trade in self.trades.values()):
            return {"bill_file_code": "EMPTY_DATA_WITH_BILL_FILE"}
        return {"bill_download_url": f"{self.base}/bill?day={asked['bill_date']}"}

    def _bind(self, asked: Fields) -> Fields:
        receivers = listed(asked["receiver_list"])
        if len(receivers) > 20:
            raise BusinessError("INVALID_PARAMETER")
        self.relations |= {str(each["account"]): each for each in receivers}
        return {"result_code": "SUCCESS"}

    def _settle(self, asked: Fields) -> Fields:
        shares = listed(asked.get("royalty_parameters", []))
        if len(shares) > 5 and asked.get("royalty_mode", "sync") == "sync":
            raise BusinessError("INVALID_PARAMETER")
        if any(str(each["trans_in"]) not in self.relations for each in shares):
            raise BusinessError("ROYALTY_RECEIVER_INVALID")
        number = str(asked["out_request_no"])
        self.settled.setdefault(number, shares)
        return {"trade_no": str(asked["trade_no"]), "settle_no": f"ST{number}"}

    def _settle_query(self, asked: Fields) -> Fields:
        shares = self.settled.get(str(asked.get("out_request_no", "")))
        if shares is None:
            raise BusinessError("SETTLE_NOT_EXIST")
        details = [
            {"operation_type": "transfer", "state": "SUCCESS"}
            | {"trans_in": each["trans_in"], "amount": each["amount"]}
            for each in shares
        ]
        return {"out_request_no": str(asked["out_request_no"]), "royalty_detail_list": details}

    def _notify(self, trade: Trade) -> None:
        told = {name: str(value) for name, value in self._fields(trade).items()} | {
            "notify_id": f"n{len(self.outbox):032d}",
            "notify_type": "trade_status_sync",
            "notify_time": stamp(self.now_ms()),
            "app_id": self.app_id,
            "seller_id": self.seller_id,
            "charset": "utf-8",
            "version": "1.0",
            "passback_params": trade.passback,
            "subject": "大衣 & 围巾=2",
        }
        if self.cert_sn:
            told["alipay_cert_sn"] = self.cert_sn
        text = "&".join(f"{name}={told[name]}" for name in sorted(told))
        told |= {"sign_type": "RSA2", "sign": signed(self.key, text.encode())}
        headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
        self.outbox.append(Letter(trade.notify_url, headers, urlencode(told).encode()))


def fen(text: str) -> int:
    """Read "12.50" as 1250, by characters."""
    whole, _, part = text.partition(".")
    if not (whole.isdigit() and len(part) <= 2 and (part or "0").isdigit()):
        raise BusinessError("INVALID_PARAMETER")
    return int(whole) * 100 + int(part.ljust(2, "0"))


def listed(value: object) -> list[Fields]:
    """Return a list a request has to bring."""
    if not isinstance(value, list):
        raise BusinessError("INVALID_PARAMETER")
    return value
