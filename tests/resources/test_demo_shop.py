"""The demo shop is whole, repeats from its seed, and grows without changing what was there."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import cache
from uuid import UUID

import pytest

from resources.demo.shop import DemoShop, demo_shop, gtin13, styles_for
from resources.garments import drawings


@cache
def shop() -> DemoShop:
    return demo_shop()


def test_it_has_the_size_a_visitor_expects() -> None:
    assert len(shop().stores) == 6
    assert [s.own for s in shop().stores].count(True) == 1
    assert len(shop().people) == 20
    assert len(shop().styles) >= 48
    assert len(shop().skus) >= 300
    assert len(shop().members) == 2000


def test_the_same_seed_gives_the_same_shop_and_another_seed_another() -> None:
    assert demo_shop() == shop()
    assert demo_shop(seed=7).stock != shop().stock


def test_nothing_has_the_same_number_twice() -> None:
    for ids in (
        [sku.sku_id for sku in shop().skus],
        [sku.gtin for sku in shop().skus],
        [style.style_no for style in shop().styles],
        [style.name for style in shop().styles],
        [member.member_ref for member in shop().members],
        [member.phone for member in shop().members],
        [person.person_id for person in shop().people],
        [person.pin for person in shop().people],
        [(row.store, row.sku_id) for row in shop().stock],
    ):
        assert len(set(ids)) == len(ids)


def test_every_article_number_is_a_right_gtin_of_the_in_store_range() -> None:
    for sku in shop().skus:
        assert re.fullmatch(r"2\d{12}", sku.gtin)
        weighted = sum(int(d) * (3 if k % 2 else 1) for k, d in enumerate(sku.gtin))
        assert weighted % 10 == 0


def test_the_check_digit_is_that_of_the_gs1_example() -> None:
    assert gtin13("629104150021") == "6291041500213"


def test_styles_and_skus_agree() -> None:
    styles = {style.style_no: style for style in shop().styles}
    count = Counter(sku.style_no for sku in shop().skus)
    for number, style in styles.items():
        assert count[number] == len(style.colours) * len(style.sizes)
    for sku in shop().skus:
        style = styles[sku.style_no]
        assert (sku.name, sku.category, sku.list_price) == (
            style.name,
            style.category,
            style.list_price,
        )
        assert sku.size == style.sizes[sku.size_order]
        assert re.fullmatch(r"#[0-9A-F]{6}", sku.colour_hex)


def test_every_code_that_is_used_is_defined() -> None:
    categories = {category.code for category in shop().categories}
    assert {style.category for style in shop().styles} == categories
    assert {code for code, _ in shop().plan.rates_bp} == categories
    shown = {style.drawing for style in shop().styles} | {c.drawing for c in shop().categories}
    assert shown <= set(drawings())
    reasons = {reason.code: reason.max_bp for reason in shop().discount_reasons}
    assert set(reasons) == {"manual", "member_tier", "damaged", "staff", "seasonal"}
    for preset in shop().discount_presets:
        assert preset.off_bp <= reasons[preset.reason]
    assert {member.tier for member in shop().members} == {tier.code for tier in shop().tiers}
    assert {p.store for p in shop().people} <= {store.store for store in shop().stores}


def test_money_and_shares_are_whole_and_sensible() -> None:
    assert all(
        type(s.list_price) is int and 10_000 <= s.list_price < 1_000_000 for s in shop().skus
    )
    assert all(0 < bp <= 1_000 for _, bp in shop().plan.rates_bp)
    assert {tier.code: tier.pays_bp for tier in shop().tiers}["gold"] == 9_500


def test_own_stock_is_complete_and_some_of_it_is_broken() -> None:
    own = shop().stores[0].store
    runs: dict[str, list[int]] = defaultdict(list)
    for row in shop().stock:
        assert row.quantity >= 0
        if row.store == own:
            runs[row.sku_id.rsplit("-", 1)[0]].append(row.quantity)
    assert sum(map(len, runs.values())) == len(shop().skus)
    broken = sum(any(run) and not all(run) for run in runs.values())
    assert 0.1 < broken / len(runs) < 0.5
    gone = sum(not any(run) for run in runs.values())
    assert 0 < gone < len(runs) / 5


def test_another_store_has_what_some_own_size_lacks() -> None:
    held: dict[str, dict[str, int]] = defaultdict(dict)
    for row in shop().stock:
        held[row.sku_id][row.store] = row.quantity
    own = shop().stores[0].store
    assert sum(at[own] == 0 and sum(at.values()) > 0 for at in held.values()) >= 50
    assert len({row.age_s for row in shop().stock}) == 6


def test_members_are_people_nobody_can_ring() -> None:
    for member in shop().members:
        assert re.fullmatch(r"154\d{8}", member.phone)
        assert 2 <= len(member.name) <= 4
        assert 1 <= member.birthday_month <= 12
        assert UUID(member.member_ref).version == 4


def test_a_members_tier_follows_from_the_points() -> None:
    lowest = {tier.code: tier.from_points for tier in shop().tiers}
    for member in shop().members:
        earned = [code for code, points in lowest.items() if member.points >= points]
        assert member.tier == earned[-1]


def test_growing_keeps_what_was_there() -> None:
    grown = demo_shop(styles=styles_for(3_000), members=2_500)
    assert grown.styles[: len(shop().styles)] == shop().styles
    assert grown.skus[: len(shop().skus)] == shop().skus
    assert grown.stock[: len(shop().stock)] == shop().stock
    assert grown.members[: len(shop().members)] == shop().members


def test_it_grows_to_a_hundred_thousand_skus_with_names_of_their_own() -> None:
    grown = demo_shop(styles=styles_for(100_000), members=0)
    assert 100_000 <= len(grown.skus) < 100_030
    assert len({style.name for style in grown.styles}) == len(grown.styles)
    assert len({style.style_no for style in grown.styles}) == len(grown.styles)
    assert len({sku.sku_id for sku in grown.skus}) == len(grown.skus)
    assert len({sku.gtin for sku in grown.skus}) == len(grown.skus)


def test_a_hundred_thousand_members_have_a_hundred_thousand_phones() -> None:
    members = demo_shop(styles=0, members=100_000).members
    assert len({member.phone for member in members}) == 100_000
    assert len({member.member_ref for member in members}) == 100_000


def test_fewer_styles_can_be_asked_for_but_not_fewer_than_none() -> None:
    assert demo_shop(styles=5, members=3).styles == shop().styles[:5]
    with pytest.raises(ValueError, match="negative"):
        demo_shop(styles=-1)
