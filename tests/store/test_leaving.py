"""Leaving a cloud, on a real file: what it never took is counted, and nobody's name stays behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import Code, RuleBroken
from app.wire.messages import MemberVerdict
from offline_store import OfflineStore, unsent_in
from tests.store.conftest import Opener
from tests.store.pages import plain_bytes
from tests.store.shop import KEY, do, enrol_answer
from tests.store.test_members import aside, change, pull, row, settle

WORDS = ("欧阳震华", "ouyangzhenhua", "13777654321", "私人秘密")


@pytest.fixture
def enrolled(opened: Opener) -> OfflineStore:
    """A till that knows a few hundred members and has a change the cloud refuses."""
    store = opened()
    do(store, "enrol", enrol_answer(), b"k" * 32, "https://shop.example")
    for start in (0, 100, 0):
        pull(store, *[row(f"m{n}", f"欧阳震华{n}") for n in range(start, start + 200)])
    pull(store, row("mx", "司马相如", phone="13777654321"))
    return store


def refuse(store: OfflineStore) -> str:
    """Set a change of a member aside, as a cloud that will never take it makes the till do."""
    poison = change(store, "note", "私人秘密", member_ref="mx")
    aside(store, poison)
    return poison


def left(file: Path) -> list[str]:
    data = plain_bytes(file, KEY)
    return [word for word in WORDS if word.encode() in data]


def test_what_the_cloud_refuses_is_not_left_behind_unseen(enrolled, file):
    refuse(enrolled)
    for leave in ("refuse_unsent", "unenrol"):
        with pytest.raises(RuleBroken) as rule:
            do(enrolled, leave)
        assert rule.value.code is Code.UNSENT_LEFT
        assert rule.value.facts == {"records": 0, "member_changes": 1}
    assert unsent_in(file, KEY) == (0, 1)


def test_what_the_cloud_refuses_may_be_left_once_it_is_in_a_file(enrolled, file):
    waiting, poison = change(enrolled, "note", "常客", member_ref="m1"), refuse(enrolled)
    kept = [each.change_id for each in do(enrolled, "kept_changes")]
    assert kept == [waiting, poison]
    assert do(enrolled, "lacking") == (0, 2)
    with pytest.raises(RuleBroken):
        enrolled.run(lambda uow: uow.unenrol(exported=(0, 1))).result()
    enrolled.run(lambda uow: uow.unenrol(exported=(0, 2))).result()
    assert not enrolled.reader.identity().enrolled
    assert unsent_in(file, KEY) == (0, 0)


def test_no_name_stays_in_the_file_of_a_till_that_left(enrolled, opened, file):
    poison = refuse(enrolled)
    do(enrolled, "retry_refused_members")
    verdict = MemberVerdict(change_id=poison, verdict="applied", member_ref="mx", revision=2)
    settle(enrolled, verdict)
    enrolled.close()
    assert left(file) == list(WORDS)
    store = opened()
    do(store, "unenrol")
    store.close()
    assert unsent_in(file, KEY) == (0, 0)
    assert left(file) == []
