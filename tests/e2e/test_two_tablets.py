"""Two tablets of one store on a real cloud: what one brings the other sees, one of them acts, and a
revoked one sends and does nothing else. No window: services, stores and HTTP as they are."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from app.domain.people import Person, Role
from app.domain.sale import Sale
from app.errors import Code, RuleBroken, Trouble
from app.services.inbox import Entry, Hold, inbox
from app.wire.tasks import MONEY, PAYMENT
from cloud.__main__ import main as operator
from guidepos.bootstrap import open_till
from guidepos.customer import Phone
from guidepos.demo_home import enrol_with
from guidepos.embedded_cloud import EmbeddedCloud, embedded_cloud
from guidepos.online import sync_engine
from guidepos.till import Till


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    with embedded_cloud(tmp_path_factory.mktemp("cloud")) as running:
        running.load_demo()
        yield running


@pytest.fixture
def tablets(shop: EmbeddedCloud, tmp_path: Path) -> Iterator[tuple[Till, Till]]:
    with closing(open_till(tmp_path / "a")) as one, closing(open_till(tmp_path / "b")) as other:
        for till in (one, other):
            enrol_with(till, shop)
            sync(till)
        yield one, other


def sync(till: Till) -> None:
    report = sync_engine(till).run()
    assert report.trouble is None, report.trouble


def person(till: Till, role: Role) -> Person:
    return next(each for each in till.session.people() if each.role is role)


def cart(till: Till):
    card = till.store.reader.style_cards(category="coat")[0]
    cells = (cell for row in till.stock.matrix(card.style_no).cells for cell in row)
    sku = next(cell.sku for cell in cells if cell is not None)
    return till.checkout.add(till.checkout.open(person(till, Role.GUIDE).person_id), sku)


def seen(till: Till) -> dict[str, Entry]:
    sync(till)
    return {each.key: each for each in inbox(till.store.reader, till.clock.now().server_ms)}


def sell(till: Till) -> Sale:
    priced = cart(till)
    tender = till.checkout.cash_tender(priced, priced.total)
    guide = person(till, Role.GUIDE).person_id
    return till.checkout.complete(priced, [tender], guide).result()


def pay_late(till: Till) -> str:
    """Show a QR, stop, and let the customer pay all the same; return the attempt."""
    guide = person(till, Role.GUIDE)
    attempt = till.payments.start(cart(till), guide).result().attempt
    phone = Phone()
    phone.open(till.payments.qr_text(attempt))
    phone.press("/take")
    phone.press("/pay")
    wallet = phone.url
    till.payments.cancel(attempt.attempt_id).result()
    phone.open(wallet)
    phone.press("/late")
    phone.close()
    return attempt.attempt_id


def test_late_money_of_one_tablet_is_given_back_at_the_other_and_then_delivered_by_none(tablets):
    one, other = tablets
    attempt_id = pay_late(one)
    entry = seen(other)[attempt_id]
    assert entry.task is not None
    assert (entry.task.kind, entry.task.code) == (MONEY, "late")
    assert not entry.can_deliver()
    one.payments.refresh(attempt_id).result()
    assert seen(one)[attempt_id].can_deliver()
    manager = person(other, Role.MANAGER)
    other.tasks.claim(attempt_id, manager).result()
    with pytest.raises(RuleBroken) as caught:
        one.tasks.deliver(attempt_id, person(one, Role.GUIDE)).result()
    assert caught.value.code is Code.TASK_TAKEN
    assert caught.value.facts["till"] == other.store.reader.identity().device_code
    assert seen(one)[attempt_id].hold is Hold.TAKEN
    other.tasks.settle(attempt_id, "refunded", manager, amount=entry.task.amount).result()
    assert attempt_id not in seen(one)
    assert attempt_id not in seen(other)
    with pytest.raises(RuleBroken) as caught:
        one.tasks.deliver(attempt_id, person(one, Role.GUIDE)).result()
    assert caught.value.code is Code.TASK_SETTLED
    assert one.store.reader.documents() == ()


def test_delivered_where_its_cart_is_it_is_settled_at_both(tablets):
    one, other = tablets
    attempt_id = pay_late(one)
    one.payments.refresh(attempt_id).result()
    assert attempt_id in seen(other)
    news = one.tasks.deliver(attempt_id, person(one, Role.GUIDE)).result()
    assert news.sale is not None
    assert attempt_id not in seen(one)
    assert attempt_id not in seen(other)


def test_two_tablets_that_claim_at_once_get_one_answer_each_and_one_gets_it(tablets):
    attempt_id = pay_late(tablets[0])

    def claim(till: Till) -> str:
        try:
            till.tasks.claim(attempt_id, person(till, Role.MANAGER)).result()
        except RuleBroken as refused:
            return refused.code.value
        return "mine"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(claim, tablets)) == ["mine", "task_taken"]


def test_how_a_payment_stands_is_seen_at_the_other_tablet(tablets):
    one, other = tablets
    guide = person(one, Role.GUIDE)
    attempt_id = one.payments.start(cart(one), guide).result().attempt.attempt_id
    entry = seen(other)[attempt_id]
    assert entry.task is not None
    assert (entry.task.kind, entry.task.code, entry.needs_a_person) == (PAYMENT, "waiting", False)
    one.payments.cancel(attempt_id).result()
    entry = seen(other)[attempt_id]
    assert entry.task is not None
    assert entry.task.code == "cancelled"


def test_a_revoked_tablet_drains_and_its_records_wait_for_the_other_s_manager(
    tablets, shop: EmbeddedCloud
):
    one, other = tablets
    sell(one)
    device, data = one.store.reader.identity().device, ["--data", str(shop.data)]
    assert one.store.reader.find_members("138")
    assert operator(["revoke", device, *data]) == 0
    sale = sell(one)  # it has not heard of it yet
    report = sync_engine(one).run()
    assert (report.trouble, report.revoked) == (None, True)
    assert one.store.reader.sync_status().unsent == 0
    assert one.store.reader.find_members("138") == ()
    assert one.conditions().revoked
    with pytest.raises(Trouble) as caught:
        sell(one)
    assert caught.value.code is Code.DEVICE_REVOKED
    (entry,) = [e for e in seen(other).values() if e.task and e.task.device == device]
    assert entry.task is not None
    assert entry.task.code == "device_revoked"
    assert entry.task.amount == one.store.reader.document(sale.sale_id).total + _first(one)
    manager, amount = person(other, Role.MANAGER), entry.task.amount
    row = other.tasks.settle(entry.key, "released", manager, amount=amount).result()
    assert row.resolution == "released"
    assert entry.key not in seen(other)
    assert operator(["reinstate", device, *data]) == 0
    sync(one)
    assert one.store.reader.find_members("138")
    assert sell(one).receipt_no


def _first(till: Till) -> int:
    """Return the total of the sale that was recorded before the revocation and not sent before it."""
    return min(till.store.reader.documents(), key=lambda row: row.at_ms).net
