"""What comes back from a second copy: each record once, under its own id, and nothing is overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain.cart import Cart
from app.errors import Code, RuleBroken
from app.ports import Draft
from app.services.recovery import Recovered, recover
from app.wire.upkeep import EpochAnswer
from offline_store import OfflineStore, open_store
from offline_store.second_copy import SecondCopy
from tests.fakes.clock import FakeClock
from tests.store.conftest import Opener
from tests.store.shop import COAT, at, cart_of, do, enrol_answer, refund_of, sale_of, step_of
from tests.store.test_members import change
from tests.store.test_second_copy import PATIENCE_S, ids_on, on_card, sell, settled, unsent_of


@pytest.fixture
def card(tmp_path: Path) -> Path:
    return tmp_path / "card"


@pytest.fixture
def copy(store: OfflineStore, card: Path) -> SecondCopy:
    return store.begin_second_copy(card)


def take_back(store: OfflineStore, card: Path) -> Recovered:
    copied = on_card(card)
    return recover(store, copied.records, copied.changes)


def test_an_empty_store_gets_everything_back_once(store, card, copy, tmp_path):
    sale = sale_of(cart_of((COAT, 2)))
    do(store, "record", sale)
    (line,) = do(store, "sold_lines", sale.sale_id)
    refund = refund_of((line, 1))
    do(store, "record", refund)
    do(store, "record", step_of("attempt", 1))
    change(store, "join", '{"name": "王小明", "phone": "13812345678"}', "m9")
    settled(copy)
    with open_store(tmp_path / "new.db", b"n" * 32, FakeClock()) as fresh:
        result = take_back(fresh, card)
        assert (result.recorded, result.known, result.unreadable) == (3, 0, [])
        assert result.member_changes == 1
        assert fresh.reader.document(sale.sale_id) == sale
        assert fresh.reader.document(refund.refund_id) == refund
        assert len(fresh.reader.open_attempts()) == 1
        member = fresh.reader.member("m9")
        assert member is not None
        assert member.name == "王小明"
        assert own_stock(fresh) == own_stock(store) == -1
        assert fresh.verify_journal() is None
        again = take_back(fresh, card)
        assert (again.recorded, again.known) == (0, 3)
        assert fresh.reader.sync_status().unsent == 3
        assert fresh.reader.sync_status().member_changes == 1
        assert own_stock(fresh) == -1


def own_stock(store: OfflineStore) -> int:
    def read(uow):
        query = "SELECT quantity FROM stock WHERE sku_id = ? AND store_id = 'local'"
        return uow._connection.execute(query, (COAT.sku_id,)).fetchone()[0]

    return store.run(read).result()


def test_the_very_bytes_come_back(store, card, copy, tmp_path):
    sell(store, 2)
    settled(copy)
    with open_store(tmp_path / "new.db", b"n" * 32, FakeClock()) as fresh:
        take_back(fresh, card)
        ours, back = unsent_of(store), unsent_of(fresh)
    assert [r.body for r in back] == [r.body for r in ours]
    assert [r.header.rec_id for r in back] == [r.header.rec_id for r in ours]
    assert [r.header.t_est_server for r in back] == [r.header.t_est_server for r in ours]


def test_a_copy_of_two_epochs_brings_every_sale_back_once(store, card, copy, tmp_path):
    do(store, "enrol", enrol_answer(), b"k" * 32, "https://shop.example")
    sold = sell(store, 2)
    answer = EpochAnswer(epoch="ab" * 8, ordinal=2, timeline="t", held=[])
    do(store, "open_epoch", answer, "restored", at())
    sold += sell(store, 1)
    settled(copy)
    with open_store(tmp_path / "new.db", b"n" * 32, FakeClock()) as fresh:
        back = take_back(fresh, card)
        assert (back.recorded, back.unreadable) == (3, [])
        assert all(fresh.reader.document(sale_id) is not None for sale_id in sold)


def test_the_cart_of_a_sale_that_came_back_is_a_draft_no_more(store, card, copy, tmp_path):
    cart: Cart = cart_of((COAT, 1))
    do(store, "record", sale_of(cart))
    settled(copy)
    with open_store(tmp_path / "new.db", b"n" * 32, FakeClock()) as restored:
        do(restored, "save_draft", Draft("open", cart, 1))
        do(restored, "save_draft", Draft(cart.cart_id, cart, 1))
        take_back(restored, card)
        assert restored.reader.drafts() == ()


def test_a_receipt_number_given_out_twice_loses_no_sale(store, card, copy, tmp_path):
    lost = sale_of(receipt_no="LOCAL-0-000001")
    do(store, "record", lost)
    settled(copy)
    with open_store(tmp_path / "new.db", b"n" * 32, FakeClock()) as restored:
        kept = sale_of(receipt_no="LOCAL-0-000001")
        do(restored, "record", kept)
        assert take_back(restored, card).recorded == 1
        assert take_back(restored, card).recorded == 0
        assert restored.reader.document_by_receipt("LOCAL-0-000001") == kept
        assert restored.reader.document(lost.sale_id) == lost
        assert restored.verify_journal() is None


def test_a_reference_taken_since_loses_no_sale(store, card, copy, tmp_path):
    do(store, "record", sale_of(cart_of((COAT, 1), reference="X-1")))
    settled(copy)
    with open_store(tmp_path / "new.db", b"n" * 32, FakeClock()) as restored:
        do(restored, "record", sale_of(cart_of((COAT, 1), reference="X-1")))
        assert take_back(restored, card).recorded == 1
        assert take_back(restored, card).known == 1


def test_a_step_of_a_payment_that_went_another_way_is_kept_beside_it(store, card, copy, tmp_path):
    do(store, "record", step_of("attempt", 1))
    settled(copy)
    with open_store(tmp_path / "new.db", b"n" * 32, FakeClock()) as restored:
        do(restored, "record", step_of("attempt", 1))
        assert take_back(restored, card).recorded == 1
        assert take_back(restored, card).known == 1
        assert restored.reader.sync_status().unsent == 2
        assert restored.verify_journal() is None


def test_numbers_go_on_behind_those_that_came_back(store, card, copy, tmp_path):
    number = do(store, "next_receipt_no")
    do(store, "record", sale_of(receipt_no=number))
    settled(copy)
    copied = on_card(card)

    def twice(uow):
        uow.next_receipt_no()
        raise RuleBroken(Code.CART_EMPTY)

    with pytest.raises(RuleBroken):  # gives the number back
        store.run(twice).result()
    assert recover(store, copied.records).known == 1
    assert do(store, "next_receipt_no").endswith("-000002")


def test_a_store_that_came_back_from_a_backup_says_that_the_card_holds_more(
    opened: Opener, file, card
):
    store = opened()
    store.begin_second_copy(card)
    sell(store, 1)
    store.close()
    before = file.read_bytes()
    store = opened()
    store.resume_second_copy()
    lost = sell(store, 2)
    store.close()
    file.write_bytes(before)

    store = opened()
    store.resume_second_copy()
    mine = sell(store, 1)
    standing = store.settled_copy(PATIENCE_S)
    assert standing is not None
    assert (standing.alarm, standing.missing_here) == (Code.COPY_AHEAD, 2)
    assert set(ids_on(card)) >= {*lost, *mine}  # nothing on the card is overwritten
    assert take_back(store, card).recorded == 2
    store.close()
    store = opened()
    store.resume_second_copy()
    standing = store.settled_copy(PATIENCE_S)
    assert standing is not None
    assert standing.alarm is None
    assert set(ids_on(card)) >= {*lost, *mine}
