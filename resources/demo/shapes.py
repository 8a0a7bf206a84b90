"""The shapes of the demo shop: what `shop` makes and whoever fills a store or a cloud reads.

Names follow the till's own words, so that filling in is copying field by field.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Store:
    """A store of the brand. `own` is the till's; `stock_age_s` is how old its stock figures are."""

    store: str
    name: str
    name_en: str
    city: str
    address: str
    phone: str
    own: bool
    stock_age_s: int


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who signs in. `role` is guide or manager; `pin` is plain and for the demo only."""

    person_id: str
    name: str
    name_en: str
    role: str
    store: str
    pin: str


@dataclass(frozen=True, slots=True)
class Category:
    """A shelf of the shop. `icon` is a name of icons.json, `drawing` one of `resources.garments`,
    `commission_bp` the guide's part of a line's net in basis points."""

    code: str
    name: str
    name_en: str
    icon: str
    drawing: str
    commission_bp: int


@dataclass(frozen=True, slots=True)
class Colour:
    """A colour a style is made in; `hex` is `#RRGGBB`."""

    code: str
    name: str
    name_en: str
    hex: str


@dataclass(frozen=True, slots=True)
class Style:
    """A style (款). `season` is 24W or 25S, `list_price` is fen, `sizes` are in display order."""

    style_no: str
    name: str
    name_en: str
    category: str
    season: str
    material: str
    drawing: str
    list_price: int
    colours: tuple[Colour, ...]
    sizes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sku:
    """A style in one colour and size. `gtin` is a GTIN-13 of the in-store range (starts with 2),
    which GS1 gives to nobody, so it never meets a real article's number."""

    sku_id: str
    style_no: str
    name: str
    name_en: str
    category: str
    colour_code: str
    colour: str
    colour_en: str
    colour_hex: str
    size: str
    size_order: int
    list_price: int
    gtin: str
    drawing: str
    season: str


@dataclass(frozen=True, slots=True)
class Stock:
    """Pieces of one SKU in one store. A store that does not carry a style has no row for it; zero
    means carried and sold out."""

    store: str
    sku_id: str
    quantity: int
    age_s: int


@dataclass(frozen=True, slots=True)
class Tier:
    """A level of membership, reached at `from_points`; `pays_bp` 9500 means 95 % is paid."""

    code: str
    name: str
    name_en: str
    pays_bp: int
    from_points: int


@dataclass(frozen=True, slots=True)
class DiscountReason:
    """Why a guide may take something off, and the most it allows without a manager, in bp off."""

    code: str
    name: str
    name_en: str
    max_bp: int


@dataclass(frozen=True, slots=True)
class DiscountPreset:
    """A button of the discount sheet: `off_bp` basis points off, given as `reason`."""

    code: str
    reason: str
    name: str
    name_en: str
    off_bp: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A commission plan: basis points of a line's net by category, `default_bp` for all others."""

    plan_id: str
    version: int
    default_bp: int
    rates_bp: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Member:
    """An invented customer. `member_ref` is a random UUID, `phone` 11 digits of the unassigned
    range 154, `birthday_month` 1 to 12, `joined_days` days since joining when the demo opens."""

    member_ref: str
    name: str
    phone: str
    tier: str
    points: int
    birthday_month: int
    joined_days: int
    note: str


@dataclass(frozen=True, slots=True)
class DemoShop:
    """All of the demo shop. `stores[0]` is the till's own; stock is ordered by SKU, then store."""

    brand: str
    brand_en: str
    currency: str
    stores: tuple[Store, ...]
    people: tuple[Person, ...]
    categories: tuple[Category, ...]
    styles: tuple[Style, ...]
    skus: tuple[Sku, ...]
    stock: tuple[Stock, ...]
    tiers: tuple[Tier, ...]
    discount_reasons: tuple[DiscountReason, ...]
    discount_presets: tuple[DiscountPreset, ...]
    plan: Plan
    members: tuple[Member, ...]
