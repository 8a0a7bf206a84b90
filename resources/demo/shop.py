"""Makes the demo shop from a seed: same seed, same shop, on every machine. Pure data, no imports of
the till.

    shop = demo_shop()                                    # the sixty designed styles, 2,000 members
    shop = demo_shop(styles=styles_for(100_000), members=100_000)   # the same brand, grown

The first sixty styles and the first members are the same in both. Prices are in fen; ages are
seconds before the moment the demo is opened, because a fixed date would age.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from resources.demo.people import (
    BRAND,
    BRAND_EN,
    FAMILY,
    GIVEN_FIRST,
    GIVEN_LAST,
    NOTES,
    RARE_GIVEN,
    STAFF,
    STORES,
)
from resources.demo.shapes import (
    Category,
    Colour,
    DemoShop,
    DiscountPreset,
    DiscountReason,
    Member,
    Person,
    Plan,
    Sku,
    Stock,
    Store,
    Style,
    Tier,
)
from resources.demo.wardrobe import CATEGORIES, COLOURS, CUTS, DESIGNS, SIZES, WORDS, Design

__all__ = [
    "Category",
    "Colour",
    "DemoShop",
    "DiscountPreset",
    "DiscountReason",
    "Member",
    "Person",
    "Plan",
    "Sku",
    "Stock",
    "Store",
    "Style",
    "Tier",
    "demo_shop",
    "gtin13",
    "styles_for",
]

TIERS = (
    Tier("normal", "普通会员", "Member", 10_000, 0),
    Tier("silver", "银卡会员", "Silver", 9_800, 2_000),
    Tier("gold", "金卡会员", "Gold", 9_500, 8_000),
)
DISCOUNT_REASONS = (
    DiscountReason("manual", "店内议价", "Agreed in store", 1_000),
    DiscountReason("member_tier", "会员等级", "Member tier", 1_000),
    DiscountReason("damaged", "轻微瑕疵", "Slightly damaged", 3_000),
    DiscountReason("staff", "员工内购", "Staff purchase", 4_000),
    DiscountReason("seasonal", "季末优惠", "End of season", 5_000),
)
DISCOUNT_PRESETS = (
    DiscountPreset("manual_95", "manual", "95 折", "5 % off", 500),
    DiscountPreset("manual_90", "manual", "9 折", "10 % off", 1_000),
    DiscountPreset("damaged_80", "damaged", "瑕疵 8 折", "Damaged, 20 % off", 2_000),
    DiscountPreset("staff_70", "staff", "员工 7 折", "Staff, 30 % off", 3_000),
    DiscountPreset("seasonal_80", "seasonal", "季末 8 折", "Season, 20 % off", 2_000),
    DiscountPreset("seasonal_60", "seasonal", "季末 6 折", "Season, 40 % off", 4_000),
)
PLAN = Plan("plan-store", 1, 200, tuple((code, bp) for code, *_, bp in CATEGORIES))

_STYLE_PREFIX = "MD"
_GTIN_PREFIX = "200"
# Coprime to 10^9 and 10^8: they scatter consecutive numbers without ever meeting twice.
_SCATTER_GTIN = 387_420_489
_SCATTER_PHONE = 62_748_517
# How a run of sizes sells: most pieces in the middle, few at the ends.
_SIZE_CURVE = (0.5, 1.0, 1.3, 1.0, 0.6, 0.35)


def demo_shop(seed: int = 2024, styles: int | None = None, members: int = 2000) -> DemoShop:
    """Return the demo shop of `seed` with `styles` styles (None: the sixty designed ones) and
    `members` members. More than sixty styles are made up from the words of `wardrobe`.

    Raises ValueError for a negative count.
    """
    wanted = len(DESIGNS) if styles is None else styles
    if wanted < 0 or members < 0:
        raise ValueError("styles and members must not be negative")
    made = tuple(_styles(seed, wanted))
    skus = tuple(sku for index, style in enumerate(made) for sku in _skus(index, style))
    return DemoShop(
        brand=BRAND,
        brand_en=BRAND_EN,
        currency="CNY",
        stores=tuple(_store(k) for k in range(len(STORES))),
        people=tuple(Person(*row) for row in STAFF),
        categories=tuple(Category(*row) for row in CATEGORIES),
        styles=made,
        skus=skus,
        stock=tuple(_stock(seed, made)),
        tiers=TIERS,
        discount_reasons=DISCOUNT_REASONS,
        discount_presets=DISCOUNT_PRESETS,
        plan=PLAN,
        members=tuple(_members(seed, members)),
    )


def styles_for(skus: int) -> int:
    """Return the smallest number of styles, sixty or more, that gives at least `skus` SKUs."""
    designed = sum(len(each.colours.split()) * len(SIZES[CUTS[each.cut].sizes]) for each in DESIGNS)
    number = 0
    while designed < skus:
        kind = _KINDS[number % len(_KINDS)]
        designed += _colour_count(number) * len(SIZES[CUTS[kind].sizes])
        number += 1
    return len(DESIGNS) + number


def gtin13(body: str) -> str:
    """Return the 12 digits of `body` with their check digit (GS1 General Specifications 7.9)."""
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return f"{body}{-total % 10}"


def _store(index: int) -> Store:
    words = STORES[index]
    phone = f"0000-55501{index + 1:02}"
    return Store(*words[:5], phone=phone, own=index == 0, stock_age_s=words.stock_age_s)


def _styles(seed: int, count: int) -> Iterator[Style]:
    serials: dict[str, int] = {}
    designed = len(DESIGNS)
    for index in range(count):
        design = DESIGNS[index] if index < designed else _design(seed, index - designed)
        cut = CUTS[design.cut]
        serial = serials[cut.number] = serials.get(cut.number, 0) + 1
        yield Style(
            style_no=f"{_STYLE_PREFIX}{design.season}{cut.number}{serial:02}",
            name=design.name,
            name_en=design.name_en,
            category=cut.category,
            season=design.season,
            material=design.material,
            drawing=cut.drawing,
            list_price=design.yuan * 100,
            colours=tuple(_COLOURS[code] for code in design.colours.split()),
            sizes=SIZES[cut.sizes],
        )


_COLOURS = {code: Colour(code, *words) for code, words in COLOURS.items()}
_COLOUR_CODES = tuple(COLOURS)
_KINDS = tuple(WORDS)


def _design(seed: int, number: int) -> Design:
    """Make up a style. The number alone decides its name, so that no two names are the same."""
    kind = _KINDS[number % len(_KINDS)]
    clothes, fits, details, noun, noun_en, low, high = WORDS[kind]
    rest, cloth = divmod(number // len(_KINDS), len(clothes))
    rest, fit = divmod(rest, len(fits))
    edition, detail = divmod(rest, len(details))
    again = f"·{edition + 1}" if edition else ""
    chance = Random(f"{seed} design {number}")
    return Design(
        cut=kind,
        season=chance.choice(("24W", "25S")),
        name=f"{clothes[cloth]}{fits[(fit + cloth) % len(fits)]}{details[detail]}{noun}{again}",
        name_en=f"{noun_en.capitalize()} no. {number + 1}",
        material=clothes[cloth],
        yuan=chance.randrange(low // 10, high // 10) * 10 + 9,
        colours=" ".join(chance.sample(_COLOUR_CODES, _colour_count(number))),
    )


def _colour_count(number: int) -> int:
    """Colours of the made-up style `number`: three or four, by its number alone."""
    return 3 + number // len(_KINDS) % 2


def _skus(index: int, style: Style) -> Iterator[Sku]:
    for row, colour in enumerate(style.colours):
        for column, size in enumerate(style.sizes):
            serial = (index * 100 + row * 10 + column) * _SCATTER_GTIN % 1_000_000_000
            yield Sku(
                _sku_id(style, colour, column),
                style.style_no,
                style.name,
                style.name_en,
                style.category,
                colour.code,
                colour.name,
                colour.name_en,
                colour.hex,
                size,
                column,
                style.list_price,
                gtin13(f"{_GTIN_PREFIX}{serial:09}"),
                style.drawing,
                style.season,
            )


def _sku_id(style: Style, colour: Colour, column: int) -> str:
    size = style.sizes[column]
    return f"{style.style_no}-{colour.code}-{size if size.isascii() else 'ONE'}"


def _stock(seed: int, styles: tuple[Style, ...]) -> Iterator[Stock]:
    """Stock as shops have it: own store carries everything, others about two styles of three; a
    colour is full, broken (断码: middle sizes gone first) or nearly sold out."""
    for style in styles:
        chance = Random(f"{seed} shelf {style.style_no}")
        carried = [k for k in range(len(STORES)) if k == 0 or chance.random() < 0.66]
        for colour in style.colours:
            runs = [(STORES[k], _run(chance, len(style.sizes))) for k in carried]
            for column in range(len(style.sizes)):
                sku_id = _sku_id(style, colour, column)
                for store, run in runs:
                    yield Stock(store.store, sku_id, run[column], store.stock_age_s)


def _run(chance: Random, sizes: int) -> list[int]:
    """Pieces per size of one colour in one store."""
    depth = chance.choice((1.0, 2.0, 2.0, 3.0, 4.0))
    state = chance.random()
    first = (len(_SIZE_CURVE) - sizes) // 2
    run = []
    for place in range(sizes):
        weight = _SIZE_CURVE[min(first + place, len(_SIZE_CURVE) - 1)]
        pieces = int(depth * weight + chance.random() * 1.6)
        broken = state < 0.36 and chance.random() < 0.25 + 0.3 * weight
        if broken or state < 0.06:
            pieces = 0
        run.append(pieces)
    return run


def _members(seed: int, count: int) -> Iterator[Member]:
    chance = Random(f"{seed} members")
    for index in range(count):
        points = _points(chance)
        tier = next(tier for tier in reversed(TIERS) if points >= tier.from_points)
        yield Member(
            _ref(chance),
            _name(chance),
            f"154{(index * _SCATTER_PHONE + 10_240_317) % 100_000_000:08}",
            tier.code,
            points,
            1 + int(chance.random() * 12),
            int(1 + chance.random() ** 2 * 2_500),
            NOTES[int(chance.random() * len(NOTES))] if chance.random() < 0.06 else "",
        )


def _points(chance: Random) -> int:
    """Most members have bought once or twice, a few very often (median about 700)."""
    return int(chance.expovariate(1 / 1.9) ** 2 * 420)


def _name(chance: Random) -> str:
    family = FAMILY[int(chance.random() * len(FAMILY))]
    kind = chance.random()
    if kind < 0.02:
        return family + RARE_GIVEN[int(chance.random() * len(RARE_GIVEN))]
    last = GIVEN_LAST[int(chance.random() * len(GIVEN_LAST))]
    if kind < 0.14:
        return family + last
    return family + GIVEN_FIRST[int(chance.random() * len(GIVEN_FIRST))] + last


def _ref(chance: Random) -> str:
    """A random UUID (version 4, RFC 9562) drawn from `chance`, so that the shop repeats."""
    digits = f"{chance.getrandbits(128):032x}"
    variant = "89ab"[int(digits[16], 16) % 4]
    head, middle = digits[:8], digits[8:12]
    return f"{head}-{middle}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
