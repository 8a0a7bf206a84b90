"""The store's inbox on the screen: money, exceptions and alarms, who is at them, and what one may do.

It lists, explains and asks; claiming, delivering and settling are the services' work.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.money_back import Back
from app.domain.people import Person, Role
from app.errors import Code, Trouble
from app.ports import Reader
from app.services.giving_back import BackNews, GivingBack
from app.services.inbox import Entry, inbox
from app.services.payments import PaymentNews, Payments
from app.services.tasks import StoreTasks
from app.wire.tasks import SETTLED, TaskRow
from ui.bridge import KeyedListModel, ViewModel
from ui.postbox import posted_to
from ui.tasks import Failure, Tasks
from ui.text import Words
from ui.viewmodels.inboxrows import INBOX_ROLES, InboxRows, Names, is_money
from ui.viewmodels.waysback import refusal

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

SURE_AFTER_MS = 700
"""So long after a press that asked, the next one answers: sooner it is the same finger."""

_Press = tuple[str, str, int]
"""A word about an entry as it was seen: key, word, amount in minor units."""
_NO_PRESS: _Press = ("", "", 0)

_BACK_SAID = {Back.DONE: "money.gone_back", Back.UNKNOWN: "money.asked_open"}
_STALE = frozenset({Code.TASK_TAKEN, Code.TASK_SETTLED, Code.TASK_CHANGED, Code.TASK_UNKNOWN})
"""Refusals that say: your list is older than the cloud's."""


@dataclass(frozen=True, slots=True)
class InboxTools:
    """What the inbox needs of a till. `on_screen` names the cart the payment screen shows, which is not
    listed; `is_online` is the outcome of the last exchange; `sync_now` fetches what the cloud has."""

    reader: Callable[[], Reader]
    tasks: StoreTasks
    giving_back: GivingBack
    payments: Payments
    on_screen: Callable[[], str]
    who: Callable[[], Person | None]
    now_ms: Callable[[], int]
    is_online: Callable[[], bool]
    sync_now: Callable[[], Future[None] | None]


@QmlElement
@QmlUncreatable("made by the shell")
class InboxVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """What waits for a person. `delivered` carries the Sale that late money has become."""

    changed = Signal()
    openAsked = Signal()
    closeAsked = Signal()
    delivered = Signal(object)
    notice = Signal(str, str)

    def __init__(self, tools: InboxTools, words: Words, parent: QObject) -> None:
        super().__init__(parent)
        self._tools, self._words = tools, words
        self._found: tuple[Entry, ...] = ()
        self._names = Names()
        self._online = True
        self._sure, self._sure_at_ms = _NO_PRESS, 0
        self._write = InboxRows(words)
        self._rows = KeyedListModel(INBOX_ROLES, self)
        self._tasks = Tasks(self)
        self._tasks.busyChanged.connect(self.changed)
        self._stirred = posted_to(self.look)
        words.changed.connect(self._show)

    # --- what QML reads -----------------------------------------------------------------------

    @Property(QObject, constant=True)
    def rows(self) -> QObject:
        """One row per thing to see."""
        return self._rows

    @Property(bool, notify=changed)
    def any(self) -> bool:
        """Something waits for a person."""
        return self._waiting() > 0

    @Property(bool, notify=changed)
    def isEmpty(self) -> bool:
        """There is nothing to see at all."""
        return not self._found

    @Property(str, notify=changed)
    def badge(self) -> str:
        """How much waits for a person, "" for nothing."""
        return f"{self._waiting():,}" if self._waiting() else ""

    @Property(str, notify=changed)
    def headline(self) -> str:
        """How much waits, as a sentence."""
        waiting = self._waiting()
        return self._words.say("inbox.headline" if waiting else "inbox.none", n=waiting)

    @Property(str, notify=changed)
    def note(self) -> str:
        """Who may do what, "" where there is nothing to add."""
        person = self._tools.who()
        if not self._waiting() or person is None:
            return ""
        if person.role is not Role.MANAGER:
            return self._words.say("inbox.managers")
        refundable = any(entry.can_give_back(person) for entry in self._found)
        return self._words.say("money.refund_how") if refundable else ""

    @Property(bool, notify=changed)
    def isOnline(self) -> bool:
        """Something can be claimed and settled now."""
        return self._online

    @Property(bool, notify=changed)
    def busy(self) -> bool:
        """An answer is under way."""
        return self._tasks.isBusy()

    def _waiting(self) -> int:
        return sum(entry.needs_a_person for entry in self._found)

    # --- what QML does ------------------------------------------------------------------------

    @Slot()
    def open(self) -> None:
        """Show the list."""
        self._sure = _NO_PRESS
        self.look()
        self.openAsked.emit()

    @Slot()
    def close(self) -> None:
        """Put the list away."""
        self.closeAsked.emit()

    @Slot()
    def look(self) -> None:
        """Read afresh what waits."""
        try:
            reader = self._tools.reader()
            found = inbox(reader, self._tools.now_ms())
            self._names = self._names_of(reader)
            self._online = self._tools.is_online()
        except Trouble:
            return  # the store was busy for a moment; the list of a moment ago stays
        shown = self._tools.on_screen()
        self._found = tuple(entry for entry in found if not shown or _cart_of(entry) != shown)
        self._show()

    @Slot(str)
    def ask(self, key: str) -> None:
        """Ask the cloud how a payment stands, or the refund of it that has no end yet."""
        person = self._tools.who()
        if person is None or self._tasks.isBusy():
            return
        back = next((entry.back for entry in self._found if entry.key == key), None)
        if back is not None:
            news = self._tools.giving_back.refresh(back.number)
            self._tasks.follow(news, self._gone_back, self._failed)
        else:
            future = self._tools.payments.refresh(key, person.person_id)
            self._tasks.follow(future, self._asked, self._failed)

    @Slot(str)
    def deliver(self, key: str) -> None:
        """Make late money into the sale it was meant for: the goods go out now."""
        person = self._tools.who()
        if person is not None and not self._tasks.isBusy():
            # What the entry shows as short is delivered knowingly; what it does not show is refused.
            seen = any(entry.key == key and entry.short for entry in self._found)
            future = self._tools.tasks.deliver(key, person, although_short=seen)
            self._tasks.follow(future, self._delivered, self._failed)

    @Slot(str)
    def giveBack(self, key: str) -> None:
        """Send money back to the wallet it came from."""
        person = self._tools.who()
        if person is not None and not self._tasks.isBusy():
            future = self._tools.giving_back.late_money(key, person)
            self._tasks.follow(future, self._gone_back, self._failed)

    @Slot(str)
    def claim(self, key: str) -> None:
        """Take something on oneself."""
        person = self._tools.who()
        if person is not None and not self._tasks.isBusy():
            self._tasks.follow(self._tools.tasks.claim(key, person), self._claimed, self._failed)

    @Slot(str, str)
    def settle(self, key: str, word: str) -> None:
        """Say what became of something: seen, refunded, released … Of money the first press only asks:
        it moves nothing, and takes the money off every tablet's list."""
        person = self._tools.who()
        entry = next((entry for entry in self._found if entry.key == key), None)
        if person is None or entry is None or self._tasks.isBusy():
            return
        amount = _amount_of(entry)
        if is_money(entry) and not self._is_sure((key, word, amount)):
            return
        self._sure = _NO_PRESS
        if entry.alarm is not None:
            alarm = entry.alarm
            put_away = self._tools.tasks.settle_alarm(alarm.code, alarm.subject, person)
            self._tasks.follow(put_away, self._settled, self._failed)
        else:
            settled = self._tools.tasks.settle(key, word, person, amount=amount)
            self._tasks.follow(settled, self._settled, self._failed)

    # --- what Python does ---------------------------------------------------------------------

    def stir(self) -> None:
        """There is news of some payment or task. Any thread."""
        self._stirred()

    def _asked(self, news: PaymentNews) -> None:
        self.look()
        open_still = news.attempt.last.after.is_open
        self.notice.emit(
            "info", self._words.say("money.asked_open" if open_still else "money.asked")
        )

    def _delivered(self, news: PaymentNews) -> None:
        self.look()
        if news.sale is not None:
            self.delivered.emit(news.sale)

    def _gone_back(self, news: BackNews) -> None:
        self._tools.sync_now()
        self.look()
        if news.step.standing is Back.REFUSED:
            word = refusal(self._words, news.step.word)
            self.notice.emit("problem", self._words.say("money.not_back", word=word))
            return
        said = _BACK_SAID.get(news.step.standing, "money.going_back")
        self.notice.emit("info", self._words.say(said))

    def _claimed(self, _row: TaskRow) -> None:
        self.look()
        self.notice.emit("info", self._words.say("inbox.claimed"))

    def _settled(self, row: TaskRow | None) -> None:
        self.look()
        if row is None or row.state == SETTLED:
            self.notice.emit("info", self._words.say("inbox.settled"))
        else:
            self.notice.emit("info", self._words.say("inbox.more_waits", amount=row.amount))

    def _failed(self, failure: Failure) -> None:
        if failure.code in _STALE:
            self._tools.sync_now()
        self.look()
        self.notice.emit("problem", self._sentence(failure))

    def _sentence(self, failure: Failure) -> str:
        """Name whoever was quicker; everything else has its usual sentence."""
        till, person = failure.facts.get("till"), failure.facts.get("person")
        if failure.code is Code.TASK_TAKEN and till:
            who = self._names.people.get(str(person), str(person))
            return self._words.say("inbox.held_at", who=who, till=till)
        if failure.code is Code.CLOUD_UNREACHABLE:
            return self._words.say("inbox.offline")
        return self._words.error(failure)

    def _names_of(self, reader: Reader) -> Names:
        """Return the names of people, and of tills as far as tasks tell them."""
        people = {p.person_id: self._words.name(p.name, p.name_en) for p in reader.people()}
        people["operator"] = self._words.say("inbox.headquarters")
        return Names(people, {task.device: task.device_code for task in reader.tasks()})

    @Slot()
    def _show(self) -> None:
        person = self._tools.who()
        self._rows.show(
            self._write.row(entry, self._names, person, self._sure_of(entry))
            for entry in self._found
        )
        self.changed.emit()

    def _is_sure(self, press: _Press) -> bool:
        """Tell whether this press answers the one before, which asked; a double tap is one press, and
        where the amount has changed between the two, the second asks again."""
        now_ms = self._tools.now_ms()
        if self._sure == press:
            return not 0 <= now_ms - self._sure_at_ms < SURE_AFTER_MS  # the clock may be set
        self._sure, self._sure_at_ms = press, now_ms
        self._show()
        return False

    def _sure_of(self, entry: Entry) -> str:
        key, word, amount = self._sure
        return word if (key, amount) == (entry.key, _amount_of(entry)) else ""


def _amount_of(entry: Entry) -> int:
    """Return the minor units that the buttons of an entry speak of, 0 for none."""
    return entry.task.amount if entry.task is not None else 0


def _cart_of(entry: Entry) -> str:
    """Return the cart a payment is for, "" for anything else."""
    if entry.money is not None:
        return entry.money.attempt.last.sale_id
    return entry.task.other if entry.task is not None and entry.task.kind != "record" else ""
