"""The pages' languages: which one a visitor reads, and its sentences from `i18n/*.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LANGUAGES = ("zh", "en")
DEFAULT = "zh"
_FOLDER = Path(__file__).with_name("i18n")


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of one language."""

    code: str
    sentences: dict[str, str]

    def __call__(self, key: str, **facts: str | int) -> str:
        """Return a sentence with its facts filled in. Raises KeyError for an unknown key."""
        return self.sentences[key].format(**facts)

    def count(self, key: str, count: int) -> str:
        """Return the form of a sentence that fits a number of things."""
        return self(f"{key}_one" if count == 1 else f"{key}_many", count=count)

    def pick(self, chinese: str, english: str) -> str:
        """Return the text in this language, or the other one where a shop has only that."""
        return (english or chinese) if self.code == "en" else (chinese or english)


@cache
def words(code: str) -> Words:
    """Return a language by its code, one of `LANGUAGES`."""
    tree = tomllib.loads((_FOLDER / f"{code}.toml").read_text("utf-8"))
    flat: dict[str, str] = {}
    for name, value in tree.items():
        entries = value.items() if isinstance(value, dict) else ((None, value),)
        for key, sentence in entries:
            flat[f"{name}.{key}" if key else name] = sentence
    return Words(code, flat)


def choose(cookie: str, accepted: str) -> str:
    """Return the language of a visitor: what they switched to, else what their phone prefers.

    `accepted` is an Accept-Language header (RFC 9110, 12.5.4).
    """
    if cookie in LANGUAGES:
        return cookie
    best, best_weight = DEFAULT, 0.0
    for entry in accepted.split(","):
        tag, _, parameters = entry.strip().partition(";")
        code = tag.strip().lower().partition("-")[0]
        weight = _weight(parameters)
        if code in LANGUAGES and weight > best_weight:
            best, best_weight = code, weight
    return best


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
