"""Becoming a device: one code, keys made here, and nothing lost when an answer is."""

from __future__ import annotations

import pytest

from app.errors import Code, RuleBroken, Trouble
from app.wire.messages import EnrolAnswer, EnrolRequest
from tests.fakes.cloud import GOOD_CODE, FakeCloud
from tests.fakes.store import FakeStore
from tests.sync.till import STORE_KEY, become_device


class LosesItsFirstAnswer(FakeCloud):
    """Enrols, and then the line breaks."""

    lost = False

    def enrol(self, request: EnrolRequest) -> EnrolAnswer:
        answer = super().enrol(request)
        if not self.lost:
            self.lost = True
            raise Trouble(Code.CLOUD_UNREACHABLE, retryable=True)
        return answer


def test_the_till_becomes_the_device_the_cloud_says_it_is():
    store, cloud = FakeStore(), FakeCloud()
    become_device(store, cloud)
    who = store.held.who
    assert (who.tenant, who.store, who.device, who.enrolled) == ("t1", "s1", "d1", True)
    assert store.held.pinned == {"s1": cloud.keys().signing[0].key}
    assert len(store.held.key) == 32
    assert store.held.states == {}


def test_the_cloud_can_recover_the_key_of_the_store_and_never_sees_it_open():
    store, cloud = FakeStore(), FakeCloud()
    become_device(store, cloud)
    assert cloud.escrowed_key("d1") == STORE_KEY
    assert STORE_KEY not in cloud.devices["d1"].escrow


def test_a_lost_answer_can_be_asked_for_again_with_the_same_code():
    store, cloud = FakeStore(), LosesItsFirstAnswer()
    with pytest.raises(Trouble):
        become_device(store, cloud)
    assert not store.held.who.enrolled
    become_device(store, cloud)
    assert store.held.who.device == "d1"
    assert len(cloud.devices) == 1


def test_a_code_is_used_once():
    cloud = FakeCloud()
    become_device(FakeStore(), cloud)
    with pytest.raises(Trouble) as caught:
        become_device(FakeStore(), cloud)
    assert caught.value.code is Code.ENROL_CODE_INVALID


def test_spaces_in_a_typed_code_do_not_matter():
    store = FakeStore()
    become_device(store, FakeCloud(), code=f" {GOOD_CODE[:4]} {GOOD_CODE[4:]} ")
    assert store.held.who.enrolled


def test_no_code_is_the_typists_mistake():
    with pytest.raises(RuleBroken) as caught:
        become_device(FakeStore(), FakeCloud(), code="  ")
    assert caught.value.code is Code.TEXT_EMPTY


def test_a_device_is_not_enrolled_over():
    store, cloud = FakeStore(), FakeCloud()
    become_device(store, cloud)
    cloud.codes.add("SECOND")
    with pytest.raises(Trouble) as caught:
        become_device(store, cloud, code="SECOND")
    assert caught.value.facts["problem"] == "enrolled"
    assert len(cloud.devices) == 1
