"""WeChat Pay's 分账: make receivers known, share out a paid order, ask, return, and the shop-guide card.

Source: the official SDKs' profitsharing services, and wechatpayv3 for the guide (支付即服务). A split begins
half a minute after the payment at the earliest, or WeChat Pay says that the order is being worked on.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from cloud.gateways.base import AttemptKey, unresolved
from cloud.gateways.numbers import order_number
from cloud.gateways.signing import rsa
from cloud.gateways.splitting import (
    GiveBack,
    Moved,
    Party,
    Receiver,
    Relation,
    ShareAnswer,
    Split,
    SplitAnswer,
)
from cloud.gateways.wechat.client import Said, WechatClient

_BASE = "/v3/profitsharing"
_TYPES = {Party.COMPANY: "MERCHANT_ID", Party.PERSON: "PERSONAL_OPENID"}
_RELATIONS = {
    Relation.STAFF: "STAFF",
    Relation.STORE: "STORE",
    Relation.BRAND: "BRAND",
    Relation.HEADQUARTERS: "HEADQUARTER",
    Relation.PLATFORM: "SERVICE_PROVIDER",
    Relation.DISTRIBUTOR: "DISTRIBUTOR",
    Relation.SUPPLIER: "SUPPLIER",
    Relation.OTHER: "PARTNER",
}
_RESULTS = {
    "SUCCESS": Moved.DONE,
    "PENDING": Moved.PENDING,
    "PROCESSING": Moved.PENDING,
    "CLOSED": Moved.REFUSED,
    "FAILED": Moved.REFUSED,
}
_NO_SPLIT = frozenset({"RESOURCE_NOT_EXISTS"})
MOST_RECEIVERS = 50


class WechatSharing:
    """The sharing side of a merchant at WeChat Pay."""

    def __init__(self, client: WechatClient, name: str = "wechat") -> None:
        self._client = client
        self._name = name

    def bind(self, receivers: tuple[Receiver, ...], number: str) -> SplitAnswer:
        """Make receivers known one by one; names travel sealed to WeChat Pay. Ends at the first refusal."""
        serial, key = self._client.sealing_key()
        for each in receivers:
            contents = {
                "appid": self._client.account().appid,
                "type": _TYPES[each.party],
                "account": each.account,
                "name": rsa.seal(key, each.name),
                "relation_type": _RELATIONS[each.relation],
            }
            said = self._client.call("POST", f"{_BASE}/receivers/add", contents, sealed_with=serial)
            if not said.succeeded:
                return SplitAnswer(Moved.REFUSED, reason=said.code)
        return SplitAnswer(Moved.DONE)

    def split(self, order: Split) -> SplitAnswer:
        """Share out, or with no shares only release what was held back."""
        shares = [share for share in order.shares if share.amount]
        if len(shares) > MOST_RECEIVERS:
            raise ValueError("at most fifty receivers")
        contents: dict[str, object] = {
            "transaction_id": order.payment_ref,
            "out_order_no": order.number,
        }
        if not shares:
            path = f"{_BASE}/orders/unfreeze"
            contents |= {"description": "解冻全部剩余资金"}
        else:
            path = f"{_BASE}/orders"
            contents |= {
                "appid": self._client.account().appid,
                "unfreeze_unsplit": order.finish,
                "receivers": [
                    {
                        "type": _TYPES[share.receiver.party],
                        "account": share.receiver.account,
                        "amount": share.amount,
                        "description": share.why[:80],
                    }
                    for share in shares
                ],
            }
        return self._read(self._client.call("POST", path, contents))

    def split_query(self, order: Split) -> SplitAnswer:
        """Return what became of each share."""
        number, ref = quote(order.number, safe=""), quote(order.payment_ref, safe="")
        said = self._client.call("GET", f"{_BASE}/orders/{number}?transaction_id={ref}")
        if said.code in _NO_SPLIT:
            return SplitAnswer(Moved.ABSENT)
        return self._read(said)

    def give_back(self, back: GiveBack) -> SplitAnswer:
        """Take a share back from a company that agreed to it. A person's wallet is refused here: nothing
        can be taken from it."""
        if back.receiver.party is Party.PERSON:
            return SplitAnswer(Moved.REFUSED, reason="PERSONAL_RECEIVER")
        contents = {
            "out_order_no": back.split.number,
            "out_return_no": back.number,
            "return_mchid": back.receiver.account,
            "amount": back.amount,
            "description": back.why[:80],
        }
        said = self._client.call("POST", f"{_BASE}/return-orders", contents)
        if not said.succeeded:
            return SplitAnswer(Moved.REFUSED, reason=said.code)
        moved, reason = self._result(said.fields)
        share = ShareAnswer(back.receiver.account, back.amount, moved, reason)
        return SplitAnswer(moved, (share,), reason)

    def assign_guide(self, guide_id: str, attempt: AttemptKey) -> None:
        """Show a guide's card in the payment's message: before the payment, and no harm if it fails.

        Raises Trouble when it did not take.
        """
        path = f"/v3/smartguide/guides/{quote(guide_id, safe='')}/assign"
        said = self._client.call("POST", path, {"out_trade_no": order_number(attempt)})
        if not said.succeeded:
            raise unresolved(self._name, f"guide: {said.code}")

    def _read(self, said: Said) -> SplitAnswer:
        if not said.succeeded:
            return SplitAnswer(Moved.REFUSED, reason=said.code)
        listed = said.fields.get("receivers") or []
        if not isinstance(listed, list):
            raise unresolved(self._name, "profit sharing: no receivers")
        shares = tuple(self._share(each) for each in listed)
        finished = said.text("state") == "FINISHED"
        refused = next((share for share in shares if share.moved is Moved.REFUSED), None)
        if not finished:
            return SplitAnswer(Moved.PENDING, shares)
        if refused is not None:
            return SplitAnswer(Moved.REFUSED, shares, refused.reason)
        return SplitAnswer(Moved.DONE, shares)

    def _share(self, told: Mapping[str, object]) -> ShareAnswer:
        moved, reason = self._result(told)
        amount = told.get("amount")
        if not isinstance(amount, int):
            raise unresolved(self._name, "profit sharing: no amount")
        return ShareAnswer(str(told.get("account", "")), amount, moved, reason)

    def _result(self, told: Mapping[str, object]) -> tuple[Moved, str]:
        moved = _RESULTS.get(str(told.get("result", "PENDING")))
        if moved is None:
            raise unresolved(self._name, "profit sharing: no state")
        return moved, str(told.get("fail_reason") or "") if moved is Moved.REFUSED else ""
