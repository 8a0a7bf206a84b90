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


@dataclass(frozen=True, slots=True)
class SearchKeys:
    """`tokens`: words, characters and pairs, space-separated. `pinyin`, `initials`: without spaces
    inside a name, names separated by one space."""

    tokens: str
    pinyin: str
    initials: str


def folded(text: str) -> str:
    """Return text as it is compared: NFKC (full-width digits become plain), lower case, no accents."""
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
    """Return the keys under which something with these names, numbers and colours is found."""
    from pypinyin import Style, lazy_pinyin  # loads its tables only where names are written

    tokens: list[str] = []
    pinyins, initials = [], []
    for text in filter(None, texts):
        tokens.extend(tokens_of(text))
        han = "".join(_HAN.findall(text))
        if han:
            pinyins.append("".join(lazy_pinyin(han)))
            initials.append("".join(lazy_pinyin(han, style=Style.FIRST_LETTER)))
    return SearchKeys(" ".join(dict.fromkeys(tokens)), " ".join(pinyins), " ".join(initials))
