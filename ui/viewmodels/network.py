"""The honest network: the chip in the rail, and the table of what works now, why not, how old.

The table comes from the very function that permits each operation, so the two cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from PySide6.QtCore import Property, QObject, QTimer, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.errors import Code, Trouble
from app.services.honesty import Conditions, Operation, Standing, Verdict, table
from app.sync.progress import Filling
from ui.bridge import KeyedListModel, Row, ViewModel
from ui.tasks import Failure, Tasks
from ui.text import Words
from ui.viewmodels.filling import FillingVm

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

OPERATION_ROLES = ("key", "name", "standing", "kind", "glyph", "detail")
LOOK_EVERY_MS = 5_000

_KINDS = {
    Standing.NOW: ("good", "circle-check"),
    Standing.QUEUED: ("info", "cloud-upload"),
    Standing.AGED: ("warn", "clock"),
    Standing.BLOCKED: ("danger", "circle-x"),
}


@QmlElement
@QmlUncreatable("made by the shell")
class NetworkVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """The chip and the table. `conditions` tells how things stand; `sync_now` wakes the sync worker
    and answers when a round has ended, None where there is no worker. `closeAsked` closes the sheet.
    """

    changed = Signal()
    closeAsked = Signal()
    notice = Signal(str, str)

    def __init__(
        self,
        conditions: Callable[[], Conditions],
        sync_now: Callable[[], Future[None] | None],
        words: Words,
        parent: QObject,
        *,
        filling: Callable[[], Filling | None] = lambda: None,
        pause: Callable[[bool], Future[None] | None] = lambda paused: None,
    ) -> None:
        super().__init__(parent)
        self._filling = FillingVm(filling, pause, words, self)
        self._filling.changed.connect(self.changed)
        self._filling.notice.connect(self.notice)
        self._conditions, self._sync_now, self._words = conditions, sync_now, words
        self._now: Conditions | None = None
        self._operations = KeyedListModel(OPERATION_ROLES, self)
        self._tasks = Tasks(self)
        self._tasks.busyChanged.connect(self.changed)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_EVERY_MS)
        self._timer.timeout.connect(self.look)
        words.changed.connect(self._show)

    # --- the chip -----------------------------------------------------------------------------

    @Property(str, notify=changed)
    def chipText(self) -> str:
        """Two words for the rail: synced, 3 to send, offline."""
        return self._chip()[0]

    @Property(str, notify=changed)
    def chipKind(self) -> str:
        """good, busy or warn."""
        return self._chip()[1]

    @Property(str, notify=changed)
    def chipGlyph(self) -> str:
        """The chip's icon."""
        return self._chip()[2]

    # --- the table ----------------------------------------------------------------------------

    @Property(QObject, constant=True)
    def operations(self) -> QObject:
        """What works now, queued, on old figures, blocked."""
        return self._operations

    @Property(QObject, constant=True)
    def filling(self) -> QObject:
        """The download that fills this till."""
        return self._filling

    @Property(str, notify=changed)
    def headline(self) -> str:
        """Connected, offline, not enrolled or revoked."""
        return self._words.say(f"network.{self._state()}")

    @Property(str, notify=changed)
    def explanation(self) -> str:
        """What that means, with the age of the last answer."""
        return self._explanation()

    @Property(bool, notify=changed)
    def isOnline(self) -> bool:
        """The last exchange with the cloud went well."""
        return self._state() == "online"

    @Property(bool, notify=changed)
    def isRevoked(self) -> bool:
        """The cloud said that this till may only send what it has."""
        return self._state() == "revoked"

    @Property(str, notify=changed)
    def unsentLine(self) -> str:
        """How much waits to be sent, and since when."""
        return self._unsent_line()

    @Property(bool, notify=changed)
    def hasUnsent(self) -> bool:
        """Something waits to be sent, or is refused."""
        sync = self._now.sync if self._now else None
        return bool(sync and (sync.unsent or sync.member_changes or sync.member_refused))

    @Property(str, notify=changed)
    def closeLine(self) -> str:
        """Whether it is safe to close the program."""
        return self._close_line()

    @Property(bool, notify=changed)
    def isSafeToClose(self) -> bool:
        """No payment is without a result."""
        return not (self._now and self._now.open_payments)

    @Property(str, notify=changed)
    def copyLine(self) -> str:
        """What is wrong with the second copy, "" while all is well or none is kept."""
        copy = self._now.second_copy if self._now else None
        if copy is None or copy.alarm is None:
            return ""
        if copy.alarm is Code.COPY_AHEAD:
            return self._words.say("network.copy_ahead", n=copy.missing_here)
        return self._words.say("network.copy_failed", n=copy.behind)

    @Property(bool, notify=changed)
    def busy(self) -> bool:
        """A sync round is under way."""
        return self._tasks.isBusy()

    @Property(str, notify=changed)
    def syncLabel(self) -> str:
        """What the button does now."""
        return self._words.say("network.syncing" if self._tasks.isBusy() else "network.sync_now")

    # --- what QML does ------------------------------------------------------------------------

    @Slot()
    def look(self) -> None:
        """See how things stand now."""
        self._filling.look()
        try:
            self._now = self._conditions()
        except Trouble:
            # The store was busy for a moment; the figures of a few seconds ago stay.
            return
        self._show()

    @Slot()
    def syncNow(self) -> None:
        """Wake the sync worker."""
        if self._tasks.isBusy():
            return
        future = self._sync_now()
        if future is not None:
            self._tasks.follow(future, self._synced, self._failed)

    @Slot()
    def close(self) -> None:
        """Close the sheet."""
        self.closeAsked.emit()

    # --- what Python does ---------------------------------------------------------------------

    def start(self) -> None:
        """Look now and every few seconds from now on."""
        self.look()
        self._timer.start()
        self._filling.start()

    def _synced(self, _: None) -> None:
        self.look()
        self.notice.emit("info", self._words.say("network.sync_done"))

    def _failed(self, failure: Failure) -> None:
        self.look()
        self.notice.emit("problem", self._words.error(failure))

    @Slot()
    def _show(self) -> None:
        if self._now is not None:
            self._operations.show(self._row(verdict) for verdict in table(self._now))
        self.changed.emit()

    def _row(self, verdict: Verdict) -> Row:
        kind, glyph = _KINDS[verdict.standing]
        return {
            "key": verdict.operation.value,
            "name": self._words.say(f"operation.{verdict.operation.value}"),
            "standing": self._words.say(f"standing.{verdict.standing.value}"),
            "kind": kind,
            "glyph": glyph,
            "detail": self._detail(verdict),
        }

    def _detail(self, verdict: Verdict) -> str:
        say = self._words.say
        if verdict.operation is Operation.CLOSE_PROGRAM:
            return self._close_line()
        if verdict.operation is Operation.SELL_QR and verdict.standing is Standing.AGED:
            return say("operation.sell_qr_offline")
        if verdict.reason is Code.MEMBER_CHANGE_REFUSED:
            return self._words.code(verdict.reason, n=verdict.waiting)
        if verdict.standing is Standing.BLOCKED and verdict.reason:
            return self._words.code(verdict.reason)
        if verdict.waiting and verdict.age_ms is not None:
            return say("operation.waiting_since", n=verdict.waiting, age=verdict.age_ms)
        if verdict.waiting:
            return say("operation.waiting", n=verdict.waiting)
        if verdict.standing is Standing.AGED:
            if verdict.age_ms is None:
                return say("operation.no_figures")
            return say("operation.as_of", age=verdict.age_ms)
        return ""

    def _state(self) -> str:
        if self._now is None or not self._now.enrolled:
            return "not_enrolled"
        if self._now.revoked:
            return "revoked"
        return "online" if self._now.reachable else "offline"

    def _chip(self) -> tuple[str, str, str]:
        waiting = self._now.sync.unsent if self._now else 0
        state = self._state()
        if state == "revoked":
            return self._words.say("network.revoked"), "warn", "lock"
        if state != "online":
            return self._words.say(f"network.{state}"), "warn", "cloud-off"
        if filling := self._filling.chip():
            return filling, "busy", "download"
        if waiting:
            return self._words.say("network.unsent", n=waiting), "busy", "cloud-upload"
        return self._words.say("network.synced"), "good", "cloud"

    def _explanation(self) -> str:
        state = self._state()
        if self._now is None or state == "not_enrolled":
            return self._words.say("network.not_enrolled_hint")
        if state == "revoked":
            return self._words.say("network.revoked_hint")
        heard = max(self._now.sync.last_pull_ms, self._now.sync.last_push_ms)
        if not heard:
            return self._words.say(f"network.{state}_hint_never")
        age = max(self._now.now.server_ms - heard, 0)
        return self._words.say(f"network.{state}_hint", age=age)

    def _unsent_line(self) -> str:
        if self._now is None:
            return ""
        sync, say = self._now.sync, self._words.say
        members = [say("network.members_waiting", n=sync.member_changes)] * bool(
            sync.member_changes
        )
        if sync.member_refused:
            members.append(say("network.members_refused", n=sync.member_refused))
        records = say("network.all_sent")
        if sync.unsent:
            age = max(self._now.now.server_ms - sync.oldest_unsent_ms, 0)
            records = say("network.unsent_line", n=sync.unsent, age=age)
        return self._words.join(records, *members)

    def _close_line(self) -> str:
        if self._now is None:
            return ""
        if self._now.open_payments:
            return self._words.say("network.not_safe", n=self._now.open_payments)
        unsent = self._now.sync.unsent
        return self._words.say(
            "network.safe_to_close_unsent" if unsent else "network.safe_to_close"
        )
