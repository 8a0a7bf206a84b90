"""Settings of this till: language, look, motion; what it is and how its data is protected; sign out; and
what payments cost, for a manager."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.people import Role
from app.errors import Trouble
from app.ports import Reader
from app.services.wallets import Wallets
from ui.bridge import KeyedListModel, Row, ViewModel
from ui.text import Words
from ui.viewmodels.fees import FeesVm
from ui.viewmodels.naming import Naming
from ui.viewmodels.root import RootVm

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

FACT_ROLES = ("key", "name", "value", "detail", "kind", "glyph")


@dataclass(frozen=True, slots=True)
class TillFacts:
    """What the settings screen tells about the program. `protection` is "keyring" or "file"."""

    protection: str
    version: str


@QmlElement
@QmlUncreatable("made by the shell")
class SettingsVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """The settings screen. `remember` keeps a choice (key, value) for the next start."""

    changed = Signal()

    def __init__(
        self,
        root: RootVm,
        reader: Callable[[], Reader],
        facts: TillFacts,
        words: Words,
        remember: Callable[[str, str], None],
        wallets: Wallets,
    ) -> None:
        super().__init__(root)
        self._fees = FeesVm(wallets, root, words, self)
        self._root, self._reader, self._facts, self._words = root, reader, facts, words
        self._remember = remember
        self._naming = Naming(reader, words)
        self._device = KeyedListModel(FACT_ROLES, self)
        self._look = self._look_now()
        root.lookChanged.connect(self._keep_look)
        root.lookChanged.connect(self.changed)
        root.personChanged.connect(self.changed)
        words.changed.connect(self.load)

    # --- what QML reads -----------------------------------------------------------------------

    @Property(str, notify=changed)
    def language(self) -> str:
        """zh_CN or en."""
        return str(self._words.language)

    @Property(bool, notify=changed)
    def isDark(self) -> bool:
        """The dark look is chosen."""
        return bool(self._root.dark)

    @Property(bool, notify=changed)
    def reduceMotion(self) -> bool:
        """Nothing should move."""
        return bool(self._root.reduceMotion)

    @Property(str, notify=changed)
    def personName(self) -> str:
        """Who is signed in."""
        return str(self._root.personName)

    @Property(str, notify=changed)
    def personLetters(self) -> str:
        """Their letters."""
        return str(self._root.personLetters)

    @Property(int, notify=changed)
    def personSeed(self) -> int:
        """Their colour."""
        person = self._root.property("personSeed")
        return person if isinstance(person, int) else 0

    @Property(str, notify=changed)
    def personRole(self) -> str:
        """What they are in the shop."""
        person = self._root.person
        role = person.role if person else Role.GUIDE
        return self._words.say(f"settings.role.{role.value}")

    @Property(QObject, constant=True)
    def device(self) -> QObject:
        """Facts about this till."""
        return self._device

    @Property(QObject, constant=True)
    def fees(self) -> QObject:
        """What ways of paying cost, for a manager."""
        return self._fees

    # --- what QML does ------------------------------------------------------------------------

    @Slot(str)
    def setLanguage(self, language: str) -> None:
        """Choose zh_CN or en."""
        self._root.setLanguage(language)

    @Slot(bool)
    def setDark(self, dark: bool) -> None:
        """Choose the dark look."""
        self._root.setTheme("dark" if dark else "light")

    @Slot(bool)
    def setReduceMotion(self, still: bool) -> None:
        """Choose whether things may move."""
        self._root.setReduceMotion(still)

    @Slot()
    def signOut(self) -> None:
        """Sign out; the cart stays."""
        self._root.signOut()

    @Slot()
    def load(self) -> None:
        """Read what this till is."""
        self._fees.load()
        try:
            self._device.show(self._rows())
        except Trouble:
            return
        self.changed.emit()

    # --- what Python does ---------------------------------------------------------------------

    def _look_now(self) -> dict[str, str]:
        root = self._root
        return {
            "language": str(self._words.language),
            "theme": "dark" if bool(root.dark) else "light",
            "reduce_motion": "1" if bool(root.reduceMotion) else "",
        }

    @Slot()
    def _keep_look(self) -> None:
        """Whatever button chose it, the next start looks the same."""
        before, self._look = self._look, self._look_now()
        for key, value in self._look.items():
            if before[key] != value:
                self._remember(key, value)

    def _rows(self) -> list[Row]:
        reader, say = self._reader(), self._words.say
        identity, head = reader.identity(), reader.sync_status().head
        weak = self._facts.protection != "keyring"
        at = say("settings.journal_at", seq=head.seq, epoch=identity.epoch_ordinal)
        shield = "shield-alert" if weak else "shield-check"
        return [
            _fact("store", say("settings.store"), self._naming.store(), identity.store, "store"),
            _fact("till", say("settings.device_code"), identity.device_code, "", "monitor"),
            _fact(
                "cloud",
                say("settings.cloud"),
                identity.cloud_url if identity.enrolled else say("settings.cloud_none"),
                "",
                "cloud" if identity.enrolled else "cloud-off",
                "" if identity.enrolled else "warn",
            ),
            _fact(
                "protection",
                say("settings.protection"),
                say(f"settings.protection.{'file' if weak else 'keyring'}"),
                "",
                shield,
                "warn" if weak else "good",
            ),
            _fact("journal", say("settings.journal"), at, "", "layers"),
            _fact("version", say("settings.version"), self._facts.version, "", "info"),
        ]


def _fact(key: str, name: str, value: str, detail: str, glyph: str, kind: str = "") -> Row:
    return {
        "key": key,
        "name": name,
        "value": value,
        "detail": detail,
        "kind": kind,
        "glyph": glyph,
    }
