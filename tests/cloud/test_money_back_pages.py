"""What the phone that paid reads of its money afterwards: given back, in part or whole, late and settled."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from app.domain.ids import new_id
from app.domain.payment import State
from app.errors import Code, RuleBroken
from app.wire.bodies import RefundStepV1
from app.wire.messages import PersonRow
from app.wire.tasks import TaskRow, TaskSettlement
from cloud.bootstrap import Cloud
from cloud.gateways.base import Answer, Money, RefundAnswer, RefundStanding, Standing
from cloud.pages.sheet import shop_time
from cloud.services.feed import put_people
from cloud.settings import Settings
from tests.cloud.conftest import Clock
from tests.cloud.device import a_refund
from tests.cloud.paying import FIVE_MINUTES, Phone, Shop, Shown, Till, open_shop
from tests.cloud.test_giving_back import Script
from tests.cloud.tillside import claimed, push_sale, sold, wish

TOTAL = "¥2,500.00"


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Pages do not depend on the engine."""
    return Settings(data=tmp_path / "cloud")


@pytest.fixture
def shop(cloud: Cloud) -> Iterator[Shop]:
    with open_shop(cloud) as opened:
        manager = PersonRow(person_id="m1", name="店长", name_en="Manager", role="manager", pin="")
        tenant = opened.tenant
        cloud.db.write(lambda conn: put_people(conn, tenant, [manager]))
        yield opened


@pytest.fixture
def script(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Script:
    return Script(shop, monkeypatch)


class Paid:
    """An order, and the phone that paid it."""

    def __init__(self, shop: Shop, till: Till) -> None:
        self.shop, self.till = shop, till
        self.shown: Shown = till.show(shop.client)
        self.phone: Phone = shop.paying(self.shown)

    def in_time(self) -> Paid:
        self.phone.tap("/approve")
        push_sale(self.till, sold(self.shown))
        return self

    def late(self) -> Paid:
        self.phone.tap("/late")
        assert self.shown.view().anomalies == ["late"]
        return self

    def back(self, amount: int) -> None:
        self.shop.desk.giving_back.give_back(wish(self.shown, amount, person="m1"))

    def settle(self, word: str) -> None:
        """A manager settles the money's task by a word."""
        asked = TaskSettlement(
            task_id=self.shown.order.attempt_id,
            claim_id=claimed(self.till, self.shown),
            resolution=word,
            person="m1",
        )
        self.till.device.post("/v1/tasks/settle", asked, TaskRow)

    def read(self, language: str = "en") -> str:
        """Return the page's text without its tags, runs of spaces as one."""
        self.phone.client.headers["Accept-Language"] = language
        text = self.phone.open(self.shown.page).text
        self.phone.client.headers["Accept-Language"] = "en"
        return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))

    def stamp(self) -> str:
        face: str = self.phone.client.get(f"{self.shown.page}/state").json()["face"]
        assert face in self.phone.open(self.shown.page).text
        return face

    def in_cart(self) -> str:
        found = re.search(r'class="pill [a-z]+">([^<]+)<', self.phone.open("/cart").text)
        assert found is not None
        return found.group(1)


@pytest.fixture
def order(shop: Shop, till: Till) -> Paid:
    return Paid(shop, till)


def says(text: str, *pieces: str) -> None:
    for piece in pieces:
        assert piece in text, f"{piece} is not in {text}"


# --- given back -----------------------------------------------------------------------------------


def test_a_part_that_went_back_is_shown_with_how_much_and_when(order: Paid, clock: Clock):
    order.in_time()
    before = order.stamp()
    clock.ahead_ms += FIVE_MINUTES
    order.back(79_800)
    at = shop_time(clock(), "%Y-%m-%d %H:%M")
    says(
        order.read(),
        "Partly refunded",
        "¥798.00 of ¥2,500.00 has gone back to you.",
        f"Paid by you {TOTAL}",
        f"Back in your wallet {at} −¥798.00",
        "Paid in the end ¥1,702.00",
    )
    says(
        order.read("zh"),
        "已部分退款",
        f"您支付的 {TOTAL} 中，已退还 ¥798.00",
        f"已退回钱包 {at} −¥798.00",
        "最终实付 ¥1,702.00",
    )
    assert order.stamp() != before, "the open page must notice"


def test_each_part_has_its_own_line_and_the_whole_is_a_refund(order: Paid):
    order.in_time()
    order.back(79_800)
    order.back(order.shown.order.total - 79_800)
    assert order.shown.view().state == State.REFUNDED
    says(order.read(), "Refunded", "−¥798.00", "−¥1,702.00", "Paid in the end ¥0.00")
    says(order.read("zh"), "已退款", "−¥798.00", "−¥1,702.00", "最终实付 ¥0.00")


def test_without_anything_given_back_there_is_no_word_of_it(order: Paid):
    text = order.in_time().read()
    says(text, f"Paid {TOTAL} Thank you! The guide has seen it already.")
    for word in ("Paid by you", "Back in", "Paid in the end"):
        assert word not in text


@pytest.mark.parametrize(
    ("answer", "english", "chinese"),
    [
        (RefundStanding.PENDING, "On its way back since", "退款处理中"),
        (RefundStanding.STUCK, "Still to come back since", "待门店退还"),
    ],
)
def test_a_part_on_its_way_is_not_called_back_yet(
    order: Paid, script: Script, answer: RefundStanding, english: str, chinese: str
):
    order.in_time()
    script.answers = [RefundAnswer(answer)]
    order.back(79_800)
    text = order.read()
    says(text, "Part of it is on its way back", english, "¥798.00", f"Paid in the end {TOTAL}")
    assert "−¥798.00" not in text
    says(order.read("zh"), "部分退款处理中", chinese)


def test_a_refused_wish_leaves_the_receipt_as_it_was(order: Paid, script: Script):
    order.in_time()
    script.answers = [RefundAnswer(RefundStanding.REFUSED, reason="closed")]
    before = order.stamp()
    order.back(79_800)
    assert order.stamp() == before
    assert "¥798.00 of" not in order.read()


def test_what_was_accepted_and_refused_after_all_is_still_to_come(
    order: Paid, script: Script, clock: Clock
):
    order.in_time()
    script.answers = [
        RefundAnswer(RefundStanding.PENDING),
        RefundAnswer(RefundStanding.REFUSED, reason="account"),
    ]
    order.back(79_800)
    clock.ahead_ms += 24 * 3_600_000
    order.shop.desk.giving_back.sweep()
    says(order.read(), "Still to come back", "¥798.00", f"Paid in the end {TOTAL}")


def test_cash_for_a_return_is_shown_too(order: Paid):
    order.in_time()
    sale = sold(order.shown)
    order.till.device.write("refund", a_refund(sale))
    order.till.device.push()
    says(order.read(), "Given back in cash")
    says(order.read("zh"), "已退现金")


def test_what_only_a_till_remembers_is_shown_after_a_restored_backup(order: Paid):
    order.in_time()
    step = RefundStepV1(
        id=new_id(),
        number=new_id(),
        step=2,
        standing="done",
        attempt=order.shown.order.attempt_id,
        amount=100,
        currency="CNY",
        business_date="2026-11-26",
        sale=order.shown.order.sale_id,
        refund=new_id(),
    )
    order.till.device.write("refund_step", step)
    order.till.device.push()
    says(order.read(), "Back in your wallet", "−¥1.00", "Paid in the end ¥2,499.00")


def test_a_surplus_that_went_back_leaves_a_paid_order(order: Paid):
    order.phone.tap("/twice")
    push_sale(order.till, sold(order.shown))
    says(order.read(), "More was paid than due", "¥2,500.00 too much arrived")
    claim = claimed(order.till, order.shown)
    asked = wish(order.shown, order.shown.order.total, document="", claim_id=claim, person="m1")
    order.shop.desk.giving_back.give_back(asked)
    text = order.read()
    assert "too much arrived" not in text
    says(text, "Paid by you ¥5,000.00", "−¥2,500.00", f"Paid in the end {TOTAL}")


# --- late -----------------------------------------------------------------------------------------


def test_late_money_that_waits_says_so(order: Paid):
    says(order.late().read(), "Received after the order was closed", "Your money is safe")
    assert order.in_cart() == "Arrived late"


def test_late_money_the_shop_handed_goods_over_for_is_paid(order: Paid):
    order.late()
    waiting = order.stamp()
    push_sale(order.till, sold(order.shown))
    text = order.read()
    says(text, "Paid", "the store has handed your pieces over for it")
    assert "order was closed" not in text
    says(order.read("zh"), "付款成功", "门店已为您交付商品")
    assert order.stamp() != waiting
    assert order.in_cart() == "Paid"


def test_late_money_a_person_delivered_for_is_paid_before_the_sale_comes_in(order: Paid):
    order.late().settle("delivered")
    says(order.read(), "the store has handed your pieces over for it")


def test_goods_that_went_out_are_paid_and_a_second_payment_is_too_much(order: Paid):
    order.late()
    money = Money(new_id(), order.shown.order.total, order.shop.cloud.clock())
    order.shop.desk.payments.heard(order.shown.key, Answer(Standing.PAID, (money,)))
    order.settle("delivered")
    assert order.in_cart() == "Paid too much"


def test_late_money_that_went_back_says_so(order: Paid):
    order.late()
    claim = claimed(order.till, order.shown)
    asked = wish(order.shown, order.shown.order.total, document="", claim_id=claim, person="m1")
    order.shop.desk.giving_back.give_back(asked)
    says(order.read(), "Refunded", "Back in your wallet", f"−{TOTAL}", "Paid in the end ¥0.00")
    assert order.in_cart() == "Refunded"


def test_late_money_given_back_by_hand_says_so(order: Paid, clock: Clock):
    order.late().settle("refunded")
    at = shop_time(clock(), "%Y-%m-%d")
    says(order.read(), "Refunded", f"Given back by the store {at}", f"−{TOTAL}")
    says(order.read("zh"), "已退款", "门店已退还")
    assert order.in_cart() == "Refunded"


def test_late_money_settled_otherwise_asks_nobody_to_come_for_pieces(order: Paid):
    order.late().settle("seen")
    text = order.read()
    says(text, "Settled with the store")
    assert "you get your pieces or your money back" not in text


def test_a_proof_of_payment_is_shown_until_all_of_it_has_gone_back(order: Paid):
    order.in_time()
    offered = "Is the shop offline? Show this code"
    says(order.read(), offered)
    order.back(79_800)
    says(order.read(), offered)
    order.back(170_200)
    assert offered not in order.read()


# --- less than was due ----------------------------------------------------------------------------


def test_an_order_that_ended_short_is_never_said_to_have_charged_nothing(
    shop: Shop, order: Paid, script: Script
):
    shop.desk.payments.heard(
        order.shown.key, Answer(Standing.PAID, (Money(new_id(), 100, shop.cloud.clock()),))
    )
    order.shown.cancel()
    assert order.shown.view().received == 100
    text = order.read()
    says(text, "Less arrived than was due", "¥1.00 arrived")
    stranger = shop.phone().open(order.shown.page)
    assert stranger.status_code == 410
    assert "Only part of it was paid" in stranger.text
    for page in (text, stranger.text):
        assert "Nothing was charged" not in page
    assert order.in_cart() == "Partly paid"
    claim = claimed(order.till, order.shown)
    asked = wish(order.shown, 100, document="", claim_id=claim, person="m1")
    script.answers = [RefundAnswer(RefundStanding.DONE)]
    shop.desk.giving_back.give_back(asked)
    says(order.read(), "Refunded", "−¥1.00")


def part_arrives(order: Paid, amount: int = 100) -> None:
    """The provider confirms less than was due while the order is open."""
    payments = order.shop.desk.payments
    money = Money(new_id(), amount, order.shop.cloud.clock())
    payments.heard(order.shown.key, Answer(Standing.PAID, (money,)))


@pytest.mark.parametrize(
    ("language", "pieces"),
    [
        ("en", ("¥1.00 has arrived, ¥2,499.00 is missing", "Partly paid", "do not pay again")),
        ("zh", ("已到账 ¥1.00，还差 ¥2,499.00", "部分到账", "不要再付款")),
    ],
)
def test_an_open_order_says_what_has_come_and_what_is_missing(
    order: Paid, language: str, pieces: tuple[str, ...]
):
    before = order.stamp()
    part_arrives(order)
    text = order.read(language)
    says(text, *pieces)
    assert "Not paid yet" not in text
    assert "尚未付款" not in text
    assert order.stamp() != before, "the open page does not notice"
    assert order.in_cart() == "Partly paid"


def test_a_partly_paid_order_leads_no_phone_to_a_wallet(shop: Shop, order: Paid):
    order.phone.open(order.shown.page)
    waiting = order.phone.here
    part_arrives(order)
    order.phone.open(order.shown.page)
    assert not order.phone.can("/pay")
    order.phone.here = waiting  # a page that was opened before still has its button
    order.phone.tap("/pay")
    assert order.phone.here is not None
    assert "/wallet/" not in str(order.phone.here.url)
    assert "Only part of it has arrived" in order.phone.here.text
    for door in ("code", "code.png"):
        shown = order.phone.open(f"{order.shown.page}/{door}")
        assert "Only part of it has arrived" in shown.text, door
    attempt = shop.desk.payments.find(order.shown.key)
    with pytest.raises(RuleBroken) as refused:
        shop.desk.payments.start(order.shown.key, shop.desk.charge)
    assert refused.value.code is Code.ORDER_CLOSED
    assert attempt.received == 100


@pytest.mark.parametrize("stale", [False, True], ids=["new page", "page opened before"])
def test_a_partly_paid_order_nobody_holds_cannot_be_taken_over(shop: Shop, till: Till, stale: bool):
    shown = till.show(shop.client)
    stranger = shop.phone()
    stranger.open(shown.page)
    money = Money(new_id(), 100, shop.cloud.clock())
    shop.desk.payments.start(shown.key, shop.desk.charge)
    shop.desk.payments.heard(shown.key, Answer(Standing.PAID, (money,)))
    page = stranger.tap("/take") if stale else stranger.open(shown.page)
    assert shop.desk.orders.holder(shown.key) == ""
    assert page.status_code == 410
    assert not stranger.can("/take")
    assert "Only part of it was paid" in page.text
    # The provider's own open order may still take the rest: then nothing goes back.
    says(page.text, "cannot be paid on this phone", "The store sees to what came")


def test_the_rest_that_comes_after_all_makes_a_receipt(order: Paid):
    part_arrives(order)
    part_arrives(order, 249_900)
    says(order.read(), "Paid", "Thank you!")
