"""Short lists of the shop that the cart needs by name: people, tiers, reasons for discounts."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.member import Tier
from app.domain.people import Person
from app.domain.pricing import Reason
from app.errors import Trouble
from app.ports import Store
from app.services.checkout import MEMBER_TIER
from app.wire.messages import ReasonRow
from ui.text import Words


@dataclass(frozen=True, slots=True)
class ReasonChoice:
    """A reason a guide may choose."""

    code: str
    name: str
    limit: str


class ShopLists:
    """The lists as last loaded, named in the language of the moment."""

    def __init__(self, store: Store, words: Words) -> None:
        self._store, self._words = store, words
        self._people: tuple[Person, ...] = ()
        self._tiers: dict[str, Tier] = {}
        self._reasons: dict[str, ReasonRow] = {}
        self.guide_names: dict[str, str] = {}

    def load(self) -> None:
        """Read the lists again; a busy store keeps the old ones."""
        try:
            reader = self._store.reader
            self._people = tuple(person for person in reader.people() if person.active)
            self._tiers = {tier.code: tier for tier in reader.tiers()}
            self._reasons = {row.code: row for row in reader.discount_reasons()}
        except Trouble:
            return
        self.guide_names = {p.person_id: self._words.name(p.name, p.name_en) for p in self._people}

    @property
    def people(self) -> tuple[Person, ...]:
        """Everyone who may be credited."""
        return self._people

    def tier_name(self, code: str) -> str:
        """Return a tier's name."""
        tier = self._tiers.get(code)
        return self._words.name(tier.name, tier.name_en) if tier else code

    def reason_name(self, reason: Reason) -> str:
        """Return how a reason reads on the cart: its name, and its rate if it has one."""
        if reason.code == MEMBER_TIER:
            name = self.tier_name(reason.rule)
        else:
            row = self._reasons.get(reason.code)
            name = self._words.reason(
                reason.code, row.name if row else "", row.name_en if row else ""
            )
        rate = self._words.rate_off(reason.rate_bp) if reason.rate_bp else ""
        return f"{name} {rate}".strip()

    def choices(self) -> tuple[ReasonChoice, ...]:
        """Return the reasons a person may give, with what each allows."""
        return tuple(
            ReasonChoice(
                row.code,
                self._words.reason(row.code, row.name, row.name_en),
                self._words.rate_off(row.max_bp) if row.max_bp < 10_000 else "",
            )
            for row in self._reasons.values()
            if row.code != MEMBER_TIER
        )
