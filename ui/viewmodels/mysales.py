"""The guide's own day: net, pieces, commission, the curve of the hours, and how each commission came
about. Figures are this till's records; the screen says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.people import Person
from app.errors import Trouble
from app.ports import Earnings, EarningsLine, Reader
from ui.bridge import KeyedListModel, Row, ViewModel
from ui.tasks import sort_failure
from ui.text import Words
from ui.viewmodels.documentrows import explained

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

ENTRY_ROLES = ("key", "name", "at", "receiptNo", "sum", "spoken", "amount", "negative")
HOUR_ROLES = ("key", "label", "part", "amount", "best")
OPENS, CLOSES = 9, 22
"""Hours the curve always shows; earlier and later ones are added when something was sold."""

NOTHING = Earnings(0, 0, 0, 0, (0,) * 24)


@QmlElement
@QmlUncreatable("made by the shell")
class MySalesVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """The signed-in guide's day. `today` gives the trading day."""

    changed = Signal()
    notice = Signal(str, str)

    def __init__(
        self,
        reader: Callable[[], Reader],
        today: Callable[[], date],
        words: Words,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._reader, self._today, self._words = reader, today, words
        self._guide: Person | None = None
        self._earned = NOTHING
        self._lines: tuple[EarningsLine, ...] = ()
        self._english: dict[str, dict[int, str]] = {}
        self._entries = KeyedListModel(ENTRY_ROLES, self)
        self._hours = KeyedListModel(HOUR_ROLES, self)
        words.changed.connect(self._show)

    # --- what QML reads -----------------------------------------------------------------------

    @Property(str, notify=changed)
    def title(self) -> str:
        """Whose day it is."""
        if self._guide is None:
            return ""
        name = self._words.name(self._guide.name, self._guide.name_en)
        return self._words.say("mysales.title", name=name)

    @Property(str, notify=changed)
    def net(self) -> str:
        """Credited net."""
        return self._words.amount(self._earned.net)

    @Property(str, notify=changed)
    def sales(self) -> str:
        """Documents credited in."""
        return f"{self._earned.sales:,}"

    @Property(str, notify=changed)
    def units(self) -> str:
        """Pieces."""
        return f"{self._earned.units:,}"

    @Property(str, notify=changed)
    def commission(self) -> str:
        """Commission earned."""
        return self._words.amount(self._earned.commission)

    @Property(str, notify=changed)
    def average(self) -> str:
        """Net per document, "" while there is none."""
        if not self._earned.sales:
            return ""
        return self._words.say("mysales.average", amount=self._earned.net // self._earned.sales)

    @Property(str, notify=changed)
    def attach(self) -> str:
        """Pieces per document (连带率), "" while there is none."""
        if not self._earned.sales:
            return ""
        tenths = self._earned.units * 10 // self._earned.sales
        return self._words.say("mysales.attach", n=f"{tenths // 10}.{tenths % 10}")

    @Property(QObject, constant=True)
    def hours(self) -> QObject:
        """The curve: one row per hour; `part` is 0 to 1 of the best hour."""
        return self._hours

    @Property(str, notify=changed)
    def bestHour(self) -> str:
        """Which hour sold most."""
        best = self._best()
        if best is None:
            return self._words.say("mysales.no_best_hour")
        return self._words.say("mysales.best_hour", hour=best, net=self._earned.hourly_net[best])

    @Property(QObject, constant=True)
    def entries(self) -> QObject:
        """Every commission entry, newest first."""
        return self._entries

    @Property(bool, notify=changed)
    def isEmpty(self) -> bool:
        """Nothing was earned yet."""
        return not self._lines

    # --- what QML does ------------------------------------------------------------------------

    @Slot()
    def load(self) -> None:
        """Read the day afresh."""
        if self._guide is None:
            self._earned, self._lines = NOTHING, ()
            self._show()
            return
        try:
            reader, day = self._reader(), self._today()
            self._earned = reader.earnings(self._guide.person_id, day)
            self._lines = reader.earnings_lines(self._guide.person_id, day)
        except Trouble as trouble:
            self.notice.emit("problem", self._words.error(sort_failure(trouble)))
        self._show()

    # --- what Python does ---------------------------------------------------------------------

    def of(self, guide: Person | None) -> None:
        """Show somebody's day; None shows nobody's."""
        self._guide = guide
        self.load()

    @Slot()
    def _show(self) -> None:
        newest = sorted(self._lines, key=lambda line: (-line.at_ms, line.receipt_no, line.line_no))
        self._entries.show(self._row(line) for line in newest)
        self._hours.show(self._hour_rows())
        self.changed.emit()

    def _row(self, line: EarningsLine) -> Row:
        words = self._words
        figures = {"base": line.base, "rate": line.rate_bp, "weight": line.weight_bp}
        return {
            "key": f"{line.document_id}:{line.line_no}",
            "name": self._name(line),
            "at": words.say("history.minute", at=line.at_ms),
            "receiptNo": line.receipt_no,
            "sum": explained(line.base, line.rate_bp, line.weight_bp, line.amount, words),
            "spoken": words.say("commission.spoken", amount=line.amount, **figures),
            "amount": words.amount(line.amount),
            "negative": line.amount < 0,
        }

    def _name(self, line: EarningsLine) -> str:
        """An entry carries the Chinese name; the English one is read from its document, once."""
        if not self._words.english:
            return line.name
        if line.document_id not in self._english:
            document = self._reader().document(line.document_id)
            lines = document.lines if document else ()
            self._english[line.document_id] = {x.line_no: x.name_en or x.name for x in lines}
        return self._english[line.document_id].get(line.line_no, line.name)

    def _hour_rows(self) -> list[Row]:
        nets = self._earned.hourly_net
        sold = [hour for hour, net in enumerate(nets) if net]
        first, last = min([OPENS, *sold]), max([CLOSES, *sold])
        most = max(*nets, 1)
        return [
            {
                "key": str(hour),
                "label": f"{hour}",
                "part": max(nets[hour], 0) / most,
                "amount": self._words.amount(nets[hour]),
                "best": hour == self._best(),
            }
            for hour in range(first, last + 1)
        ]

    def _best(self) -> int | None:
        nets = self._earned.hourly_net
        most = max(nets)
        return nets.index(most) if most > 0 else None
