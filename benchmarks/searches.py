"""What is typed and scanned while frames are measured: drawn from the shop's own goods, made outside
the till's process so that none of it counts as the till's memory."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from msgspec import Struct

from app.wire.searchkeys import search_keys
from offline_store.search import syllables
from resources.demo.shapes import DemoShop

SEARCHES = ("han1", "han2", "pinyin", "initials", "number", "miss")
SCANS = ("scan", "scan_in_search")
KINDS = (*SCANS, *SEARCHES, "floor")


class Step(Struct, frozen=True):
    """One repetition. `before` is in the field when the clock starts, `last` completes the text."""

    kind: str
    before: str = ""
    last: str = ""

    @property
    def text(self) -> str:
        return self.before + self.last


def steps(goods: DemoShop, repetitions: int, seed: int = 1) -> list[Step]:
    """Return so many repetitions of each kind, in one random order."""
    chance = random.Random(seed)
    words = _Words(goods, chance)
    made = [step for kind in KINDS for step in _of(kind, repetitions, words)]
    chance.shuffle(made)
    return made


def _of(kind: str, repetitions: int, words: _Words) -> Iterator[Step]:
    for _ in range(repetitions):
        yield getattr(words, kind)()


class _Words:
    """Draws texts the shop knows, and texts it does not."""

    def __init__(self, goods: DemoShop, chance: random.Random) -> None:
        self._chance = chance
        self._codes = [sku.gtin for sku in goods.skus]
        self._names = [_han(style.name) for style in goods.styles]
        self._numbers = [style.style_no for style in goods.styles]
        self._characters = sorted(set("".join(self._names)))

    def scan(self) -> Step:
        """A code somewhere in the catalogue."""
        return Step("scan", self._chance.choice(self._codes), "\r")

    def scan_in_search(self) -> Step:
        """The same while the search field has the focus and shows every digit."""
        return Step("scan_in_search", self._chance.choice(self._codes), "\r")

    def floor(self) -> Step:
        """Nothing looked up."""
        return Step("floor")

    def han1(self) -> Step:
        """One character of a name; common ones as often as names have them."""
        return Step("han1", "", self._chance.choice(self._chance.choice(self._names)))

    def han2(self) -> Step:
        """Two neighbouring characters of a name."""
        return Step("han2", "", self._part(2))

    def pinyin(self) -> Step:
        """The sound of two characters, `yangmao`, as far as it was typed."""
        keys = search_keys(self._chance.choice(self._names))
        sounds = syllables(keys.pinyin, keys.initials)
        return _typed("pinyin", self._so_far("".join(self._cut(sounds, 2))))

    def initials(self) -> Step:
        """The first letters of four characters, `ymdy`, as far as they were typed."""
        letters = search_keys(self._chance.choice(self._names)).initials
        return _typed("initials", self._so_far("".join(self._cut(letters, 4))))

    def number(self) -> Step:
        """A style number, as far as it was typed."""
        return _typed("number", self._so_far(self._chance.choice(self._numbers).lower()))

    def miss(self) -> Step:
        """Two characters that never meet, letters nobody is called by, or a number with a slip."""
        kind = self._chance.randrange(3)
        if kind == 0:
            return Step("miss", "", "鲸" + self._chance.choice(self._characters))
        if kind == 1:
            return _typed("miss", "".join(self._chance.choices("vuio", k=5)))
        return _typed("miss", self._chance.choice(self._numbers).lower() + "99")

    def _so_far(self, text: str) -> str:
        """Return two characters or more: every key is a search, not only the last."""
        return text[: self._chance.randint(min(2, len(text)), len(text))]

    def _part(self, length: int) -> str:
        return "".join(self._cut(self._chance.choice(self._names), length))

    def _cut(self, whole: Sequence[str], length: int) -> Sequence[str]:
        start = self._chance.randrange(max(1, len(whole) - length + 1))
        return whole[start : start + length]


def _typed(kind: str, text: str) -> Step:
    return Step(kind, text[:-1], text[-1])


def _han(name: str) -> str:
    return "".join(c for c in name if "\u3400" <= c <= "\u9fff")


def quantile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that so many per cent of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]
