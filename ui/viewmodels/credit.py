"""The sheet that says who is credited for a line: one guide, or several with parts that sum to all."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.money import FULL_BP, allocate
from app.domain.people import MAX_GUIDES, GuideShare
from ui.bridge import KeyedListModel, ViewModel
from ui.text import Words
from ui.viewmodels.people import letters, seed
from ui.viewmodels.shoplists import ShopLists

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

GUIDE_ROLES = ("personId", "name", "letters", "seed", "chosen", "part")
STEP_BP = 1_000
LEAST_BP = 1_000


@QmlElement
@QmlUncreatable("made by the shell")
class CreditVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """Parts of one line's credit that are being changed."""

    changed = Signal()
    shared = Signal(str, object)

    def __init__(self, words: Words, lists: ShopLists, parent: QObject) -> None:
        super().__init__(parent)
        self._words, self._lists = words, lists
        self._line = ""
        self._parts: dict[str, int] = {}
        self._guides = KeyedListModel(GUIDE_ROLES, self)
        words.changed.connect(self._show)

    @Property(QObject, constant=True)
    def guides(self) -> QObject:
        """Everyone, with their part."""
        return self._guides

    @Property(bool, notify=changed)
    def canKeep(self) -> bool:
        """Somebody is chosen."""
        return bool(self._parts)

    @Property(bool, notify=changed)
    def several(self) -> bool:
        """More than one is chosen, so parts can be moved."""
        return len(self._parts) > 1

    @Slot(str)
    def toggle(self, person_id: str) -> None:
        """Choose a guide or leave them out; parts become equal again."""
        chosen = list(self._parts)
        if person_id in chosen:
            chosen.remove(person_id)
        elif len(chosen) < MAX_GUIDES:
            chosen.append(person_id)
        parts = allocate(FULL_BP, [1] * len(chosen)) if chosen else []
        self._parts = dict(zip(chosen, parts, strict=True))
        self._show()

    @Slot(str)
    def more(self, person_id: str) -> None:
        """Move a tenth to this guide, from whoever has most of the others."""
        self._move(person_id, STEP_BP)

    @Slot(str)
    def fewer(self, person_id: str) -> None:
        """Move a tenth away from this guide, to whoever has least of the others."""
        self._move(person_id, -STEP_BP)

    @Slot()
    def keep(self) -> None:
        """Credit the line so."""
        if self._parts:
            shares = tuple(GuideShare(guide, part) for guide, part in self._parts.items())
            self.shared.emit(self._line, shares)

    def open(self, line_no: str, shares: Sequence[GuideShare]) -> None:
        """Begin with a line's present shares."""
        self._line = line_no
        self._parts = {share.guide_id: share.weight_bp for share in shares}
        self._show()

    def _move(self, person_id: str, step: int) -> None:
        others = [guide for guide in self._parts if guide != person_id]
        if person_id not in self._parts or not others:
            return
        pick = max if step > 0 else min
        other = pick(others, key=lambda guide: self._parts[guide])
        if min(self._parts[person_id] + step, self._parts[other] - step) < LEAST_BP:
            return
        self._parts[person_id] += step
        self._parts[other] -= step
        self._show()

    @Slot()
    def _show(self) -> None:
        self._guides.show(
            {
                "personId": person.person_id,
                "name": self._words.name(person.name, person.name_en),
                "letters": letters(self._words.name(person.name, person.name_en)),
                "seed": seed(person.person_id),
                "chosen": person.person_id in self._parts,
                "part": self._part(person.person_id),
            }
            for person in self._lists.people
        )
        self.changed.emit()

    def _part(self, person_id: str) -> str:
        bp = self._parts.get(person_id, 0)
        return f"{bp / 100:g}%" if bp else ""
