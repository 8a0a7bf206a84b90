"""The two shapes in which Python values reach QML: a list model diffed by key, and a view-model base.

A view-model's module names its QML module for `@QmlElement` itself, because the type tool reads it
there, and uses decorator properties for the same reason:

    QML_IMPORT_NAME = "Guide.Model"
    QML_IMPORT_MAJOR_VERSION = 1

    @QmlElement
    @QmlUncreatable("made by the shell")
    class DoneVm(ViewModel):
        changed = Signal()

        @Property(str, notify=changed)
        def amount(self) -> str: ...

Money, dates and quantities leave a view-model as text, and no slot returns anything.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from PySide6.QtCore import (
    Property,
    QAbstractListModel,
    QByteArray,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)

Row = Mapping[str, object]
AnyIndex = QModelIndex | QPersistentModelIndex

_FIRST_ROLE = int(Qt.ItemDataRole.UserRole) + 1
_ROOT = QModelIndex()


class KeyedListModel(QAbstractListModel):
    """A list of rows with a fixed set of roles; the first role is the row's unique key.

    `show` turns the list into another one by removing, moving and inserting rows and by telling
    which roles of a row changed, so a view keeps its delegates, its scroll position and its focus.
    """

    countChanged = Signal()

    def __init__(self, roles: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._roles = tuple(roles)
        self._key = self._roles[0]
        self._names = {
            _FIRST_ROLE + i: QByteArray(name.encode()) for i, name in enumerate(self._roles)
        }
        self._rows: list[dict[str, object]] = []

    # --- what Qt asks -------------------------------------------------------------------------

    def rowCount(self, parent: AnyIndex = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def roleNames(self) -> dict[int, QByteArray]:
        return dict(self._names)

    def data(self, index: AnyIndex, role: int = int(Qt.ItemDataRole.DisplayRole)) -> object:
        """Return a role of a row, None for anything there is not. Never raises."""
        row, column = index.row(), role - _FIRST_ROLE
        if not 0 <= row < len(self._rows) or not 0 <= column < len(self._roles):
            return None
        return self._rows[row].get(self._roles[column])

    @Property(int, notify=countChanged)
    def count(self) -> int:
        """Number of rows."""
        return len(self._rows)

    # --- what view-models do --------------------------------------------------------------------

    @property
    def keys(self) -> tuple[str, ...]:
        """The rows' keys in order."""
        return tuple(str(row[self._key]) for row in self._rows)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows in order."""
        return tuple(self._rows)

    def show(self, rows: Iterable[Row]) -> None:
        """Make the list equal to `rows` with as few changes as tell the truth.

        Raises ValueError when two rows have the same key or a row lacks a role or has a foreign one.
        """
        wanted = [dict(row) for row in rows]
        self._check(wanted)
        before = len(self._rows)
        new_keys = [str(row[self._key]) for row in wanted]
        if new_keys != list(self.keys):
            self._remove_all_but(set(new_keys))
            self._reorder(new_keys)
            self._insert_missing(wanted)
        for position, row in enumerate(wanted):
            self._update(position, row)
        if len(self._rows) != before:
            self.countChanged.emit()

    def change(self, key: str, **values: object) -> None:
        """Change some roles of one row; an unknown key changes nothing."""
        for position, row in enumerate(self._rows):
            if row[self._key] == key:
                self._update(position, row | values)
                return

    def _check(self, rows: Sequence[Row]) -> None:
        expected = set(self._roles)
        for row in rows:
            if set(row) != expected:
                raise ValueError(f"roles differ: {sorted(expected ^ set(row))}")
        if len({row[self._key] for row in rows}) != len(rows):
            raise ValueError(f"the key {self._key!r} is not unique")

    def _remove_all_but(self, kept: set[str]) -> None:
        last = len(self._rows) - 1
        while last >= 0:
            if self.keys_at(last) in kept:
                last -= 1
                continue
            first = last
            while first > 0 and self.keys_at(first - 1) not in kept:
                first -= 1
            self.beginRemoveRows(_ROOT, first, last)
            del self._rows[first : last + 1]
            self.endRemoveRows()
            last = first - 1

    def _reorder(self, new_keys: Sequence[str]) -> None:
        """Move rows into the order of `new_keys`; the longest run already in order stays put."""
        here = list(self.keys)
        place = {key: i for i, key in enumerate(here)}
        order = [key for key in new_keys if key in place]
        if order == here:
            return
        still = _longest_rising([place[key] for key in order])
        for i, key in enumerate(order):
            if place[key] in still:
                continue
            source = here.index(key)
            target = here.index(order[i - 1]) + 1 if i else 0
            if target in (source, source + 1):
                continue
            self.beginMoveRows(_ROOT, source, source, _ROOT, target)
            to = target - 1 if target > source else target
            self._rows.insert(to, self._rows.pop(source))
            here.insert(to, here.pop(source))
            self.endMoveRows()

    def _insert_missing(self, wanted: Sequence[dict[str, object]]) -> None:
        position = 0
        while position < len(wanted):
            if self._has_at(position, wanted[position]):
                position += 1
                continue
            following = self.keys_at(position)
            stop = position
            while stop < len(wanted) and str(wanted[stop][self._key]) != following:
                stop += 1
            self.beginInsertRows(_ROOT, position, stop - 1)
            self._rows[position:position] = wanted[position:stop]
            self.endInsertRows()
            position = stop

    def _update(self, position: int, row: dict[str, object]) -> None:
        old = self._rows[position]
        changed = [
            _FIRST_ROLE + i for i, name in enumerate(self._roles) if not _same(old[name], row[name])
        ]
        if changed:
            self._rows[position] = row
            index = self.index(position)
            self.dataChanged.emit(index, index, changed)

    def _has_at(self, position: int, row: Row) -> bool:
        return self.keys_at(position) == str(row[self._key])

    def keys_at(self, position: int) -> str | None:
        """Return the key of the row at `position`, None past the end."""
        if position >= len(self._rows):
            return None
        return str(self._rows[position][self._key])


class ViewModel(QObject):
    """What a screen shows, as text and flags, and what may be done there.

    A view-model keeps its backing values in plain attributes and changes them through `put`, which
    emits the given signal only when something changed.
    """

    def put(self, signal: object, **values: object) -> bool:
        """Set attributes and emit `signal` once if any of them changed; tell whether one did."""
        changed = [name for name, value in values.items() if not _same(getattr(self, name), value)]
        for name in changed:
            setattr(self, name, values[name])
        if changed:
            signal.emit()  # type: ignore[attr-defined]  # a bound Signal; the stubs know no such type
        return bool(changed)


def _same(old: object, new: object) -> bool:
    """Tell whether a view would see no difference; 1 and True are different things in QML."""
    return type(old) is type(new) and old == new


def _longest_rising(numbers: Sequence[int]) -> set[int]:
    """Return the members of one longest rising subsequence (patience sorting, O(n log n))."""
    tails: list[int] = []
    tail_at: list[int] = []
    before: list[int] = [-1] * len(numbers)
    for i, number in enumerate(numbers):
        pile = bisect_left(tails, number)
        if pile == len(tails):
            tails.append(number)
            tail_at.append(i)
        else:
            tails[pile], tail_at[pile] = number, i
        before[i] = tail_at[pile - 1] if pile else -1
    rising: set[int] = set()
    i = tail_at[-1] if tail_at else -1
    while i >= 0:
        rising.add(numbers[i])
        i = before[i]
    return rising
