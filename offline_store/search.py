"""From what a person types to a full-text query, and from stored keys to the tokens behind it.

Every word of a query must be found. Han words are looked up by their characters and pairs; Latin
words are prefixes of a word, a style number, or the pinyin or initials of any part of a name.
"""

from __future__ import annotations

import re
from functools import lru_cache

from app.wire.searchkeys import folded, tokens_of

# Tokens nobody can type: a private-use character in front keeps them apart from words.
_CATEGORY = "\ue000"
_PHONE = "\ue001"

_LONGEST_SYLLABLE = 6  # zhuang
_OTHER_LETTER = re.compile(r"[^\W_0-9a-z\u3400-\u9fff]")
_DIGITS = re.compile(r"\+?[0-9][0-9\s\-]*")
_LONGEST_SPLIT = 16
PHONE_PART = 3
"""Digits of a phone number that are enough to look it up by."""


def words_of(text: str) -> list[str]:
    """Return the tokens of a text, and the letters of scripts that have no words for us (かな, Ж, 𠮷).

    Such letters stay single: what SQLite's tokeniser takes for one letter is one in any version.
    """
    return list(dict.fromkeys([*tokens_of(text), *other_letters(text)]))


def other_letters(text: str) -> list[str]:
    """Return the letters of a text that are in no token: those of scripts that have no words for us."""
    return _OTHER_LETTER.findall(folded(text))


def category_token(category: str) -> str:
    """Return the token all styles of a category carry."""
    return _CATEGORY + category.encode().hex()


def phone_text(digits: str) -> str:
    """Return the tokens of a phone as the text they are indexed from."""
    parts = [digits[end - PHONE_PART : end] for end in range(PHONE_PART, len(digits) + 1)]
    return _PHONE + f" {_PHONE}".join(parts) if parts else ""


def phone_tokens(digits: str) -> list[str]:
    """Return a phone's parts of three digits; any longer part is found by its own such parts."""
    ends = range(PHONE_PART, len(digits) + 1)
    return list(dict.fromkeys([_PHONE + digits[end - PHONE_PART : end] for end in ends]))


def sound_tokens(pinyin: str, initials: str) -> list[str]:
    """Return pinyin and initials of every end part of each name, so that any part is found by prefix.

    A `v` (女 is `nv`) is also written `u`, as some type it.
    """
    tokens: list[str] = []
    for name, letters in zip(pinyin.split(), initials.split(), strict=False):
        tokens += _sounds_of(name, letters)
    return list(dict.fromkeys(tokens))


@lru_cache(maxsize=4_096)
def _sounds_of(pinyin: str, initials: str) -> tuple[str, ...]:
    """Colours and the names of a style's colours come again and again while a shop is taken in."""
    sounds, at = [], 0
    for syllable in syllables(pinyin, initials):
        sounds.append(pinyin[at:])
        at += len(syllable)
    if "v" in pinyin:
        sounds += [sound.replace("v", "u") for sound in sounds if "v" in sound]
    return (*sounds, *[initials[start:] for start in range(len(initials))])


def syllables(pinyin: str, initials: str) -> list[str]:
    """Split pinyin into syllables that begin with the given letters; whole if it cannot be.

    Of several ways the later ones stay short: `nannv` with `nn` is nan + nv.
    """
    parts: list[str] = []
    end = len(pinyin)
    for letter in reversed(initials):
        at = pinyin.rfind(letter, max(0, end - _LONGEST_SYLLABLE), end)
        if at < 0:
            return _searched_syllables(pinyin, initials)
        parts.append(pinyin[at:end])
        end = at
    if end or not parts:
        return _searched_syllables(pinyin, initials)
    return parts[::-1]


def _searched_syllables(pinyin: str, initials: str) -> list[str]:
    """Split where the nearest letters lead astray, by trying others."""
    dead: set[tuple[int, int]] = set()

    def split(end: int, letters: int) -> list[str] | None:
        """Return the syllables of the first letters up to `end`, None if there is no way."""
        if not letters:
            return None if end else []
        if (end, letters) in dead:
            return None
        first, at = max(0, end - _LONGEST_SYLLABLE), end
        while (at := pinyin.rfind(initials[letters - 1], first, at)) >= 0:
            before = split(at, letters - 1)
            if before is not None:
                before.append(pinyin[at:end])
                return before
        dead.add((end, letters))
        return None

    parts = split(len(pinyin), len(initials))
    return [pinyin] if parts is None else parts


def query_of(text: str, category: str = "", *, split: bool = False) -> str:
    """Return the full-text query for goods, "" if nothing in `text` can be looked up.

    With `split`, a word may also be two written as one: 黑色大衣 or `hsdy` for a coat called 大衣
    whose colour is 黑色.
    """
    terms = []
    for word in folded(text).split():
        found = _word_terms(words_of(word))
        if not found:
            return ""
        ways = [" AND ".join(found)]
        if split:
            ways += _two_words(word)
        terms.append(f"({' OR '.join(f'({way})' for way in ways)})" if ways[1:] else ways[0])
    if terms and category:
        terms.append(f'"{category_token(category)}"')
    return " AND ".join(terms)


def _two_words(word: str) -> list[str]:
    """Return the queries for a word as two: Han anywhere, letters in parts that say something."""
    letters = word.isascii() and word.isalpha()
    if not (letters or (tokens_of(word) and not any(c.isascii() for c in word))):
        return []
    if len(word) > _LONGEST_SPLIT:
        return []
    least = 2 if letters else 1
    ways = []
    for at in range(least, len(word) - least + 1):
        first, second = _word_terms(tokens_of(word[:at])), _word_terms(tokens_of(word[at:]))
        if first != second:
            ways.append(" AND ".join([*first, *second]))
    return ways


def member_query_of(text: str) -> tuple[str, list[str]]:
    """Return the full-text query for members and the digits their phone must contain."""
    digits: list[str] = []
    terms: list[str] = []
    if _DIGITS.fullmatch(text.strip()):
        words = [re.sub(r"\D", "", text)]
    else:
        words = folded(text).split()
    for word in words:
        if word.isascii() and word.isdigit():
            if len(word) < PHONE_PART:
                return "", []
            digits.append(word)
            terms.extend(f'"{token}"' for token in phone_tokens(word))
        else:
            found = _word_terms(words_of(word))
            if not found:
                return "", []
            terms.extend(found)
    return " AND ".join(terms), digits


def _word_terms(tokens: list[str]) -> list[str]:
    """Latin words become prefixes; a single character is left out where a pair already holds it."""
    pairs = [token for token in tokens if len(token) == 2 and not token.isascii()]
    terms = []
    for token in tokens:
        if token.isascii():
            terms.append(f'"{token}"*')
        elif len(token) == 2 or not any(token in pair for pair in pairs):
            terms.append(f'"{token}"')
    return terms
