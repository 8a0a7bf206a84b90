"""Every sentence of the till, in Chinese and English; the core hands over codes and figures only.

The sentences lie in `ui/texts/*.json`, one file per place of the till, one line per sentence:
`"pay.waiting": ["等待付款", "Waiting for payment"]`, always in the order of `LANGUAGES`. A sentence
may hold placeholders, a small part of ICU's message format:

    {name}                                           a fact as it is
    {missing, amount}  {rate, percent}               minor units as money, basis points as percent
    {at, clock}  {at, minute}  {at, day}             Unix ms in the shop's zone
    {age, age}  {seconds, span}                      ms ago as "2 小时前", seconds as "4:38"
    {n, plural, one {# piece} other {# pieces}}      by number; `#` is the number

Two ways to a sentence, both of which follow a switch of language while the till runs:

* QML: fixed words by `Words.t("pay.waiting")` of the singleton `Guide.Words`. It is written in QML
  and reads one property, so every binding that calls it re-evaluates when the language changes and
  the linter sees a typed function. Words with figures do not come from there.
* View-models: `words.say("pay.paid_at", at=ms)`, and again whenever `words.changed` is emitted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtQml import QQmlEngine

from app.domain.money import CNY, Currency, show_amount
from app.errors import Code
from ui import quantities
from ui.tasks import Failure

LANGUAGES = ("zh_CN", "en")
_FOLDER = Path(__file__).resolve().parent / "texts"

_HOLE = re.compile(r"\{\s*(\w+)\s*(?:,\s*(\w+)\s*)?\}")
_PLURAL = re.compile(r"\{\s*(\w+)\s*,\s*plural\s*,\s*((?:\w+\s*\{[^{}]*\}\s*)+)\}")
_FORM = re.compile(r"(\w+)\s*\{([^{}]*)\}")


class Piece(NamedTuple):
    """A part of a sentence: literal text (`name` is ""), or a placeholder with its form."""

    text: str
    name: str = ""
    form: str = ""
    plural: tuple[tuple[str, str], ...] = ()


@cache
def sentences() -> Mapping[str, tuple[str, ...]]:
    """Return every key with its sentence in each of `LANGUAGES`."""
    found: dict[str, tuple[str, ...]] = {}
    for file in sorted(_FOLDER.glob("*.json")):
        for key, both in json.loads(file.read_text("utf-8")).items():
            if key in found:
                raise ValueError(f"{key!r} stands twice, again in {file.name}")
            found[key] = tuple(both)
    return found


@cache
def pieces(sentence: str) -> tuple[Piece, ...]:
    """Take a sentence apart at its placeholders."""
    found: list[Piece] = []
    at = 0
    while at < len(sentence):
        plural, hole = _PLURAL.search(sentence, at), _HOLE.search(sentence, at)
        starts = [match for match in (plural, hole) if match is not None]
        if not starts:
            break
        match = min(starts, key=lambda one: one.start())
        if match.start() > at:
            found.append(Piece(sentence[at : match.start()]))
        if match is plural:
            forms = tuple(_FORM.findall(match.group(2)))
            found.append(Piece("", match.group(1), "plural", forms))
        else:
            found.append(Piece(match.group(), match.group(1), match.group(2) or ""))
        at = match.end()
    if at < len(sentence):
        found.append(Piece(sentence[at:]))
    return tuple(found)


class Words(QObject):
    """The till's voice in the language chosen now. Lives on the GUI thread."""

    changed = Signal()

    def __init__(
        self,
        language: str = LANGUAGES[0],
        parent: QObject | None = None,
        *,
        currency: Currency = CNY,
    ) -> None:
        super().__init__(parent)
        self._language = language if language in LANGUAGES else LANGUAGES[0]
        self._currency = currency
        self._holders: list[QObject] = []

    @Property(str, notify=changed)
    def language(self) -> str:
        """One of `LANGUAGES`."""
        return self._language

    @property
    def english(self) -> bool:
        """English is chosen."""
        return self._language == "en"

    def speak(self, language: str) -> None:
        """Switch the language; everything on the screen follows at once."""
        if language == self._language or language not in LANGUAGES:
            return
        self._language = language
        for holder in self._holders:
            self._fill(holder)
        self.changed.emit()

    def serve(self, engine: QQmlEngine) -> None:
        """Give the singleton `Guide.Words` of this engine its sentences. Call before loading QML."""
        holder = engine.singletonInstance("Guide", "Words")
        if not isinstance(holder, QObject):
            raise ValueError("the QML module Guide has no singleton Words")
        self._holders.append(holder)
        self._fill(holder)

    def leave(self) -> None:
        """Forget all engines; call before they are destroyed."""
        self._holders.clear()

    def _fill(self, holder: QObject) -> None:
        column = LANGUAGES.index(self._language)
        holder.setProperty("table", {key: both[column] for key, both in sentences().items()})

    # --- sentences ----------------------------------------------------------------------------

    def say(self, key: str, **facts: object) -> str:
        """Return a sentence with its facts. An unknown key gives the key, a missing fact "…"."""
        both = sentences().get(key)
        if both is None:
            return key
        sentence = both[LANGUAGES.index(self._language)]
        return "".join(self._piece(piece, facts) for piece in pieces(sentence))

    def knows(self, key: str) -> bool:
        """Tell whether there is such a sentence."""
        return key in sentences()

    def error(self, failure: Failure) -> str:
        """Return what a person should read about a failure."""
        if failure.code is None:
            return self.say("error.bug")
        return self.code(failure.code, **failure.facts)

    def code(self, code: Code, **facts: object) -> str:
        """Return the sentence of an error code."""
        return self.say(f"error.{code.value}", **facts)

    def reason(self, code: str, name: str = "", name_en: str = "") -> str:
        """Return a discount reason's name: the shop's own if it has one, else ours, else the code."""
        if name or name_en:
            return self.name(name, name_en)
        key = f"reason.{code}"
        return self.say(key) if self.knows(key) else code

    def name(self, name: str, name_en: str) -> str:
        """Return the name to show of goods, people and places that have one in both languages."""
        return (name_en or name) if self.english else (name or name_en)

    def size(self, size: str) -> str:
        """Return a size as it is read here: numbers and letters are, "均码" has words."""
        key = f"size.{size}"
        return self.say(key) if self.knows(key) else size

    def rate_off(self, off_bp: int) -> str:
        """Return a percentage off the way people say it: "9 折" for 1000, "10% off"."""
        return quantities.rate_off(off_bp, english=self.english)

    def amount(self, minor: int, currency: Currency | None = None) -> str:
        """Return minor units as money for people."""
        return show_amount(minor, currency or self._currency)

    def age(self, age_ms: int) -> str:
        """Return how long ago something was: "刚刚", "2 小时前"."""
        key, n = quantities.age(age_ms)
        return self.say(f"age.{key}", n=n)

    def join(self, *parts: str) -> str:
        """Return short facts side by side, leaving out the empty ones."""
        return " · ".join(part for part in parts if part)

    def _piece(self, piece: Piece, facts: Mapping[str, object]) -> str:
        if not piece.name:
            return piece.text
        value = facts.get(piece.name)
        if value is None:
            return "…"
        if piece.form == "plural":
            return self._plural(piece, value)
        if isinstance(value, int) and piece.form:
            return self._figure(piece.form, value)
        return str(value)

    def _plural(self, piece: Piece, value: object) -> str:
        forms = dict(piece.plural)
        form = forms["one"] if value == 1 and "one" in forms else forms["other"]
        shown = f"{value:,}" if isinstance(value, int) else str(value)
        return form.replace("#", shown)

    def _figure(self, form: str, value: int) -> str:
        match form:
            case "amount":
                return self.amount(value)
            case "percent":
                return quantities.percent(value)
            case "age":
                return self.age(value)
            case "span":
                return quantities.span(value)
            case "number":
                return f"{value:,}"
            case _:
                return quantities.moment(form, value, english=self.english)
