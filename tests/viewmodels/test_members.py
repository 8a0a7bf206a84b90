"""Finding members and letting customers join."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.domain.people import Role
from tests.qml.stage import StageTill
from ui.text import Words
from ui.viewmodels.members import MembersVm
from ui.viewmodels.shoplists import ShopLists


@pytest.fixture
def members(till: StageTill, words: Words, owner: QObject) -> Any:
    vm = MembersVm(till.members, ShopLists(till.store, words), words, owner)
    vm.open()
    return vm


def test_a_phone_finds_members_and_shows_it_masked(members: Any):
    members.search("154")
    assert members.found.rowCount() > 1
    assert all("****" in str(row["detail"]) for row in members.found.rows)


def test_nothing_typed_finds_nobody_and_says_so_differently(members: Any):
    assert not members.nothingFound
    members.search("查无此人")
    assert members.nothingFound


def test_the_form_begins_with_what_was_searched(members: Any):
    members.search("13900001111")
    assert (members.typedName, members.typedPhone) == ("", "13900001111")
    members.search("王小明")
    assert (members.typedName, members.typedPhone) == ("王小明", "")


def test_only_a_manager_is_asked_whether_to_erase(
    qtbot: QtBot, till: StageTill, words: Words, owner: QObject
):
    people = {person.role: person for person in till.session.people()}
    here = [people[Role.GUIDE]]
    lists = ShopLists(till.store, words)
    vm: Any = MembersVm(till.members, lists, words, owner, lambda: here[0])
    vm.open()
    vm.search("154")
    ref = str(vm.found.rows[0]["memberRef"])
    name = vm.found.rows[0]["name"]
    vm.askErase(ref)
    assert (vm.mayErase, vm.erasing) == (False, False)
    here[0] = people[Role.MANAGER]
    vm.askErase(ref)
    assert (vm.mayErase, vm.erasing, vm.leavingName) == (True, True, name)
    vm.keepMember()
    vm.erase()
    assert not vm.erasing
    vm.askErase(ref)
    with qtbot.waitSignal(vm.erased) as erased:
        vm.erase()
    assert erased.args == [ref]
    assert not vm.erasing
    assert ref not in [row["memberRef"] for row in vm.found.rows]


def test_joining_makes_a_member_and_attaches_them(qtbot: QtBot, members: Any, till: StageTill):
    with qtbot.waitSignal(members.picked) as picked:
        members.join("王小明", "139 0000 1111")
    assert picked.args is not None
    made = till.store.reader.member(picked.args[0])
    assert made is not None
    assert (made.name, made.phone) == ("王小明", "13900001111")


@pytest.mark.parametrize(
    ("name", "phone", "where"),
    [
        ("", "13900001111", "name"),
        ("x" * 61, "13900001111", "name"),
        ("a\x00b", "13900001111", "name"),
        ("王", "12", "phone"),
        ("王", "hello", "phone"),
    ],
)
def test_a_refusal_stands_beside_its_field(members: Any, name: str, phone: str, where: str):
    members.join(name, phone)
    assert bool(members.nameProblem) == (where == "name")
    assert bool(members.phoneProblem) == (where == "phone")


def test_a_known_phone_cannot_join_again(members: Any, till: StageTill):
    known = till.store.reader.find_members("154", 1)[0]
    members.join("另一个人", known.phone)
    assert members.phoneProblem
