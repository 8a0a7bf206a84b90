"""What no document describes: torn bodies, huge numbers, odd encodings, doubled keys, at every door of
the API and at every page. No answer may be an error of ours."""

from __future__ import annotations

import re

import httpx
import msgspec
from fastapi import FastAPI

from app.domain.ids import new_id
from app.wire.messages import Problem
from app.wire.tokens import NONCE_HEADER, PROOF_HEADER
from tests.cloud.device import Device
from tests.cloud.doors import doors

BODIES = {
    "empty": b"",
    "zero byte": b"\0",
    "zero in a string": b'{"changes":[{"change_id":"a\\u0000b","member_ref":"r","field":"join",'
    b'"value":"\\u0000","base_revision":0,"t_ms":0}]}',
    "not unicode": b"\xff\xfe\x80",
    "utf-16": '{"epoch":"x"}'.encode("utf-16"),
    "with a mark": b"\xef\xbb\xbf{}",
    "half a surrogate": b'{"epoch":"\\ud800"}',
    "a list": b"[]",
    "nothing": b"null",
    "torn": b'{"epoch":"x","records":[',
    "deep": b"[" * 100_000,
    "deep inside": b'{"epoch":' + b'{"a":' * 50_000,
    "huge number": b'{"t_ms":' + b"9" * 4_000 + b"}",
    "beyond 64 bits": b'{"device":"d","t_ms":99999999999999999999,"nonce":"n","signature":""}',
    "infinite": b'{"t_ms":1e999}',
    "doubled key": b'{"device":"a","device":"b","t_ms":1,"t_ms":2,"nonce":"n","signature":""}',
    "zstd without end": b"\x28\xb5\x2f\xfd\x00",
    "zstd of nothing": b"\x28\xb5\x2f\xfd",
}

QUERIES = [
    "stream=config&stream=stock",
    "stream=%00",
    "stream=config&limit=99999999999999999999999",
    "stream=config&limit=-1",
    "stream=config&limit=1e3",
    "stream=stock&cursor=%00",
    "stream=stock&cursor=1.99999999999999999999.x",
    "stream=catalog&cursor=%ff%fe",
    "cursor=-1.-1.",
    "cursor=1%2E1%2E1%2E1&limit=0",
    "limit=",
    "from=2026-03-01&to=2026-03-31&guide=%00",
    "from=2026-03-01&from=2026-03-02&to=2026-03-31",
    "from=0000-00-00&to=9999-99-99",
    "from=%F0%9F%98%80&to=%00",
    "from=-1&to=1",
    "&&&=&%",
]

IDS = ["%00", "%ff", "..%2f..", "é" * 400, "%F0%9F%98%80", "' OR 1=1 --", "0" * 5_000, "{}", "%"]

HEADERS = [
    {NONCE_HEADER: "n" * 10_000},
    {NONCE_HEADER: "\x7f"},
    {"Content-Type": "application/json; charset=utf-7"},
    {"Content-Type": "\x01"},
    {"Content-Encoding": "gzip"},
    {"Accept": "application/xml"},
    {"Accept-Language": ",;q=x" * 500},
    {"Content-Length": "-1"},
    {"Cookie": "=;;; \x7f=\x7f; " * 50},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer \xe9"},
    {"Authorization": "Basic Og=="},
    {"Authorization": "Bearer " + "A" * 20_000},
    {"Host": "evil.example:99999"},
]


def asked(app: FastAPI, *, api: bool) -> list[tuple[str, str]]:
    """Return method and path of every route but endless streams."""
    found = [(door.split()[0], door.split()[1]) for door in sorted(doors(app))]
    return [
        (method, path)
        for method, path in found
        if path.startswith("/v1/") == api and not path.endswith(("/live", "/events"))
    ]


def filled(path: str, value: str) -> str:
    return re.sub(r"\{[^}]+\}", lambda _: value, path)


def calm(answer: httpx.Response, what: object) -> None:
    """Fail on an error of ours, and on an answer of the API that is not a message of it."""
    assert answer.status_code < 500, (what, answer.status_code, answer.text[:200])
    if "/v1/" in str(answer.request.url.path):
        assert answer.headers["content-type"] == "application/json", what
        if answer.status_code >= 400:
            msgspec.json.decode(answer.content, type=Problem)


def test_no_body_breaks_a_door(app: FastAPI, device: Device) -> None:
    for method, path in asked(app, api=True):
        for name, body in BODIES.items():
            answer = device.client.request(
                method, filled(path, new_id()), content=body, headers=device.headers()
            )
            calm(answer, (method, path, name))
            assert answer.headers[PROOF_HEADER]


def test_no_query_and_no_name_breaks_a_door(app: FastAPI, device: Device) -> None:
    for method, path in asked(app, api=True):
        for query in QUERIES:
            where = f"{filled(path, new_id())}?{query}"
            calm(device.client.request(method, where, headers=device.headers()), (method, where))
        for name in IDS if "{" in path else ():
            where = filled(path, name)
            calm(device.client.request(method, where, headers=device.headers()), (method, where))


def test_no_header_breaks_a_door(app: FastAPI, device: Device) -> None:
    for method, path in asked(app, api=True):
        for odd in HEADERS:
            raw = [
                (k.encode(), v.encode("latin-1")) for k, v in {**device.headers(), **odd}.items()
            ]
            answer = device.client.request(
                method, filled(path, new_id()), headers=raw, content=b"{}"
            )
            calm(answer, (method, path, odd))


def test_an_unknown_door_is_refused_like_any_other(device: Device) -> None:
    for method, path, status in [
        ("GET", "/v1/", 404),
        ("GET", "/v1/sync", 404),
        ("POST", "/v1/sync/push/", 404),
        ("GET", "/v1/%2e%2e/%00", 404),
        ("BREW", "/v1/sync/push", 405),
        ("GET", "/v1/token", 405),
    ]:
        answer = device.client.request(
            method, path, headers=device.headers(), follow_redirects=False
        )
        assert answer.status_code == status, path
        calm(answer, path)
        if status == 405:
            assert answer.headers["Allow"] == "POST"


def test_no_request_breaks_a_page(app: FastAPI, device: Device) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    parts = {"Content-Type": "multipart/form-data; boundary=x"}
    for method, path in asked(app, api=False):
        for name in (*IDS, new_id()):
            where = filled(path, name)
            calm(device.client.request(method, where), (method, where))
        for odd in HEADERS:
            raw = [(k.encode(), v.encode("latin-1")) for k, v in odd.items()]
            calm(device.client.request(method, filled(path, "x"), headers=raw), (method, path, odd))
        for kind in (form, parts):
            for body in (b"csrf=%00", b"csrf=\xff&csrf=2", b"--x\r\n\r\n", b"&=&", b"\0" * 500):
                where = filled(path, "x")
                answer = device.client.request(method, where, headers=kind, content=body)
                calm(answer, (method, where, body))
