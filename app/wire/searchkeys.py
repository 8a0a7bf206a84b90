"""Search keys: what a name can be found by. Computed once, where a product or member is written.

Chinese has no spaces and most words have two characters, so the search table indexes single
characters and pairs; guides also type pinyin (`heise`), initials (`hsdy`), style numbers and colours.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_HAN = re.compile(r"[\u3400-\u9fff]+")
_WORD = re.compile(r"[0-9a-z]+")
_PLAIN = re.compile(r"[\x00-\x7f\u3400-\u9fff]*")
"""Letters that no normal form changes: almost everything a shop writes."""


@dataclass(frozen=True, slots=True)
class SearchKeys:
    """`tokens`: words, characters and pairs, space-separated. `pinyin`, `initials`: without spaces
    inside a name, names separated by one space."""

    tokens: str
    pinyin: str
    initials: str


def folded(text: str) -> str:
    """Return text as it is compared: NFKC (full-width digits become plain), lower case, no accents."""
    if _PLAIN.fullmatch(text):
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return unicodedata.normalize("NFKC", plain).casefold()


def tokens_of(text: str) -> list[str]:
    """Split text into the tokens it is indexed under: words, and each Han character and pair."""
    folded_text = folded(text)
    tokens = _WORD.findall(folded_text)
    for run in _HAN.findall(folded_text):
        tokens.extend(run)
        tokens.extend(run[i : i + 2] for i in range(len(run) - 1))
    return list(dict.fromkeys(tokens))


def search_keys(*texts: str) -> SearchKeys:
    """Return the keys under which something with these names, numbers and colours is found.

    What may be a person's name is also found by the reading its first character has as a surname.
    """
    tokens: list[str] = []
    sounds: dict[tuple[str, str], None] = {}
    for text in filter(None, texts):
        tokens.extend(tokens_of(text))
        han = "".join(_HAN.findall(text))
        for syllables in _readings(han) if han else ():
            sounds["".join(syllables), "".join(s[0] for s in syllables)] = None
    return SearchKeys(
        " ".join(dict.fromkeys(tokens)),
        " ".join(pinyin for pinyin, _ in sounds),
        " ".join(initials for _, initials in sounds),
    )


def _readings(han: str) -> list[list[str]]:
    """Return the syllables of a name, and those it has if it begins with a surname read otherwise."""
    from pypinyin import lazy_pinyin  # loads its tables only where names are written

    usual = lazy_pinyin(han)
    readings = [usual]
    surname = _SURNAMES.get(han[0])
    if surname and len(han) <= _LONGEST_NAME:
        readings.append([surname, *usual[1:]])
    return readings


_LONGEST_NAME = 4
_SURNAMES = dict(
    pair.split(":")
    for pair in (
        "乐:yue 仇:qiu 区:ou 单:shan 召:shao 员:yun 曾:zeng 朴:piao 查:zha 盖:ge 种:chong 繁:po "
        "缪:miao 翟:zhai 能:nai 覃:qin 解:xie"
    ).split()
)
"""Surnames of one character whose reading is not the usual one of that character."""
