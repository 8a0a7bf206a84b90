"""A make-believe WeChat Pay, version 3: orders, refunds, certificates, letters, signatures both ways."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, parse_qsl, urlsplit

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cloud.fakes import wechat_bill
from cloud.fakes.arithmetic import PrivateNumbers, PublicNumbers, holds, signed
from cloud.fakes.faults import PORTAL, AtWork, Fault, Faults, Letter, Lost, Reply, Work
from cloud.fakes.wechat_order import Fields, Order, WechatError, requested

_HEADER = re.compile(r'(\w+)="([^"]*)"')


@dataclass
class FakeWechat:
    """One merchant's WeChat Pay. With `certificate` (PEM) it stands at /v3/certificates as `serial`."""

    mchid: str
    appid: str
    merchant: PublicNumbers
    merchant_serial: str
    api_key: bytes = field(repr=False)
    key: PrivateNumbers = field(repr=False)
    serial: str
    now_ms: Callable[[], int]
    certificate: str = ""
    base: str = "https://wechat.invalid"
    skew_s: int = 0
    faults: Faults = field(default_factory=Faults)
    work: Work = field(default_factory=Work)
    has_billed: bool = True
    """Not: the last days' bills are not made yet."""
    letters: Faults = field(default_factory=Faults)
    """What happens to the next notifications."""
    orders: dict[str, Order] = field(default_factory=dict)
    refunds_are: str = "SUCCESS"
    """What it says of every refund it has taken on: SUCCESS, PROCESSING, ABNORMAL or CLOSED."""
    openids: dict[str, str] = field(default_factory=dict)
    outbox: list[Letter] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    receivers: dict[str, Fields] = field(default_factory=dict)
    splits: dict[str, Fields] = field(default_factory=dict)
    returns: dict[str, Fields] = field(default_factory=dict)
    nonces: set[str] = field(default_factory=set)
    files: dict[str, bytes] = field(default_factory=dict)
    """Bills that were announced, by what their address asks for."""

    def exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer one request. Raises Lost, AtWork."""
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if parts.path == "/sns/oauth2/access_token":
            return self._openid(parse_qs(parts.query))
        fault = self.faults.next()
        if fault is Fault.LOSE_REQUEST:
            raise Lost
        self.calls.append(f"{method} {parts.path}")
        if not self._is_merchant(method, path, headers, body):
            return self._answer(
                401, {"code": "SIGN_ERROR", "message": "错误的签名"}, Fault.UNSIGNED
            )
        if parts.path == "/file":
            return Reply(200, {"content-type": "text/plain"}, self.files[parts.query])
        if fault is Fault.SYSTEM_ERROR:
            return self._answer(500, {"code": "SYSTEM_ERROR", "message": "系统异常"}, None)
        asked = json.loads(body) if body else dict(parse_qsl(parts.query))
        try:
            status, said = self._do(method, parts.path, asked)
        except AtWork as work:
            work.finish = lambda: self._answer(*self._do(method, parts.path, asked), None)
            raise
        if fault is Fault.LOSE_ANSWER:
            raise Lost
        if fault is Fault.HTML:
            return PORTAL
        if fault is Fault.DONE_SYSTEM_ERROR:
            status, said = 500, {"code": "SYSTEM_ERROR"}
        if fault is Fault.OTHER_ORDER:
            said |= {"out_trade_no": "0" * 32, "out_refund_no": "0"}
        amount = said.get("amount")
        if fault is Fault.WRONG_AMOUNT and isinstance(amount, dict):
            said["amount"] = amount | {"total": amount["total"] - 1}
        return self._answer(status, said, fault)

    # --- what a customer does ---

    def pay(self, number: str, amount: int | None = None) -> None:
        """Pay, also what was closed: money may be faster than a closing. Notifies."""
        order = self.orders[number]
        order.total = order.total if amount is None else amount
        order.state, order.paid_ms = "SUCCESS", self.now_ms()
        if order.trade_type != "MICROPAY":
            self._notify(order)

    def give_up(self, number: str) -> None:
        """Fail to pay what was asked by a customer's code."""
        self.orders[number].state = "PAYERROR"

    # --- the protocol ---

    def _is_merchant(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bool:
        held = {name.lower(): value for name, value in headers.items()}
        scheme, _, rest = held.get("authorization", "").partition(" ")
        told = dict(_HEADER.findall(rest))
        nonce, stamp = told.get("nonce_str", ""), told.get("timestamp", "")
        text = b"\n".join(
            [method.encode(), path.encode(), stamp.encode(), nonce.encode(), body, b""]
        )
        fresh = stamp.isdigit() and abs(int(stamp) - self.now_ms() // 1000) < 300
        new = bool(nonce) and nonce not in self.nonces
        self.nonces.add(nonce)
        named = (told.get("mchid"), told.get("serial_no")) == (self.mchid, self.merchant_serial)
        return (
            scheme == "WECHATPAY2-SHA256-RSA2048"
            and held.get("accept") == "application/json"
            and bool(held.get("user-agent"))
            and named
            and fresh
            and new
            and holds(self.merchant, text, told.get("signature", ""))
        )

    def _answer(self, status: int, said: Fields, fault: Fault | None) -> Reply:
        body = b"" if status == 204 else json.dumps(said, ensure_ascii=False).encode()
        return Reply(status, self._headers(body, fault), body)

    def _headers(self, body: bytes, fault: Fault | None = None) -> dict[str, str]:
        if fault is Fault.UNSIGNED:
            return {"content-type": "application/json"}
        late = 301 if fault is Fault.STALE else 0
        stamp, nonce = str(self.now_ms() // 1000 + self.skew_s - late), secrets.token_hex(16)
        covered = body + (b" " if fault is Fault.WRONG_SIGNATURE else b"")
        text = b"".join(part + b"\n" for part in (stamp.encode(), nonce.encode(), covered))
        probe = "WECHATPAY/SIGNTEST/" if fault is Fault.PROBE else ""
        return {
            "content-type": "application/json",
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": self.serial,
            "Wechatpay-Signature": probe + signed(self.key, text),
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        }

    def _do(self, method: str, path: str, asked: Fields) -> tuple[int, Fields]:
        doors: list[tuple[str, Callable[..., tuple[int, Fields]]]] = [
            (r"POST /v3/pay/transactions/(native|jsapi|codepay)", self._begin),
            (r"GET /v3/pay/transactions/out-trade-no/([^/]+)", self._show),
            (r"POST /v3/pay/transactions/out-trade-no/([^/]+)/close", self._close),
            (r"POST /v3/pay/transactions/out-trade-no/([^/]+)/reverse", self._reverse),
            (r"POST (/v3/refund/domestic/refunds)", self._refund),
            (r"GET /v3/refund/domestic/refunds/([^/]+)", self._show_refund),
            (r"GET (/v3/certificates)", self._certificates),
            (r"GET (/v3/bill/tradebill)", self._bill),
            (r"POST (/v3/profitsharing/receivers/add)", self._bind),
            (r"POST (/v3/profitsharing/orders)", self._split),
            (r"POST (/v3/profitsharing/orders/unfreeze)", self._split),
            (r"GET /v3/profitsharing/orders/([^/]+)", self._show_split),
            (r"POST (/v3/profitsharing/return-orders)", self._give_back),
            (r"POST /v3/smartguide/guides/([^/]+)/assign", self._assign),
        ]
        for pattern, door in doors:
            found = re.fullmatch(pattern, f"{method} {path}")
            if found:
                try:
                    return door(found.group(1), asked)
                except WechatError as error:
                    return error.status, {"code": error.code, "message": error.code}
        return 404, {"code": "NO_SUCH_URL"}

    def _begin(self, way: str, asked: Fields) -> tuple[int, Fields]:
        if (asked.get("mchid"), asked.get("appid")) != (self.mchid, self.appid):
            raise WechatError(400, "PARAM_ERROR")
        number, total = requested(asked, way)
        payer = asked.get("payer")
        payer = payer if isinstance(payer, dict) else {}
        if way == "codepay":
            return self._collect(asked, number, total, str(payer.get("auth_code", "")))
        order = self._open(asked, number, total, way.upper())
        if way == "jsapi":
            order.openid = order.openid or str(payer["openid"])
            if order.openid != payer["openid"]:
                raise WechatError(400, "INVALID_REQUEST")
            return 200, {"prepay_id": f"wx{number}"}
        return 200, {"code_url": f"weixin://wxpay/bizpayurl?pr=fk{len(self.calls)}"}

    def _open(self, asked: Fields, number: str, total: int, kind: str) -> Order:
        order = self.orders.get(number)
        if order is None:
            notify, attach = str(asked.get("notify_url", "")), str(asked.get("attach", ""))
            ref = f"4200{len(self.orders):024d}"
            order = self.orders[number] = Order(number, total, attach, notify, kind, ref)
        if order.state == "SUCCESS":
            raise WechatError(403, "ORDERPAID")
        if order.state != "NOTPAY":
            raise WechatError(403, "ORDERCLOSED")
        if order.total != total or order.trade_type != kind:
            raise WechatError(403, "OUT_TRADE_NO_USED")
        return order

    def _collect(self, asked: Fields, number: str, total: int, code: str) -> tuple[int, Fields]:
        scene = asked.get("scene_info")
        if not isinstance(scene, dict) or not scene.get("device_ip") or not scene.get("store_info"):
            raise WechatError(400, "PARAM_ERROR")
        if not (len(code) == 18 and code.isdigit() and 10 <= int(code[:2]) <= 15):
            raise WechatError(400, "AUTH_CODE_INVALID")
        order = self._open(asked, number, total, "MICROPAY")
        if code.endswith("1"):
            order.state = "PAYERROR"
            raise WechatError(403, "NOT_ENOUGH")
        if code.endswith("2"):
            order.state = "USERPAYING"
            raise WechatError(400, "USERPAYING")
        self.pay(number)
        return 200, self._fields(order)

    def _existing(self, number: str) -> Order:
        if number not in self.orders:
            raise WechatError(404, "ORDER_NOT_EXIST")
        return self.orders[number]

    def _show(self, number: str, _asked: Fields) -> tuple[int, Fields]:
        return 200, self._fields(self._existing(number))

    def _fields(self, order: Order) -> Fields:
        state = "REFUND" if order.refunds and order.state == "SUCCESS" else order.state
        fields: Fields = {
            "mchid": self.mchid,
            "appid": self.appid,
            "out_trade_no": order.out_trade_no,
            "trade_type": order.trade_type,
            "trade_state": state,
            "trade_state_desc": "说明",
            "attach": order.attach,
            "amount": {"total": order.total, "payer_total": order.total, "currency": "CNY"},
        }
        if order.paid_ms:
            fields |= {"transaction_id": order.transaction_id, "payer": {"openid": "o1"}}
            fields["success_time"] = wechat_bill.china(order.paid_ms).isoformat(timespec="seconds")
        return fields

    def _close(self, number: str, asked: Fields) -> tuple[int, Fields]:
        order = self._existing(number)
        if asked.get("mchid") != self.mchid:
            raise WechatError(400, "PARAM_ERROR")
        if order.state == "SUCCESS":
            raise WechatError(400, "ORDERPAID")
        if order.trade_type == "MICROPAY":
            raise WechatError(403, "INVALID_REQUEST")  # what a customer's code began is reversed
        order.state = "CLOSED" if order.state == "NOTPAY" else order.state
        return 204, {}

    def _reverse(self, number: str, _asked: Fields) -> tuple[int, Fields]:
        order = self._existing(number)
        if order.trade_type != "MICROPAY":
            raise WechatError(403, "INVALID_REQUEST")
        if order.state == "SUCCESS":
            order.refunds["reverse"] = order.total - order.refunded
        order.state = "REVOKED"
        return 200, {"mchid": self.mchid, "appid": self.appid, "out_trade_no": number}

    def _refund(self, _path: str, asked: Fields) -> tuple[int, Fields]:
        order = self._existing(str(asked["out_trade_no"]))
        number, amount = str(asked["out_refund_no"]), asked["amount"]
        if not isinstance(amount, dict) or amount["total"] != order.total or not order.paid_ms:
            raise WechatError(400, "INVALID_REQUEST")
        if not self.work.take_on(number):
            raise WechatError(403, "INVALID_REQUEST")
        if number not in order.refunds:
            if amount["refund"] > order.total - order.refunded:
                raise WechatError(403, "NOT_ENOUGH")
            order.refunds[number] = amount["refund"]
        return 200, self._refund_fields(order, number)

    def _show_refund(self, number: str, _asked: Fields) -> tuple[int, Fields]:
        for order in self.orders.values():
            if number in order.refunds:
                return 200, self._refund_fields(order, number)
        raise WechatError(404, "RESOURCE_NOT_EXISTS")

    def _refund_fields(self, order: Order, number: str) -> Fields:
        return {
            "refund_id": f"50{order.transaction_id[2:]}",
            "out_refund_no": number,
            "out_trade_no": order.out_trade_no,
            "status": self.refunds_are,
            "channel": "ORIGINAL",
            "amount": {"total": order.total, "refund": order.refunds[number], "currency": "CNY"},
        }

    def _certificates(self, _path: str, _asked: Fields) -> tuple[int, Fields]:
        sealed = self._sealed(self.certificate, "certificate")
        one = {"serial_no": self.serial, "encrypt_certificate": sealed}
        return 200, {"data": [one] if self.certificate else []}

    def _bill(self, _path: str, asked: Fields) -> tuple[int, Fields]:
        if not (self.has_billed and any(order.paid_ms for order in self.orders.values())):
            raise WechatError(400, "NO_STATEMENT_EXIST")
        file = wechat_bill.table(self, str(asked["bill_date"]))
        token = f"token={secrets.token_urlsafe(8)}"
        self.files[token] = file
        said: Fields = {"hash_type": "SHA1", "hash_value": wechat_bill.digest(file)}
        return 200, said | {"download_url": f"{self.base}/file?{token}"}

    def _bind(self, _path: str, asked: Fields) -> tuple[int, Fields]:
        self.receivers[str(asked["account"])] = asked
        return 200, {name: asked[name] for name in ("type", "account", "relation_type")}

    def _split(self, path: str, asked: Fields) -> tuple[int, Fields]:
        shares = asked.get("receivers", [])
        if not isinstance(shares, list) or len(shares) > 50:
            raise WechatError(400, "PARAM_ERROR")
        if any(share["account"] not in self.receivers for share in shares):
            raise WechatError(403, "NO_AUTH")
        number = str(asked["out_order_no"])
        paid = [order.total for order in self.orders.values() if order.paid_ms]
        if sum(share["amount"] for share in shares) * 10 > sum(paid) * 3:
            raise WechatError(403, "INVALID_REQUEST")
        done = [share | {"result": "SUCCESS"} for share in shares]
        said: Fields = {"out_order_no": number, "state": "FINISHED", "receivers": done}
        self.splits.setdefault(number, said)
        return 200, self.splits[number] | {"state": "PROCESSING"}

    def _show_split(self, number: str, _asked: Fields) -> tuple[int, Fields]:
        if number not in self.splits:
            raise WechatError(404, "RESOURCE_NOT_EXISTS")
        return 200, self.splits[number]

    def _give_back(self, _path: str, asked: Fields) -> tuple[int, Fields]:
        said = self.returns.setdefault(str(asked["out_return_no"]), asked | {"result": "SUCCESS"})
        return 200, said

    def _assign(self, guide: str, asked: Fields) -> tuple[int, Fields]:
        order = self._existing(str(asked["out_trade_no"]))
        if order.state != "NOTPAY":
            raise WechatError(403, "INVALID_REQUEST")
        order.guide = guide
        return 204, {}

    def _openid(self, query: Mapping[str, list[str]]) -> Reply:
        found = self.openids.pop(query.get("code", [""])[0], "")
        said = {"openid": found} if found else {"errcode": 40029, "errmsg": "invalid code"}
        return Reply(200, {"content-type": "text/plain"}, json.dumps(said).encode())

    def _sealed(self, text: str, aad: str) -> Fields:
        nonce = secrets.token_hex(6)
        sealed = AESGCM(self.api_key).encrypt(nonce.encode(), text.encode(), aad.encode())
        return {
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": nonce,
            "associated_data": aad,
            "ciphertext": base64.b64encode(sealed).decode(),
        }

    def _notify(self, order: Order) -> None:
        told: Fields = {
            "id": secrets.token_hex(16),
            "create_time": wechat_bill.china(self.now_ms()).isoformat(timespec="seconds"),
            "resource_type": "encrypt-resource",
            "event_type": "TRANSACTION.SUCCESS",
            "summary": "支付成功",
            "resource": self._sealed(json.dumps(self._fields(order)), "transaction"),
        }
        body = json.dumps(told, ensure_ascii=False).encode()
        headers = self._headers(body, self.letters.next())
        self.outbox.append(Letter(order.notify_url, headers, body))
