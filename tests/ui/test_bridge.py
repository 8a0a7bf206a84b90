"""The list model tells a view every change and nothing but changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, Signal
from PySide6.QtTest import QAbstractItemModelTester

from ui.bridge import KeyedListModel, ViewModel

ROLES = ("key", "name", "mark")


def row(key: object, name: str = "", mark: object = 0) -> dict[str, object]:
    return {"key": str(key), "name": name, "mark": mark}


class Mirror(QObject):
    """A view that believes only the model's signals."""

    def __init__(self, model: KeyedListModel) -> None:
        super().__init__(model)
        self.model = model
        self.keys: list[str] = []
        self.told: list[str] = []
        model.rowsInserted.connect(self.inserted)
        model.rowsRemoved.connect(self.removed)
        model.rowsMoved.connect(self.moved)
        model.dataChanged.connect(self.changed)
        model.modelReset.connect(lambda: self.told.append("reset"))

    def inserted(self, _parent: QModelIndex, first: int, last: int) -> None:
        self.told.append(f"insert {first}-{last}")
        keys = [str(self.model.data(self.model.index(i), 257)) for i in range(first, last + 1)]
        self.keys[first:first] = keys

    def removed(self, _parent: QModelIndex, first: int, last: int) -> None:
        self.told.append(f"remove {first}-{last}")
        del self.keys[first : last + 1]

    def moved(self, _p: QModelIndex, first: int, last: int, _q: QModelIndex, to: int) -> None:
        self.told.append(f"move {first}-{last} to {to}")
        part = self.keys[first : last + 1]
        del self.keys[first : last + 1]
        at = to - len(part) if to > first else to
        self.keys[at:at] = part

    def changed(self, top: QModelIndex, bottom: QModelIndex, roles: list[int]) -> None:
        names = [bytes(self.model.roleNames()[role].data()).decode() for role in roles]
        self.told.append(f"change {top.row()}-{bottom.row()} {','.join(names)}")


@given(st.lists(st.lists(st.sampled_from("abcdefghij"), unique=True), min_size=2, max_size=5))
def test_a_view_that_believes_only_signals_always_shows_the_same_keys(lists: list[list[str]]):
    model = KeyedListModel(ROLES)
    # Fatal mode would abort the interpreter; in Warning mode pytest-qt fails the test.
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning)
    mirror = Mirror(model)
    for keys in lists:
        model.show([row(key, key.upper()) for key in keys])
        assert mirror.keys == keys == list(model.keys)
        assert model.rowCount() == len(keys) == model.property("count")
    assert "reset" not in mirror.told
    tester.deleteLater()


def test_one_more_line_is_one_insert():
    model = KeyedListModel(ROLES)
    model.show([row(i) for i in range(50)])
    mirror = Mirror(model)
    model.show([*(row(i) for i in range(50)), row(50)])
    assert mirror.told == ["insert 50-50"]


def test_a_new_quantity_tells_only_its_role():
    model = KeyedListModel(ROLES)
    model.show([row(1, "coat", 1), row(2, "shirt", 1)])
    mirror = Mirror(model)
    model.show([row(1, "coat", 1), row(2, "shirt", 2)])
    model.change("1", name="long coat")
    model.change("nobody", name="x")
    assert mirror.told == ["change 1-1 mark", "change 0-0 name"]


def test_the_first_row_going_last_is_one_move():
    model = KeyedListModel(ROLES)
    model.show([row(key) for key in "abcdef"])
    mirror = Mirror(model)
    model.show([row(key) for key in "bcdefa"])
    assert mirror.told == ["move 0-0 to 6"]


def test_the_same_rows_again_tell_nothing():
    model = KeyedListModel(ROLES)
    model.show([row(1, "coat")])
    mirror = Mirror(model)
    model.show([row(1, "coat")])
    assert mirror.told == []


def test_true_and_one_are_different_to_a_view():
    model = KeyedListModel(ROLES)
    model.show([row(1, mark=1)])
    mirror = Mirror(model)
    model.show([row(1, mark=True)])
    assert mirror.told == ["change 0-0 mark"]


def test_data_of_what_is_not_there_is_none_and_never_raises():
    model = KeyedListModel(ROLES)
    model.show([row(1)])
    assert model.data(QModelIndex(), 257) is None
    assert model.data(model.index(0), 0) is None
    assert model.data(model.index(0), 257 + len(ROLES)) is None
    assert model.data(model.index(7), 257) is None
    assert model.rowCount(model.index(0)) == 0


def test_role_names_are_bytes():
    names = KeyedListModel(ROLES).roleNames()
    assert [bytes(name.data()) for name in names.values()] == [b"key", b"name", b"mark"]


@pytest.mark.parametrize(
    "rows",
    [[row(1), row(1)], [{"key": "1"}], [row(1) | {"more": 1}]],
    ids=["same key twice", "role missing", "foreign role"],
)
def test_rows_that_no_view_could_show_are_refused(rows: list[dict[str, object]]):
    with pytest.raises(ValueError, match=r"key|roles"):
        KeyedListModel(ROLES).show(rows)


def test_it_is_a_list_model_for_qml():
    assert isinstance(KeyedListModel(ROLES), QAbstractItemModel)


class Lamp(ViewModel):
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._on = False
        self._colour = "white"


def test_put_emits_once_and_only_for_a_difference():
    lamp, told = Lamp(), []
    lamp.changed.connect(lambda: told.append(1))
    assert lamp.put(lamp.changed, _on=True, _colour="red")
    assert not lamp.put(lamp.changed, _on=True, _colour="red")
    assert (told, lamp._on, lamp._colour) == ([1], True, "red")
