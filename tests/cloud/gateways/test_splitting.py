"""Sharing out a payment at both providers: receivers, shares to the fen, repetitions, taking back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from app.errors import Trouble
from cloud.fakes.faults import Fault
from cloud.gateways.alipay.royalty import AlipayRoyalty
from cloud.gateways.base import Charge
from cloud.gateways.signing import rsa
from cloud.gateways.splitting import (
    GiveBack,
    Moved,
    Party,
    Receiver,
    Relation,
    Share,
    Split,
    Splitter,
)
from cloud.gateways.wechat.sharing import WechatSharing
from tests.cloud.gateways.benches import (
    AlipayBench,
    WechatBench,
    alipay_bench,
    charge,
    wechat_bench,
)
from tests.cloud.gateways.records import made_key

BRAND = Receiver(Party.COMPANY, "1900000109", "墨岚服饰有限公司", Relation.BRAND)
GUIDE = Receiver(Party.PERSON, "o-mei", "陈美", Relation.STAFF)


@dataclass
class Sharing:
    splitter: Splitter
    bench: AlipayBench | WechatBench

    def paid(self, amount: int = 170_910) -> tuple[Charge, str]:
        asked = charge(amount)
        self.bench.gateway.create(asked)
        self.bench.pays(asked)
        (piece,) = self.bench.gateway.query(asked.attempt).money
        return asked, piece.ref

    def order(self, *shares: Share) -> Split:
        asked, ref = self.paid()
        return Split(asked.attempt, ref, "split_1", shares)


def at_alipay() -> Sharing:
    bench = alipay_bench()
    return Sharing(AlipayRoyalty(bench.gateway.client), bench)


def at_wechat() -> Sharing:
    bench = wechat_bench(split=True)
    return Sharing(WechatSharing(bench.gateway.client), bench)


@pytest.fixture(params=[at_alipay, at_wechat])
def sharing(request: pytest.FixtureRequest) -> Sharing:
    make: Callable[[], Sharing] = request.param
    return make()


def test_shares_arrive_to_the_fen_and_a_repetition_moves_nothing(sharing: Sharing):
    order = sharing.order(Share(BRAND, 17_091, "品牌"), Share(GUIDE, 5_127, "导购佣金"))
    assert sharing.splitter.bind((BRAND, GUIDE), "bind_1").moved is Moved.DONE
    for _ in range(2):
        assert sharing.splitter.split(order).moved in (Moved.DONE, Moved.PENDING)
    told = sharing.splitter.split_query(order)
    assert told.moved is Moved.DONE
    assert {share.account: share.amount for share in told.shares} == {
        BRAND.account: 17_091,
        GUIDE.account: 5_127,
    }


def test_a_share_of_nothing_is_left_out(sharing: Sharing):
    order = sharing.order(Share(BRAND, 1, "品牌"), Share(GUIDE, 0, "无"))
    sharing.splitter.bind((BRAND,), "bind_1")
    sharing.splitter.split(order)
    assert len(sharing.splitter.split_query(order).shares) == 1


def test_a_receiver_nobody_made_known_is_refused_with_a_reason(sharing: Sharing):
    answer = sharing.splitter.split(sharing.order(Share(BRAND, 1, "品牌")))
    assert answer.moved is Moved.REFUSED
    assert answer.reason


def test_a_split_nobody_sent_is_absent(sharing: Sharing):
    assert sharing.splitter.split_query(sharing.order()).moved is Moved.ABSENT


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.SYSTEM_ERROR, Fault.WRONG_SIGNATURE])
def test_a_split_in_doubt_is_never_taken_for_a_failed_one(sharing: Sharing, fault: Fault):
    order = sharing.order(Share(BRAND, 100, "品牌"))
    sharing.splitter.bind((BRAND,), "bind_1")
    sharing.bench.faults.then(fault)
    with pytest.raises(Trouble):
        sharing.splitter.split(order)
    sharing.splitter.split(order)
    (share,) = sharing.splitter.split_query(order).shares
    assert (share.amount, share.moved) == (100, Moved.DONE)


def test_a_companys_share_can_be_taken_back_at_wechat_and_a_persons_cannot():
    sharing = at_wechat()
    order = sharing.order(Share(BRAND, 100, "品牌"), Share(GUIDE, 100, "佣金"))
    sharing.splitter.bind((BRAND, GUIDE), "bind_1")
    sharing.splitter.split(order)
    back = GiveBack(order, "back_1", BRAND, 100, "退货")
    assert sharing.splitter.give_back(back).moved is Moved.DONE
    persons = sharing.splitter.give_back(replace(back, number="back_2", receiver=GUIDE))
    assert (persons.moved, persons.reason) == (Moved.REFUSED, "PERSONAL_RECEIVER")


def test_names_travel_sealed_to_wechat():
    sharing = at_wechat()
    sharing.splitter.bind((BRAND,), "bind_1")
    assert isinstance(sharing.bench, WechatBench)
    sent = str(sharing.bench.provider.receivers[BRAND.account]["name"])
    assert rsa.unseal(made_key("wechat"), sent) == BRAND.name


def test_a_payment_to_be_shared_is_held_back_and_can_be_released_whole():
    sharing = at_wechat()
    order = sharing.order()
    assert sharing.splitter.split(order).moved is Moved.PENDING
    assert sharing.splitter.split_query(order).moved is Moved.DONE


def test_more_receivers_than_a_call_may_have_are_refused_before_it():
    shares = tuple(Share(replace(BRAND, account=str(n)), 1, "x") for n in range(51))
    for make, count in ((at_alipay, 6), (at_wechat, 51)):
        sharing = make()
        with pytest.raises(ValueError, match="at most"):
            sharing.splitter.split(sharing.order(*shares[:count]))


def test_a_guides_card_is_assigned_before_the_payment_and_not_after():
    sharing = at_wechat()
    assert isinstance(sharing.splitter, WechatSharing)
    assert isinstance(sharing.bench, WechatBench)
    asked = charge()
    sharing.bench.gateway.create(asked)
    sharing.splitter.assign_guide("LLA3WJ6DSZUfiaZDS79FH5Wm5m4X69TBic", asked.attempt)
    (order,) = sharing.bench.provider.orders.values()
    assert order.guide == "LLA3WJ6DSZUfiaZDS79FH5Wm5m4X69TBic"
    sharing.bench.pays(asked)
    with pytest.raises(Trouble):
        sharing.splitter.assign_guide("x", asked.attempt)
