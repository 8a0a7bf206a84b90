"""Goods are found by whatever a guide types: characters, pinyin, initials, numbers, colours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.wire.messages import CategoryRow, MemberRow, MembersPage
from app.wire.searchkeys import search_keys, tokens_of
from offline_store.search import member_query_of, phone_tokens, sound_tokens, syllables
from tests.store.shop import config_row, sku_row

CASES = Path(__file__).parents[3] / "shared/data/chinese/pinyin_cases.json"

SHOP = [
    sku_row("W26-170", "黑色", "M", name="羊毛大衣", gtin="6901234567892"),
    sku_row("W26-170", "红色", "L", name="羊毛大衣"),
    sku_row("W26-205", "红色", "S", name="连衣裙", category="dresses"),
    sku_row("S26-031", "蓝色", "M", name="衬衫", category="shirts", price_fen=39_900),
    sku_row("S26-031", "蓝色", "L", name="衬衫", category="shirts", price_fen=45_900),
    sku_row("B26-007", "黑色", "M", name="女靴", category="shoes"),
]


@pytest.fixture
def shop(store):
    store.run(lambda uow: (uow.put_config(config_row()), uow.put_skus(SHOP))).result()
    return store


def found(store, text: str, category: str = "") -> list[str]:
    return [c.style_no for c in store.reader.style_cards(text=text, category=category)]


@pytest.mark.parametrize(
    ("text", "styles"),
    [
        ("衣", ["W26-170", "W26-205"]),
        ("大衣", ["W26-170"]),
        ("羊毛大", ["W26-170"]),
        ("黑色", ["W26-170", "B26-007"]),
        ("黑色 大衣", ["W26-170"]),
        ("黑色大衣", ["W26-170"]),
        ("红大衣", ["W26-170"]),
        ("heise", ["W26-170", "B26-007"]),
        ("HEISE", ["W26-170", "B26-007"]),
        ("yangmaodayi", ["W26-170"]),
        ("dayi", ["W26-170"]),
        ("heise dayi", ["W26-170"]),
        ("heisedayi", ["W26-170"]),
        ("ymdy", ["W26-170"]),
        ("dy", ["W26-170"]),
        ("hsdy", ["W26-170"]),
        ("hsdy 170", ["W26-170"]),
        ("hsdy l", ["W26-170"]),
        ("连衣裙 S", ["W26-205"]),
        ("连衣裙 XL", []),
        ("lyq", ["W26-205"]),
        ("qun", ["W26-205"]),
        ("nvxue", ["B26-007"]),
        ("nuxue", ["B26-007"]),
        ("nüxue", ["B26-007"]),
        ("170", ["W26-170"]),
        ("w26", ["W26-170", "W26-205"]),
        ("W26-170", ["W26-170"]),
        ("w26-170", ["W26-170"]),
        ("Ｗ２６－１７０", ["W26-170"]),
        ("W26-170-BLK-M", ["W26-170"]),
        ("6901234567892", ["W26-170"]),
        ("wool black", ["W26-170", "B26-007"]),
        ("皮草", []),
        ("zzz", []),
        ("zzzz", []),
        ("大衣 衬衫", []),
        ("!!!", []),
        ("大衣 !!!", []),
        ('" OR "', []),
        ("NEAR(", []),
        ("*", []),
        ("😀", []),
    ],
)
def test_goods_are_found_by(shop, text, styles):
    assert found(shop, text) == styles


def test_a_search_stays_inside_its_category(shop):
    assert found(shop, "红色", "dresses") == ["W26-205"]
    assert found(shop, "W26-170", "dresses") == []
    assert found(shop, "", "coats") == ["W26-170"]
    assert found(shop, "", "nothing") == []


def test_without_a_word_all_goods_come_in_the_order_they_came_in(shop):
    assert found(shop, "  ") == ["W26-170", "W26-205", "S26-031", "B26-007"]


def test_the_style_whose_number_was_typed_comes_first(store):
    rows = [sku_row(f"A{i}-100", name="W1 样") for i in range(5)] + [sku_row("W1", name="末")]
    store.run(lambda uow: uow.put_skus(rows)).result()
    assert found(store, "w1")[0] == "W1"
    assert len(found(store, "w1")) == 6


def test_pages_of_a_search_follow_each_other(store):
    rows = [sku_row(f"A{i}", name="大衣") for i in range(7)] + [sku_row("大衣", name="大衣")]
    store.run(lambda uow: uow.put_skus(rows)).result()

    def pages(text: str) -> list[str]:
        return [
            card.style_no
            for offset in range(0, 12, 3)
            for card in store.reader.style_cards(text=text, limit=3, offset=offset)
        ]

    assert pages("大衣") == ["大衣", *(f"A{i}" for i in range(7))]
    assert pages("黑色") == [*(f"A{i}" for i in range(7)), "大衣"]
    assert pages("黑色大衣") == [*(f"A{i}" for i in range(7)), "大衣"]
    assert pages("") == [*(f"A{i}" for i in range(7)), "大衣"]


def test_a_tile_shows_colours_and_the_span_of_prices(shop):
    (card,) = shop.reader.style_cards(text="衬衫")
    assert (card.price_from, card.price_to) == (39_900, 45_900)
    (card,) = shop.reader.style_cards(text="ymdy")
    assert card.colour_hexes == ("#000000", "#cc0000")


def test_a_code_is_found_in_whichever_run_of_goods_it_lies(store):
    goods = [sku_row(f"W{n}", "黑色", "M", gtin=f"690123456789{n}") for n in range(4)]
    store.run(lambda uow: uow.put_skus(goods)).result()

    def far_apart(uow) -> None:
        uow._connection.execute("UPDATE sku SET sku_no = sku_no * 7000 WHERE sku_no > 1")

    store.run(far_apart).result()
    for row in goods:
        assert store.reader.find_code(row.gtin).sku_id == row.sku_id
    assert store.reader.find_code("6909999999999") is None


def test_codes_are_found_as_written_in_capitals_and_as_gtin_of_any_length(shop):
    for code in ("W26-170-BLK-M", " w26-170-blk-m ", "6901234567892", "06901234567892"):
        assert shop.reader.find_code(code).sku_id == "W26-170-BLK-M"
    for code in (
        "",
        "0",
        "6901234567893",
        "W26-170",
        "690123456789200",
        "６９０１２３４５６７８９２",
    ):
        assert shop.reader.find_code(code) is None
    assert shop.reader.sku("W26-170-BLK-M").gtin == "6901234567892"
    assert shop.reader.sku("x") is None


def test_categories_come_in_the_shops_order_with_their_number_of_styles(shop):
    def counts() -> dict[str, int]:
        return {row.code: count for row, count in shop.reader.categories()}

    assert counts() == {"scarves": 0, "coats": 1, "dresses": 1, "shirts": 1, "shoes": 1}
    assert [row.code for row, _ in shop.reader.categories()][:2] == ["scarves", "coats"]
    moved = [sku_row("W26-205", "红色", "S", name="连衣裙", category="coats")]
    shop.run(lambda uow: uow.put_skus(moved)).result()
    assert counts() == {"scarves": 0, "coats": 2, "shirts": 1, "shoes": 1}
    assert found(shop, "红色", "coats") == ["W26-170", "W26-205"]


def test_before_the_shops_document_comes_categories_are_those_goods_name(store):
    store.run(lambda uow: uow.put_skus(SHOP)).result()
    first = store.reader.categories()[0]
    assert first == (CategoryRow(code="coats", name="coats", name_en="coats"), 1)


def test_a_renamed_style_is_found_by_its_new_name_only(shop):
    rows = [sku_row("W26-205", "红色", "S", name="旗袍", category="dresses")]
    shop.run(lambda uow: uow.put_skus(rows)).result()
    assert (found(shop, "旗袍"), found(shop, "连衣裙")) == (["W26-205"], [])


def test_a_sku_that_moves_to_another_style_leaves_the_old_one(shop):
    moved = sku_row("W26-999", "红色", "S", name="连衣裙", sku_id="W26-205-RED-S")
    shop.run(lambda uow: uow.put_skus([moved])).result()
    assert found(shop, "连衣裙") == ["W26-999"]
    assert shop.reader.matrix("W26-205") is None


def test_the_matrix_orders_sizes_by_the_shops_order_and_leaves_gaps(store):
    rows = [
        sku_row("W1", "黑色", "L"),
        sku_row("W1", "黑色", "S"),
        sku_row("W1", "红色", "M"),
    ]
    store.run(lambda uow: uow.put_skus(rows)).result()
    matrix = store.reader.matrix("W1")
    assert matrix.sizes == ("S", "M", "L")
    assert [c[0] for c in matrix.colours] == ["BLK", "RED"]
    assert [[cell is not None for cell in row] for row in matrix.cells] == [
        [True, False, True],
        [False, True, False],
    ]
    assert matrix.as_of_ms is None


@pytest.mark.parametrize(
    ("pinyin", "initials", "parts"),
    [
        ("yangmaodayi", "ymdy", ["yang", "mao", "da", "yi"]),
        ("nannv", "nn", ["nan", "nv"]),
        ("qinggan", "qg", ["qing", "gan"]),
        ("a", "a", ["a"]),
        ("enene", "eee", ["en", "en", "e"]),
        ("zhuangzhuang", "zz", ["zhuang", "zhuang"]),
        ("dayi", "xy", ["dayi"]),
        ("dayi", "dyi", ["da", "y", "i"]),
    ],
)
def test_pinyin_is_cut_where_syllables_begin(pinyin, initials, parts):
    assert syllables(pinyin, initials) == parts


def test_a_very_long_name_is_cut_in_no_time():
    assert syllables("a" * 500, "a" * 200 + "b") == ["a" * 500]


def test_sounds_of_every_end_part_are_kept():
    assert sound_tokens("dayi", "dy") == ["dayi", "yi", "dy", "y"]
    assert sound_tokens("", "") == []


def test_a_phone_is_kept_in_parts_of_three():
    assert [t[1:] for t in phone_tokens("13800")] == ["138", "380", "800"]
    assert phone_tokens("13") == []


@pytest.mark.parametrize("text", ["", "1", "12", "王 1", "!", "王 !"])
def test_too_little_finds_no_members(text):
    assert member_query_of(text)[0] == ""


def cases(kind: str) -> list[dict[str, Any]]:
    if not CASES.exists():
        pytest.skip("shared/data/chinese is not here")
    found: list[dict[str, Any]] = json.loads(CASES.read_text("utf-8"))[kind]
    return found


def test_real_names_are_found_by_every_part_of_their_sound(store):
    """Which reading a name has is decided where it is written; here every part of it is found."""
    names = {
        case["text"]: search_keys(case["text"])
        for case in cases("names_overtrue")
        if tokens_of(case["text"])[:1] == [case["text"][:1]]  # Chinese names among the cases
    }
    rows = [
        MemberRow(
            member_ref=name,
            revision=1,
            name=name,
            search=k.tokens,
            pinyin=k.pinyin,
            initials=k.initials,
        )
        for name, k in names.items()
    ]
    page = MembersPage(rows=rows, cursor="1", more=False, server_ms=1)
    store.run(lambda uow: uow.apply_members(page)).result()
    for name, keys in names.items():
        queries = [name[:1], name[-2:], *keys.pinyin.split()[:1], *keys.initials.split()[:1]]
        for query in filter(None, queries):
            found = store.reader.find_members(query, 100)
            assert name in [member.member_ref for member in found], (name, query)


def test_the_search_cases_of_others_that_our_rules_promise_hold(store):
    """Of pinyin-pro's cases those without its own options: whole syllables and first letters."""
    plain = [
        c
        for c in cases("search")
        if not c["options"] and c["query"].isascii() and c["text"].isalpha()
    ]
    ours = {
        ("女", "nv"): True,
        ("测uuuuuuuuuu试", "cuuuuuu"): False,
    }  # where our written rule differs
    assert plain
    for i, case in enumerate(plain):
        row = sku_row(f"Z{i}", name=case["text"], name_en="")
        store.run(lambda uow, row=row: uow.put_skus([row])).result()
        expected = ours.get((case["text"], case["query"]), case["matches"])
        cards = store.reader.style_cards(text=case["query"], limit=200)
        assert (f"Z{i}" in [c.style_no for c in cards]) == expected, case
