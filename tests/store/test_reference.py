"""Reference pages, the shop's document, people, and what the device keeps for itself."""

from __future__ import annotations

import msgspec
import pytest

from app.domain.cart import Discount, DiscountKind
from app.domain.commission import NO_PLAN
from app.domain.people import GuideShare, Role
from app.errors import Code, Trouble
from app.ports import Draft
from app.wire.messages import PlanRow, PullAnswer, Row, TierRow
from tests.store.shop import (
    COAT,
    LIN,
    PLAN,
    SCARF,
    WANG,
    cart_of,
    config_row,
    enrol_answer,
    person_row,
    sku_row,
)


def page(stream: str, *rows: Row, cursor: str = "7") -> PullAnswer:
    return PullAnswer(
        stream=stream,
        rows=list(rows),
        cursor=cursor,
        more=False,
        feed_generation=1,
        server_ms=88,
    )


def changed(key: str, value: msgspec.Struct) -> Row:
    return Row(key=key, body=msgspec.Raw(msgspec.json.encode(value)))


def pull(store, *args, **more) -> None:
    store.run(lambda uow: uow.apply_page(page(*args, **more))).result()


def test_before_anything_came_the_shop_is_empty(store):
    reader = store.reader
    assert reader.plan() == NO_PLAN
    assert reader.tiers() == reader.discount_reasons() == reader.people() == ()
    assert reader.categories() == ()
    assert reader.payment_minutes() == 5
    assert reader.store_header().name == ""
    assert reader.style_cards() == ()
    assert reader.sign_in_record(LIN) is None


def test_the_shops_document_is_taken_over(store):
    pull(store, "config", changed("shop", config_row()))
    reader = store.reader
    assert reader.plan() == PLAN
    assert [tier.pays_bp for tier in reader.tiers()] == [9_500]
    assert [reason.code for reason in reader.discount_reasons()] == ["flaw"]
    assert reader.payment_minutes() == 7
    assert reader.store_header().name == "静安店"
    assert store.run(lambda uow: uow.cursor("config")).result() == "7"
    assert reader.sync_status().last_pull_ms == 88


def test_the_header_is_that_of_our_own_store(store):
    store.run(lambda uow: uow.put_config(config_row())).result()
    store.run(lambda uow: uow.enrol(enrol_answer(store="bj01"), b"k", "")).result()
    assert store.reader.store_header().name == "王府井店"


def test_a_shop_without_a_plan_has_the_empty_one(store):
    config = msgspec.structs.replace(config_row(), plan=None)
    store.run(lambda uow: uow.put_config(config)).result()
    assert store.reader.plan() == NO_PLAN


def test_settings_that_make_no_sense_stay_as_they_were(store):
    good = msgspec.structs.replace(config_row(), member_lease_days=9)
    store.run(lambda uow: uow.put_config(good)).result()
    wrong = {
        "member_lease_days": 0,
        "payment_minutes": -1,
        "tiers": [TierRow(code="gold", name="", name_en="", pays_bp=10_001)],
        "plan": PlanRow(plan_id="plan", version=4, default_bp=-1),
        "currency": "EUR",
    }
    told = msgspec.structs.replace(good, **wrong)
    pull(store, "config", Row(key="shop", body=msgspec.Raw(msgspec.json.encode(told))))
    kept = store.reader._config()
    assert kept == msgspec.structs.replace(good, currency="EUR")
    assert store.run(lambda uow: uow.cursor("config")).result() == "7"


def test_settings_that_never_made_sense_are_the_usual_ones(store):
    nameless = TierRow(code="", name="", name_en="", pays_bp=1)
    told = msgspec.structs.replace(
        config_row(), member_lease_days=10**6, day_starts_at=24, tiers=[nameless]
    )
    store.run(lambda uow: uow.put_config(told)).result()
    usual = {"member_lease_days": 30, "day_starts_at": 4, "tiers": []}
    assert store.reader._config() == msgspec.structs.replace(told, **usual)


def test_people_come_and_go_and_failed_sign_ins_stay(store):
    pull(
        store,
        "people",
        changed(LIN, person_row()),
        changed(WANG, person_row(WANG, role="manager", active=False)),
    )
    store.run(lambda uow: uow.note_sign_in(LIN, 3, 99)).result()
    store.run(lambda uow: uow.put_people([person_row(pin="$argon2id$new")])).result()
    record = store.reader.sign_in_record(LIN)
    assert (record.failures, record.locked_until_ms) == (3, 99)
    assert record.pin_hash == "$argon2id$new"
    assert [(p.person_id, p.role, p.active) for p in store.reader.people()] == [
        (LIN, Role.GUIDE, True),
        (WANG, Role.MANAGER, False),
    ]
    pull(store, "people", Row(key=WANG, deleted=True))
    assert [p.person_id for p in store.reader.people()] == [LIN]


def test_goods_come_change_and_go(store):
    rows = [sku_row(size=size) for size in ("S", "M")]
    pull(store, "catalog", *(changed(row.sku_id, row) for row in rows))
    assert store.reader.sku(rows[0].sku_id).list_price == 129_900
    cheaper = sku_row(size="S", price_fen=99_900, price_version=2)
    pull(store, "catalog", changed(cheaper.sku_id, cheaper), cursor="8")
    assert store.reader.sku(cheaper.sku_id).price_version == 2
    (card,) = store.reader.style_cards()
    assert (card.price_from, card.price_to) == (99_900, 129_900)
    pull(store, "catalog", *(Row(key=row.sku_id, deleted=True) for row in rows))
    assert store.reader.style_cards() == store.reader.style_cards(text="大衣") == ()
    assert store.reader.matrix("W26-170") is None
    assert store.reader.categories() == ()
    pull(store, "catalog", Row(key="never was", deleted=True))


def test_a_page_that_cannot_be_read_moves_nothing(store):
    bad = Row(key="x", body=msgspec.Raw(b'{"sku_id": 1}'))
    with pytest.raises(Trouble) as trouble:
        pull(store, "catalog", changed("a", sku_row()), bad)
    assert trouble.value.code is Code.CLOUD_MESSAGE_INVALID
    assert store.reader.style_cards() == ()
    assert store.run(lambda uow: uow.cursor("catalog")).result() == ""


def test_a_stream_of_a_later_version_waits_for_the_upgrade(store):
    pull(store, "weather", Row(key="x", body=msgspec.Raw(b"1")))
    assert store.run(lambda uow: uow.cursor("weather")).result() == ""


def test_state_is_kept_and_unset_is_empty(opened):
    store = opened()
    assert store.reader.state("window") == ""
    store.run(lambda uow: uow.set_state("window", "1280x800")).result()
    store.run(lambda uow: uow.set_state("window", "1024x600")).result()
    assert store.run(lambda uow: uow.state("window")).result() == "1024x600"
    store.close()
    assert opened().reader.state("window") == "1024x600"


def test_a_cart_survives_a_crash_goods_discounts_guides_and_all(opened):
    store = opened()
    cart = cart_of((COAT, 2), (SCARF, 1), reference="W-1").with_member("m1", "gold")
    cart = cart.with_line_discounts(1, (Discount(DiscountKind.PERCENT_OFF, 500, "flaw"),))
    cart = cart.with_line_guides(2, (GuideShare(LIN, 4_000), GuideShare(WANG, 6_000)))
    cart = cart.with_discounts((Discount(DiscountKind.AMOUNT_OFF, 100, "coupon", "rule-1"),))
    store.run(lambda uow: uow.save_draft(Draft("open", cart, 5))).result()
    parked = Draft(cart.cart_id, cart_of((SCARF, 1)), 9)
    store.run(lambda uow: uow.save_draft(parked)).result()
    store.close()
    store = opened()
    assert store.reader.drafts() == (parked, Draft("open", cart, 5))
    assert store.run(lambda uow: uow.draft("open")).result() == cart
    store.run(lambda uow: uow.drop_draft("open")).result()
    assert store.run(lambda uow: uow.draft("open")).result() is None
    assert store.reader.drafts() == (parked,)


def test_a_draft_of_another_version_is_left_alone(store):
    store.run(lambda uow: uow.save_draft(Draft("open", cart_of((COAT, 1)), 5))).result()
    store.run(
        lambda uow: uow._connection.execute("INSERT INTO draft VALUES ('x', '{\"odd\": 1}', 9)")
    ).result()
    assert [draft.slot for draft in store.reader.drafts()] == ["open"]
