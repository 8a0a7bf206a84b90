"""First contact: whose keys are believed, and what a till loads before it speaks to anybody."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from app.errors import Code, Trouble
from app.remote.enrolment import CloudEnrolment
from app.wire.messages import EnrolAnswer, EnrolRequest, KeySet, PublicKey
from tests.sync.wire import KID, Reply, ScriptedCloud, scripted_cloud


@pytest.fixture
def cloud() -> Iterator[ScriptedCloud]:
    with scripted_cloud() as made:
        yield made


def trouble_of(act) -> Trouble:
    with pytest.raises(Trouble) as caught:
        act()
    return caught.value


def key_set(cloud: ScriptedCloud, kid: str = KID) -> KeySet:
    escrow = PublicKey(kid="e1", key=b"e" * 32)
    return KeySet(signing=[PublicKey(kid=kid, key=cloud.keys[KID])], escrow=escrow)


def enrol_answer(keys: KeySet) -> EnrolAnswer:
    return EnrolAnswer(
        tenant="t",
        store="s",
        device="d",
        device_code="01",
        epoch="e",
        epoch_ordinal=1,
        secret=b"s" * 32,
        keys=keys,
        timeline="t",
        public_url="https://shop.example",
    )


REQUEST = EnrolRequest(
    handshake=1,
    code="C",
    device_key=b"k" * 32,
    escrow=b"",
    platform="p",
    app_version="0",
    protection="file",
)


def test_the_first_answer_vouches_for_the_keys_and_the_keys_for_the_rest(cloud: ScriptedCloud):
    enrolment = CloudEnrolment(cloud.url)
    cloud.say(key_set(cloud))
    assert enrolment.keys() == key_set(cloud)
    cloud.say(enrol_answer(key_set(cloud)))
    assert enrolment.enrol(REQUEST).device == "d"
    cloud.refuse(403, "enrol_code_invalid")
    assert trouble_of(lambda: enrolment.enrol(REQUEST)).code is Code.ENROL_CODE_INVALID


@pytest.mark.fault(18, "enrolment says that this is not our cloud")
def test_a_portal_has_no_keys(cloud: ScriptedCloud):
    cloud.script = [Reply(200, b"<html>", honest=False), Reply(200, b"{}", honest=False)]
    for _ in range(2):
        assert trouble_of(CloudEnrolment(cloud.url).keys).code is Code.CLOUD_NOT_OURS


def test_keys_that_change_between_two_answers_are_not_ours(cloud: ScriptedCloud):
    enrolment = CloudEnrolment(cloud.url)
    cloud.say(key_set(cloud))
    enrolment.keys()
    cloud.say(enrol_answer(key_set(cloud, kid="s2")))
    assert trouble_of(lambda: enrolment.enrol(REQUEST)).code is Code.CLOUD_NOT_OURS


def test_nothing_that_starts_the_till_loads_http_imaging_or_keyring():
    script = (
        "import sys, app.sync.worker, app.devices.clock, app.devices.secrets, app.devices.qr, "
        "app.devices.barcode, app.devices.printer; "
        "slow = {'requests', 'urllib3', 'PIL', 'keyring', 'qrcode', 'zxingcpp', 'pyzbar', 'app.remote'}; "
        "print(sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
