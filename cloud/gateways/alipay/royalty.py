"""Alipay's 商家分账: bind receivers, share out a paid trade, ask, take back.

Source: the SDK's models of alipay.trade.royalty.* and alipay.trade.order.settle*. Zero shares are left
out; a synchronous call takes five receivers, which a mirror of the documentation says and nobody here
has tried (PAYMENTS-OPERATIONS.md).
"""

from __future__ import annotations

from app.domain.money import CNY, plain_amount
from cloud.gateways.alipay.client import FAILED, AlipayClient, Said
from cloud.gateways.alipay.outcomes import fen
from cloud.gateways.base import unresolved
from cloud.gateways.numbers import order_number
from cloud.gateways.splitting import (
    GiveBack,
    Moved,
    Receiver,
    Relation,
    Share,
    ShareAnswer,
    Split,
    SplitAnswer,
)

MOST_AT_ONCE = 5
MOST_BOUND_AT_ONCE = 20
_NO_SPLIT = frozenset({"ACQ.SETTLE_NOT_EXIST", "ACQ.TRADE_SETTLE_NOT_EXIST"})
_STATES = {"SUCCESS": Moved.DONE, "PROCESSING": Moved.PENDING, "FAIL": Moved.REFUSED}
_SCENES = {Relation.STAFF: "达人佣金", Relation.PLATFORM: "平台服务费"}
_OTHER_SCENE = "其他"


class AlipayRoyalty:
    """The sharing side of an account at Alipay."""

    def __init__(self, client: AlipayClient, name: str = "alipay") -> None:
        self._client = client
        self._name = name

    def bind(self, receivers: tuple[Receiver, ...], number: str) -> SplitAnswer:
        """Make at most twenty receivers known; they need not agree."""
        if len(receivers) > MOST_BOUND_AT_ONCE:
            raise ValueError("at most twenty receivers at once")
        listed = [
            {
                "type": "userId",
                "account": each.account,
                "name": each.name,
                "memo": each.relation.value,
            }
            for each in receivers
        ]
        contents = {"receiver_list": listed, "out_request_no": number}
        return self._whole(self._client.call("alipay.trade.royalty.relation.bind", contents))

    def split(self, order: Split) -> SplitAnswer:
        """Share out, all or nothing, by amounts. Raises ValueError for more than five receivers."""
        shares = [share for share in order.shares if share.amount]
        if len(shares) > MOST_AT_ONCE:
            raise ValueError("at most five receivers at once")
        contents: dict[str, object] = {
            "out_request_no": order.number,
            "trade_no": order.payment_ref,
            "royalty_parameters": [_parameter(share) for share in shares],
            "royalty_mode": "sync",
        }
        if order.finish:
            contents["extend_params"] = {"royalty_finish": "true"}
        said = self._client.call("alipay.trade.order.settle", contents)
        whole = self._whole(said)
        if whole.moved is not Moved.DONE:
            return whole
        done = tuple(
            ShareAnswer(share.receiver.account, share.amount, Moved.DONE) for share in shares
        )
        return SplitAnswer(Moved.DONE, done)

    def split_query(self, order: Split) -> SplitAnswer:
        """Return what became of each share."""
        contents = {"out_request_no": order.number, "trade_no": order.payment_ref}
        said = self._client.call("alipay.trade.order.settle.query", contents)
        if said.code == FAILED and said.sub_code in _NO_SPLIT:
            return SplitAnswer(Moved.ABSENT)
        whole = self._whole(said)
        details = said.fields.get("royalty_detail_list", [])
        if whole.moved is not Moved.DONE or not isinstance(details, list):
            return whole
        try:
            shares = tuple(_share(each) for each in details)
        except (ValueError, KeyError, TypeError) as error:
            raise unresolved(self._name, "settle query: a detail cannot be read") from error
        return SplitAnswer(worst(shares), shares)

    def give_back(self, back: GiveBack) -> SplitAnswer:
        """Take a share back by a refund of nothing but shares.

        Not for 当面付, where Alipay itself takes shares back in proportion when a sale is refunded.
        """
        parameter = {
            "royalty_type": "transfer",
            "trans_out": back.receiver.account,
            "trans_out_type": "userId",
            "amount": plain_amount(back.amount, CNY),
            "desc": back.why[:100],
        }
        contents = {
            "out_trade_no": order_number(back.split.attempt),
            "out_request_no": back.number,
            "refund_amount": "0.00",
            "refund_royalty_parameters": [parameter],
        }
        return self._whole(self._client.call("alipay.trade.refund", contents))

    def _whole(self, said: Said) -> SplitAnswer:
        if said.code == FAILED:
            return SplitAnswer(Moved.REFUSED, reason=said.sub_code)
        if not said.succeeded:
            raise unresolved(self._name, f"royalty: {said.code} {said.sub_code}")
        return SplitAnswer(Moved.DONE)


def worst(shares: tuple[ShareAnswer, ...]) -> Moved:
    """Return how a split stands as a whole: as its least finished share."""
    order = (Moved.PENDING, Moved.REFUSED, Moved.DONE)
    found = {share.moved for share in shares}
    return next((moved for moved in order if moved in found), Moved.ABSENT)


def _parameter(share: Share) -> dict[str, str]:
    return {
        "royalty_type": "transfer",
        "trans_in": share.receiver.account,
        "trans_in_type": "userId",
        "trans_in_name": share.receiver.name,
        "amount": plain_amount(share.amount, CNY),
        "desc": share.why[:100],
        "royalty_scene": _SCENES.get(share.receiver.relation, _OTHER_SCENE),
    }


def _share(detail: dict[str, object]) -> ShareAnswer:
    moved = _STATES[str(detail["state"])]
    reason = str(detail.get("error_code", "")) if moved is Moved.REFUSED else ""
    return ShareAnswer(str(detail.get("trans_in", "")), fen(detail["amount"]), moved, reason)
