"""What the window shows: which place, which sheet over it, in which look and language, and who is there.

It holds the other view-models, and it outlives the QML engine.
"""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import Property, QObject, QTimer, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.people import Person, Role
from app.settings import Settings
from ui.bridge import ViewModel
from ui.text import Words
from ui.viewmodels.people import letters, seed

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1


class Place(StrEnum):
    """Where one can be."""

    SIGN_IN = "signin"
    SELL = "sell"
    HISTORY = "history"
    MY_SALES = "mysales"
    SETTINGS = "settings"


class Sheet(StrEnum):
    """What can lie over a place."""

    NONE = ""
    MATRIX = "matrix"
    MEMBER = "member"
    DISCOUNT = "discount"
    CREDIT = "credit"
    PARKED = "parked"
    PAY = "pay"
    DONE = "done"
    NETWORK = "network"
    INBOX = "inbox"
    RETURN = "return"


FULL_SHEETS = (Sheet.PAY, Sheet.DONE, Sheet.RETURN)
"""Sheets that are left by their own buttons only: money is involved."""


@QmlElement
@QmlUncreatable("made by the shell")
class RootVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """The window."""

    placeChanged = Signal()
    lookChanged = Signal()
    personChanged = Signal()
    toastChanged = Signal()
    networkChanged = Signal()
    payAsked = Signal()
    signedOut = Signal()
    entered = Signal(str)
    """A place was entered; whoever shows it may read afresh."""

    def __init__(
        self, settings: Settings, words: Words, store_name: tuple[str, str], parent: QObject | None
    ) -> None:
        super().__init__(parent)
        self._words, self._store_name = words, store_name
        self._place, self._sheet = Place.SIGN_IN, Sheet.NONE
        self._dark, self._still = settings.theme == "dark", settings.reduce_motion
        self._person: Person | None = None
        self._toast, self._toast_kind, self._toast_serial = "", "info", 0
        self._network, self._network_kind, self._network_glyph = "", "good", "cloud"
        self._parts: dict[str, QObject] = {}
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.setInterval(settings.idle_lock_minutes * 60_000)
        self._idle.timeout.connect(self._lock_idle)
        words.changed.connect(self.lookChanged)
        words.changed.connect(self.personChanged)

    # --- parts ------------------------------------------------------------------------------------

    def hold(self, **parts: QObject) -> None:
        """Take the view-models of the screens; call before QML sees this object."""
        self._parts.update(parts)
        for part in parts.values():
            notice = getattr(part, "notice", None)
            if notice is not None:
                notice.connect(self.say)

    @Property(QObject, constant=True)
    def session(self) -> QObject | None:
        """Signing in."""
        return self._parts.get("session")

    @Property(QObject, constant=True)
    def checkout(self) -> QObject | None:
        """The cart."""
        return self._parts.get("checkout")

    @Property(QObject, constant=True)
    def goods(self) -> QObject | None:
        """Tiles and search."""
        return self._parts.get("goods")

    @Property(QObject, constant=True)
    def matrix(self) -> QObject | None:
        """Colour × size."""
        return self._parts.get("matrix")

    @Property(QObject, constant=True)
    def members(self) -> QObject | None:
        """The member sheet."""
        return self._parts.get("members")

    @Property(QObject, constant=True)
    def pay(self) -> QObject | None:
        """The payment."""
        return self._parts.get("pay")

    @Property(QObject, constant=True)
    def done(self) -> QObject | None:
        """The finished sale."""
        return self._parts.get("done")

    @Property(QObject, constant=True)
    def history(self) -> QObject | None:
        """Receipts of the day."""
        return self._parts.get("history")

    @Property(QObject, constant=True)
    def mySales(self) -> QObject | None:
        """The guide's day."""
        return self._parts.get("my_sales")

    @Property(QObject, constant=True)
    def settings(self) -> QObject | None:
        """Settings."""
        return self._parts.get("settings")

    @Property(QObject, constant=True)
    def network(self) -> QObject | None:
        """What works now."""
        return self._parts.get("network")

    @Property(QObject, constant=True)
    def inbox(self) -> QObject | None:
        """What waits for a person."""
        return self._parts.get("inbox")

    @Property(QObject, constant=True)
    def returns(self) -> QObject | None:
        """Goods that come back."""
        return self._parts.get("returns")

    @Property(QObject, constant=True)
    def camera(self) -> QObject | None:
        """The camera sheet."""
        return self._parts.get("camera")

    # --- where ------------------------------------------------------------------------------------

    @Property(str, notify=placeChanged)
    def place(self) -> str:
        """signin, sell, history, mysales or settings."""
        return self._place.value

    @Property(str, notify=placeChanged)
    def sheet(self) -> str:
        """What lies over the place, "" for nothing."""
        return self._sheet.value

    @Property(bool, notify=placeChanged)
    def atSell(self) -> bool:
        """The sell screen is free: nothing lies over it."""
        return self._at_sell()

    def _at_sell(self) -> bool:
        return self._place is Place.SELL and self._sheet is Sheet.NONE

    @Slot(str)
    def go(self, place: str) -> None:
        """Go to a place; nobody goes anywhere without signing in."""
        if self._person is None and place != Place.SIGN_IN:
            return
        if self.put(self.placeChanged, _place=Place(place), _sheet=Sheet.NONE):
            self.entered.emit(place)

    @Slot(str)
    def open(self, sheet: str) -> None:
        """Lay a sheet over the place."""
        if self._person is None and sheet != Sheet.NETWORK:
            return
        self.put(self.placeChanged, _sheet=Sheet(sheet))

    @Slot()
    def close(self) -> None:
        """Take the sheet away."""
        self.put(self.placeChanged, _sheet=Sheet.NONE)

    @Slot()
    def dismiss(self) -> None:
        """Esc: take the sheet away unless money is involved."""
        if self._sheet not in FULL_SHEETS:
            self.close()

    @Slot()
    def startPay(self) -> None:
        """Ask for the payment of what is in the cart."""
        if self._at_sell():
            self.payAsked.emit()

    # --- who --------------------------------------------------------------------------------------

    @Property(str, notify=personChanged)
    def personName(self) -> str:
        """Who is signed in."""
        return self._name()

    @Property(str, notify=personChanged)
    def personLetters(self) -> str:
        """Their letters."""
        return letters(self._name()) if self._person else ""

    @Property(int, notify=personChanged)
    def personSeed(self) -> int:
        """Their colour."""
        return seed(self._person.person_id) if self._person else 0

    @Property(bool, notify=personChanged)
    def isManager(self) -> bool:
        """A manager is signed in."""
        return self._person is not None and self._person.role is Role.MANAGER

    def _name(self) -> str:
        return self._words.name(self._person.name, self._person.name_en) if self._person else ""

    @property
    def person(self) -> Person | None:
        """Who is signed in."""
        return self._person

    def welcome(self, person: Person) -> None:
        """Someone signed in."""
        self.put(self.personChanged, _person=person)
        self.go(Place.SELL)
        self.touch()

    @Slot()
    def signOut(self) -> None:
        """Lock the till; the cart stays as a draft."""
        self._idle.stop()
        self.put(self.personChanged, _person=None)
        self.put(self.placeChanged, _place=Place.SIGN_IN, _sheet=Sheet.NONE)
        self.signedOut.emit()

    @Slot()
    def touch(self) -> None:
        """Somebody did something: the idle lock starts again."""
        if self._person is not None and self._idle.interval() > 0:
            self._idle.start()

    @Slot()
    def _lock_idle(self) -> None:
        """Lock a till nobody touches, but never while a customer is paying."""
        if self._sheet in FULL_SHEETS:
            self._idle.start()
        else:
            self.signOut()

    # --- look -------------------------------------------------------------------------------------

    @Property(bool, notify=lookChanged)
    def dark(self) -> bool:
        """The dark look is chosen."""
        return self._dark

    @Property(bool, notify=lookChanged)
    def reduceMotion(self) -> bool:
        """Nothing should move."""
        return self._still

    @Property(str, notify=lookChanged)
    def language(self) -> str:
        """zh_CN or en."""
        return str(self._words.language)

    @Property(str, notify=lookChanged)
    def storeName(self) -> str:
        """The store's name."""
        return self._words.name(*self._store_name)

    @Slot(str)
    def setTheme(self, theme: str) -> None:
        """Choose "light" or "dark"."""
        self.put(self.lookChanged, _dark=theme == "dark")

    @Slot(str)
    def setLanguage(self, language: str) -> None:
        """Choose zh_CN or en."""
        self._words.speak(language)

    @Slot(bool)
    def setReduceMotion(self, still: bool) -> None:
        """Choose whether things may move."""
        self.put(self.lookChanged, _still=still)

    # --- network ----------------------------------------------------------------------------------

    @Property(str, notify=networkChanged)
    def networkText(self) -> str:
        """The sync chip's word."""
        return self._network

    @Property(str, notify=networkChanged)
    def networkKind(self) -> str:
        """good, busy (something waits to be sent) or off."""
        return self._network_kind

    @Property(str, notify=networkChanged)
    def networkGlyph(self) -> str:
        """The sync chip's icon."""
        return self._network_glyph

    def show_network(self, text: str, kind: str, glyph: str) -> None:
        """Say on the sync chip how the network stands."""
        values = {"_network": text, "_network_kind": kind, "_network_glyph": glyph}
        self.put(self.networkChanged, **values)

    # --- what happened ----------------------------------------------------------------------------

    @Property(str, notify=toastChanged)
    def toast(self) -> str:
        """What just happened."""
        return self._toast

    @Property(str, notify=toastChanged)
    def toastKind(self) -> str:
        """info or problem."""
        return self._toast_kind

    @Property(int, notify=toastChanged)
    def toastSerial(self) -> int:
        """Rises with every toast, so that the same words are shown again."""
        return self._toast_serial

    @Slot(str, str)
    def say(self, kind: str, text: str) -> None:
        """Tell for a few seconds what happened."""
        self.put(
            self.toastChanged,
            _toast=text,
            _toast_kind=kind,
            _toast_serial=(self._toast_serial + 1) % 1_000_000,
        )
