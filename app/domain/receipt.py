"""A receipt as data: what the customer gets, without a word of any language or a printer's byte."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.money_back import Back
from app.domain.refund import Refund
from app.domain.sale import Sale


@dataclass(frozen=True, slots=True)
class StoreHeader:
    """What stands at the top of a receipt."""

    name: str
    name_en: str
    address: str
    phone: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """A sale or refund with its header; `copy` marks every print after the first (副本).

    `back` is how the money stands that goes back by the way it came, None where none does. A returned line
    knows its colour in Chinese alone; `colours_en` has the others by line number. `reasons` has the shop's
    own names of its discounts in both languages, by code."""

    store: StoreHeader
    document: Sale | Refund
    guide_name: str
    copy: bool = False
    back: Back | None = None
    guide_name_en: str = ""
    colours_en: Mapping[int, str] = field(default_factory=dict)
    reasons: Mapping[str, tuple[str, str]] = field(default_factory=dict)
