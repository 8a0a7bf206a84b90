"""Taking tills in: codes, identities, access tokens, and the proof on every answer."""

from __future__ import annotations

import msgspec
import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.wire.journal import Chain
from app.wire.messages import EnrolAnswer, HelloAnswer, KeySet, Problem, TokenRequest
from app.wire.tokens import PROOF_HEADER, token_request_message, unb64, unseal
from cloud.bootstrap import Cloud
from cloud.db import tables
from cloud.services.tokens import CLOCK_TOLERANCE_MS
from tests.cloud.conftest import Clock, Enrol, new_code
from tests.cloud.device import Device, enrol_request, proven
from tests.cloud.inprocess import Client


def problem(content: bytes) -> str:
    return msgspec.json.decode(content, type=Problem).code


def test_a_code_is_exchanged_for_an_identity(cloud: Cloud, device: Device) -> None:
    me = device.me
    assert (me.store, me.device_code, me.epoch_ordinal) == ("S001", "01", 1)
    assert len(me.secret) == 32
    assert len(me.keys.signing) == 2
    assert me.public_url == "http://shop.example"
    assert Chain(me.tenant, me.store, me.device, me.epoch).genesis()


def test_the_second_till_of_a_store_gets_the_next_code_and_another_store_begins_anew(
    enrol: Enrol,
) -> None:
    codes = [enrol(store).me.device_code for store in ("S001", "S001", "S002")]
    assert codes == ["01", "02", "01"]


def test_the_stores_key_can_be_recovered_from_its_escrow(cloud: Cloud, device: Device) -> None:
    query = sa.select(tables.device.c.escrow).where(tables.device.c.device_id == device.me.device)
    box = cloud.db.read(lambda connection: connection.scalar(query))
    assert isinstance(box, bytes)
    assert unseal(box, cloud.keys.escrow) == b"k" * 32


def test_a_code_is_spent_by_the_first_device_which_may_repeat_itself(
    cloud: Cloud, client: Client
) -> None:
    code, key = new_code(cloud), Ed25519PrivateKey.generate()
    first = client.post("/v1/enrol", content=msgspec.json.encode(enrol_request(code, key)))
    again = client.post("/v1/enrol", content=msgspec.json.encode(enrol_request(code.lower(), key)))
    assert first.status_code == 200
    assert again.content == first.content
    other = enrol_request(code, Ed25519PrivateKey.generate())
    refused = client.post("/v1/enrol", content=msgspec.json.encode(other))
    assert (refused.status_code, problem(refused.content)) == (403, "enrol_code_invalid")


def test_an_old_or_unknown_code_is_refused(cloud: Cloud, client: Client, clock: Clock) -> None:
    code, key = new_code(cloud), Ed25519PrivateKey.generate()
    clock.ahead_ms = 61 * 60_000
    for refused in (code, "AAAA-BBBB-CCCC", "", "码\0"):
        answer = client.post("/v1/enrol", content=msgspec.json.encode(enrol_request(refused, key)))
        assert (answer.status_code, problem(answer.content)) == (403, "enrol_code_invalid")


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"handshake": "x"}'])
def test_what_is_no_message_is_malformed(client: Client, body: bytes) -> None:
    answer = client.post("/v1/enrol", content=body)
    assert (answer.status_code, problem(answer.content)) == (422, "malformed")


def test_a_token_is_only_for_who_holds_the_key(device: Device) -> None:
    stranger = Ed25519PrivateKey.generate()
    t_ms = 1_800_000_000_000
    message = token_request_message(device.me.device, t_ms, "n")
    for name, key, expected in (
        (device.me.device, stranger, (401, "token_invalid")),
        ("nobody", device.key, (403, "device_not_enrolled")),
    ):
        asked = TokenRequest(device=name, t_ms=t_ms, nonce="n", signature=key.sign(message))
        answer = device.client.post("/v1/token", content=msgspec.json.encode(asked))
        assert (answer.status_code, problem(answer.content)) == expected


def test_an_old_proof_gets_no_token(device: Device, clock: Clock) -> None:
    clock.ahead_ms = CLOCK_TOLERANCE_MS + 60_000
    with pytest.raises(AssertionError, match="token_expired"):
        device.sign_in()


def test_a_till_whose_clock_is_off_is_told_the_time_with_proof(
    device: Device, clock: Clock
) -> None:
    clock.ahead_ms = 10 * CLOCK_TOLERANCE_MS
    message = token_request_message(device.me.device, 1, "n")
    asked = TokenRequest(
        device=device.me.device, t_ms=1, nonce="n", signature=device.key.sign(message)
    )
    answer = device.client.post(
        "/v1/token", content=msgspec.json.encode(asked), headers=device.headers()
    )
    assert proven(answer, device.me)
    told = msgspec.json.decode(answer.content, type=Problem)
    assert abs(told.server_ms - clock()) < CLOCK_TOLERANCE_MS


def test_requests_without_a_sound_token_are_refused(device: Device, clock: Clock) -> None:
    for token, code in (("", "token_invalid"), ("x", "token_invalid"), ("é" * 9, "token_invalid")):
        headers = {b"Authorization": b"Bearer " + token.encode()} if token else {}
        answer = device.client.get("/v1/sync/pull?stream=config", headers=headers)
        assert (answer.status_code, problem(answer.content)) == (401, code)
    forged = device.token[:-2] + ("AA" if device.token[-2:] != "AA" else "BB")
    answer = device.client.get(
        "/v1/sync/pull?stream=config", headers={"Authorization": f"Bearer {forged}"}
    )
    assert problem(answer.content) == "token_invalid"
    payload = unb64(device.token)[:-32]
    assert payload[8:].decode().split("\0") == [
        device.me.tenant,
        device.me.store,
        device.me.device,
    ]
    clock.ahead_ms = 31 * 60_000
    answer = device.client.get("/v1/sync/pull?stream=config", headers=device.headers())
    assert (answer.status_code, problem(answer.content)) == (401, "token_expired")


def test_a_revoked_till_may_only_drain(cloud: Cloud, device: Device) -> None:
    with cloud.db.begin() as connection:
        connection.execute(sa.update(tables.device).values(revoked_ms=1))
    device.sign_in()
    answer = device.client.get("/v1/sync/pull?stream=config", headers=device.headers())
    assert (answer.status_code, problem(answer.content)) == (403, "device_revoked")
    assert proven(answer, device.me)
    assert device.post("/v1/sync/hello", device.hello(), HelloAnswer).hwm == 0


def test_every_answer_proves_whose_it_is(device: Device) -> None:
    for path in ("/v1/keys", "/v1/health", "/v1/nothing", "/v1/sync/pull?stream=none"):
        assert proven(device.client.get(path, headers=device.headers()), device.me)
    assert device.get("/v1/keys", KeySet) == device.me.keys


def test_every_no_is_a_problem(device: Device) -> None:
    for method, path, expected in (
        ("GET", "/v1/nothing", (404, "no_such_endpoint")),
        ("DELETE", "/v1/keys", (405, "no_such_endpoint")),
        ("GET", "/v1/sync/pull", (422, "malformed")),
        ("GET", "/v1/sync/pull?stream=stock&limit=many", (422, "malformed")),
    ):
        answer = device.client.request(method, path, headers=device.headers())
        assert (answer.status_code, problem(answer.content)) == expected


def test_an_answer_to_no_nonce_carries_no_proof(client: Client) -> None:
    assert PROOF_HEADER not in client.get("/v1/keys").headers
    assert client.get("/healthz").text == "ok"


def test_an_answer_of_another_request_proves_nothing(device: Device) -> None:
    answer = device.client.get("/v1/keys", headers=device.headers())
    answer.request.headers.update(device.headers())
    assert not proven(answer, device.me)


def test_a_reopened_cloud_keeps_its_keys_and_tills(device: Device, cloud: Cloud) -> None:
    from cloud.bootstrap import open_cloud

    again = open_cloud(cloud.settings)
    assert again.keys.published() == cloud.keys.published()
    assert isinstance(device.me, EnrolAnswer)
    again.close()
