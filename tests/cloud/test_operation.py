"""What the people who run the cloud see: health, figures, log lines; and what these never hold."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import httpx
import msgspec
import pytest
import sqlalchemy as sa

from app.domain.ids import new_id
from app.wire.messages import MemberChange, MembersPush, MembersPushAnswer
from cloud.bootstrap import Cloud
from cloud.db.feed import fence_lag_ms
from cloud.operation.logs import JsonLines
from tests.cloud.conftest import new_code
from tests.cloud.device import Device, a_sale, enrolled
from tests.cloud.inprocess import Client
from tests.cloud.program import LONG_S, program
from tests.cloud.served import client_of

PHONE, NAME, NOTE = "13912345678", "欧阳若曦", "prefers cashmere, allergic to wool"


def bearer(cloud: Cloud) -> dict[str, str]:
    return {"Authorization": f"Bearer {cloud.keys.metrics_token()}"}


def test_a_cloud_that_is_well_says_so(client: Client) -> None:
    found = client.get("/v1/health")
    assert found.status_code == 200
    told = found.json()
    assert (told["status"], told["live"], told["ready"]) == ("ok", True, True)
    assert (told["database"], told["migrated"], told["fence_lag_ms"]) == (True, True, 0)
    assert client.get("/healthz").text == "ok"


def test_a_database_of_another_form_makes_it_not_ready(cloud: Cloud, client: Client) -> None:
    with cloud.db.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = 'of_tomorrow'"))
    found = client.get("/v1/health")
    assert (found.status_code, found.json()["status"]) == (503, "not_migrated")
    assert (found.json()["live"], found.json()["database"]) == (True, True)
    assert client.get("/healthz").status_code == 503


def test_without_its_database_it_lives_and_is_not_ready(
    cloud: Cloud, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise sa.exc.OperationalError("SELECT", None, Exception("the server is away"))

    monkeypatch.setattr(cloud.db, "read", gone)
    found = client.get("/v1/health")
    assert (found.status_code, found.json()["status"]) == (503, "no_database")
    assert found.json()["live"]
    told = client.get("/metrics", headers=bearer(cloud))
    assert (told.status_code, "guidepos_ready 0.0" in told.text) == (200, True)


@pytest.mark.postgres
@pytest.mark.parametrize("settings", ["postgres"], indirect=True)
def test_a_transaction_left_open_is_seen_as_lag_of_the_feeds(cloud: Cloud) -> None:
    assert cloud.db.read(fence_lag_ms) == 0
    with cloud.db.begin() as connection:
        connection.execute(sa.text("SELECT pg_current_xact_id()"))
        connection.execute(sa.text("SELECT pg_sleep(0.01)"))
        assert cloud.db.read(fence_lag_ms) >= 10


def test_figures_need_their_token_and_count_what_happens(
    cloud: Cloud, client: Client, device: Device
) -> None:
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers=device.headers()).status_code == 401
    device.write("sale", a_sale())
    device.write("sale", b"{}")
    device.push()
    device.push()
    device.send_push(device.batch(device.records[1:]), compressed=False)
    assert client.post("/v1/sync/push", content=b"x").status_code == 401
    told = client.get("/metrics", headers=bearer(cloud)).text
    for figure in (
        'guidepos_records_total{verdict="applied"} 1.0',
        'guidepos_records_total{verdict="accepted_exception"} 1.0',
        'guidepos_records_total{verdict="duplicate"} 3.0',
        'guidepos_pushes_total{outcome="taken"} 3.0',
        "guidepos_exceptions_open 1.0",
        'guidepos_request_seconds_count{method="POST",route="/v1/sync/push",status="200"} 3.0',
        'guidepos_request_seconds_count{method="POST",route="/v1/sync/push",status="401"} 1.0',
    ):
        assert figure in told, figure


def test_figures_know_routes_and_methods_but_no_path(cloud: Cloud, client: Client) -> None:
    client.get(f"/o/{PHONE}")
    client.get(f"/nowhere/{PHONE}")
    client.request("BREW", f"/{PHONE}")
    told = client.get("/metrics", headers=bearer(cloud)).text
    assert 'route="(none)"' in told
    assert 'method="OTHER"' in told
    assert PHONE not in told
    assert "BREW" not in told


def test_an_answer_bears_the_number_its_log_line_has(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.setFormatter(JsonLines())
    with caplog.at_level(logging.INFO, "cloud.access"):
        given = client.get("/v1/keys", headers={"X-Request-Id": "0123abcd-ef"})
        made = client.get("/v1/keys", headers={"X-Request-Id": f"{PHONE}\n{NAME}".encode()})
    assert given.headers["X-Request-Id"] == "0123abcd-ef"
    assert len(made.headers["X-Request-Id"]) == 32
    lines = [json.loads(line) for line in caplog.text.strip().splitlines()]
    assert [line["route"] for line in lines] == ["/v1/keys", "/v1/keys"]


def test_a_failure_is_told_by_its_kind_and_place_and_not_in_its_words() -> None:
    try:
        raise ValueError(f"could not read {PHONE}")
    except ValueError:
        record = logging.getLogger("x").makeRecord(
            "x", logging.ERROR, "f", 1, "a bug", (), sys.exc_info()
        )
    line = JsonLines().format(record)
    assert json.loads(line)["error"] == "ValueError"
    assert "test_operation.py" in line
    assert PHONE not in line


def test_a_whole_day_leaves_nobodys_data_in_the_log(cloud: Cloud, tmp_path: Path) -> None:
    """Members, sales, wrong requests, foreign tokens and bugs: then the log is searched."""
    log = tmp_path / "log"
    with (
        program(cloud.settings, log=log) as running,
        client_of(running.address, timeout=LONG_S) as client,
    ):
        code = new_code(cloud)
        till = enrolled(client, code)
        planted = [PHONE, NAME, NOTE, till.token, code, "张三丰", *_busy_day(till, client)]
        running.process.terminate()
        assert running.ended() == 0
    lines = log.read_text().splitlines()
    routes = {json.loads(line).get("route") for line in lines}
    assert {"/v1/members/push", "/v1/sync/push", "/v1/token", "/o/{token}"} <= routes
    for word in planted:
        for form in (word, json.dumps(word), word.encode().hex()):
            assert form not in log.read_text(), form


def _busy_day(till: Device, client: httpx.Client) -> list[str]:
    """Do everything that could end in a log; return what must not."""
    join = {"name": NAME, "phone": PHONE, "tier": "gold", "note": NOTE}
    changes = [
        MemberChange(
            change_id=new_id(),
            member_ref=new_id(),
            field=field,
            value=value,
            base_revision=0,
            t_ms=1,
        )
        for field, value in (("join", json.dumps(join)), ("phone", PHONE), ("note", NOTE))
    ]
    till.post("/v1/members/push", MembersPush(changes=changes), MembersPushAnswer)
    sale = msgspec.structs.replace(a_sale(), reference="张三丰")
    till.write("sale", sale)
    till.write("sale", f'{{"id": "{PHONE}"}}'.encode())
    till.push()
    headers = till.headers()
    for path in (f"/o/{PHONE}", f"/o/{till.token}", f"/v1/sync/pull?stream={PHONE}", f"/{NAME}"):
        client.get(path, headers=headers)
    broken = f'{{"changes": [{{"value": "{PHONE}"'.encode()
    for path in ("/v1/members/push", "/v1/sync/push", "/v1/payments", "/v1/enrol", "/v1/token"):
        client.post(path, content=broken, headers=headers)
    too_wide = {"changes": [{**msgspec.to_builtins(changes[0]), "base_revision": 2**63}]}
    client.post("/v1/members/push", content=json.dumps(too_wide), headers=headers)
    stranger = f"Bearer {PHONE}"
    client.get("/v1/sync/pull?stream=config", headers={**headers, "Authorization": stranger})
    return [headers["GuidePOS-Nonce"], sale.id]
