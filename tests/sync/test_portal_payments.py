"""A captive portal answers in place of the cloud while a customer pays: no answer, and never "failed"."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.domain.payment import State
from app.domain.payment_code import PaymentCode
from app.errors import Code, Trouble
from app.remote.cloud import EnrolledCloud
from app.remote.payments import CloudPayments
from app.services.payments import Payments
from app.services.wallets import CustomerCode, Wallets
from app.wire.messages import WaysToPay
from tests.sync.wire import Reply, ScriptedCloud, scripted_cloud
from tests.unit.services.till import GUIDE, InlinePool, Till, shown

PORTALS = {
    "page": Reply(200, b"<html>Sign in</html>", "text/html", honest=False),
    "json": Reply(200, b'{"state":"failed"}', honest=False),
    "forbidden": Reply(403, b"<html>403</html>", "text/html", honest=False),
    "away": Reply(
        302, b"", "text/html", honest=False, headers={"Location": "http://portal.example/"}
    ),
    "forged": Reply(404, b'{"code":"payment_unknown"}', proof="s1.AAAA"),
}
CODE = CustomerCode(PaymentCode.ALIPAY, "289821051157962360")


@pytest.fixture
def till(tmp_path: Path) -> Iterator[Till]:
    opened = Till(tmp_path / "till.db")
    yield opened
    opened.close()


@pytest.fixture
def cloud() -> Iterator[ScriptedCloud]:
    with scripted_cloud() as made:
        yield made


@pytest.fixture
def line(till: Till, cloud: ScriptedCloud) -> CloudPayments:
    """The real adapter, over a line where somebody else may answer."""
    return CloudPayments(
        EnrolledCloud(
            cloud.url,
            lambda: cloud.keys,
            device="SH01-A1",
            device_key=os.urandom(32),
            clock=till.clock,
        )
    )


def state_of(till: Till, attempt_id: str) -> State:
    return till.attempt(attempt_id).last.after.state


@pytest.mark.fault(18, "not known yet; the payment is asked about again and never called failed")
@pytest.mark.parametrize("portal", PORTALS)
def test_a_portal_while_waiting_is_no_answer(till, cloud, line, portal: str):
    attempt_id = shown(till)
    payments = Payments(till.store, line, till.clock, InlinePool())
    for ask in (payments.refresh, payments.cancel, payments.refresh):
        cloud.script.append(PORTALS[portal])
        news = ask(attempt_id).result()
        assert (news.state.state, news.view, news.sale) == (State.UNKNOWN, None, None)
    till.gateway.pay(attempt_id)
    cloud.say(till.gateway.query(attempt_id))
    assert payments.refresh(attempt_id).result().sale is not None


@pytest.mark.parametrize("portal", PORTALS)
def test_a_portal_while_a_code_is_collected_leaves_doubt(till, cloud, line, portal: str):
    attempt_id = shown(till)
    payments = Payments(till.store, line, till.clock, InlinePool())
    wallets = Wallets(payments, line, till.clock, InlinePool())
    cloud.say(WaysToPay(collects=["alipay"], shows=[]))
    cloud.say(till.gateway.query(attempt_id))
    cloud.script.append(PORTALS[portal])
    news = wallets.collect(attempt_id, CODE, GUIDE.person_id).result()
    assert (news.state.state, news.sale) == (State.UNKNOWN, None)
    assert [asked.path.rsplit("/", 1)[1] for asked in cloud.asked] == [
        "ways-to-pay",
        attempt_id,
        "code",
    ]
    cloud.say(replace(till.gateway.query(attempt_id), way="code"))
    assert payments.refresh(attempt_id).result().state.state is State.WAITING


@pytest.mark.parametrize("portal", PORTALS)
def test_a_portal_before_a_code_is_sent_takes_nothing_and_doubts_nothing(
    till, cloud, line, portal: str
):
    attempt_id = shown(till)
    wallets = Wallets(
        Payments(till.store, line, till.clock, InlinePool()), line, till.clock, InlinePool()
    )
    cloud.script.append(PORTALS[portal])
    with pytest.raises(Trouble) as error:
        wallets.collect(attempt_id, CODE, GUIDE.person_id).result()
    assert error.value.code is Code.CLOUD_NOT_OURS
    assert state_of(till, attempt_id) is State.WAITING
    assert not any(asked.path.endswith("/code") for asked in cloud.asked)
