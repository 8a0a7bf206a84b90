"""A round as a whole: what hello says and hears, and what a till in an odd state still does."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from app.errors import Code, Trouble
from app.sync.report import SyncReport
from app.wire.messages import HelloRequest
from app.wire.versions import PROTOCOL, SCHEMA
from tests.sync.till import Till, stock_rows


def hellos(till: Till, monkeypatch) -> list[HelloRequest]:
    """Collect what is said at hello."""
    said: list[HelloRequest] = []
    hello = till.cloud.hello

    def listen(device: str, request: HelloRequest):
        said.append(request)
        return hello(device, request)

    monkeypatch.setattr(till.cloud, "hello", listen)
    return said


def test_hello_says_where_the_till_stands(till: Till, monkeypatch):
    said = hellos(till, monkeypatch)
    till.engine.run()
    till.record(3)
    till.engine.run()
    till.engine.run()
    first, second, third = said
    assert (first.last_seq, first.last_hash, first.acked_seq, first.acked_hash) == (0, "", 0, "")
    assert (second.last_seq, second.acked_seq) == (3, 0)
    assert (third.acked_seq, third.acked_hash) == (3, till.store.held.records[2].hash.hex())
    assert (third.protocol, third.schema) == (PROTOCOL, SCHEMA)


def test_hello_names_the_file_for_ever_and_the_process_until_it_ends(till: Till, monkeypatch):
    said = hellos(till, monkeypatch)
    till.engine.run()
    till.engine.run()
    till.restart()
    till.engine.run()
    assert len({request.db_id for request in said}) == 1
    assert said[0].db_id
    nonces = [request.boot_nonce for request in said]
    assert nonces[0] == nonces[1] != nonces[2]


def test_hello_anchors_the_clock_half_a_round_trip_later(till: Till, monkeypatch):
    hello = till.cloud.hello

    def slow(device: str, request: HelloRequest):
        till.clock.advance(0.4)
        return hello(device, request)

    monkeypatch.setattr(till.cloud, "hello", slow)
    till.engine.run()
    assert till.clock.anchors == [till.cloud.server_ms + 200]


@pytest.mark.fault(
    29, "what is unsent still leaves; nothing new is recorded until the program is updated"
)
def test_a_newer_file_lets_records_out_and_nothing_in(till: Till):
    ids = till.record(2)
    till.cloud.put("stock", *stock_rows(5))
    till.store.drain_only = True
    report = till.engine.run()
    assert report.trouble is None
    assert till.at_cloud == ids
    assert till.transport.calls == ["hello", "push"]
    assert till.store.held.states == {}


def test_a_round_asked_to_stop_ends_between_two_requests(till: Till):
    till.record(500)
    report = till.engine.run(stop=lambda: len(till.transport.batches) == 1)
    assert report.pushed == 200
    assert till.transport.calls == ["hello", "push"]


def test_a_round_stopped_inside_a_feed_keeps_the_pages_it_has(till: Till):
    till.cloud.put("stock", *stock_rows(1_000))
    till.engine.run(stop=lambda: till.transport.calls.count("pull stock") == 2)
    kept = len(till.store.held.rows["stock"])
    assert 0 < kept < 1_000
    till.engine.run()
    assert len(till.store.held.rows["stock"]) == 1_000


def test_stopping_before_the_members_go_out_leaves_them_queued(till: Till):
    report = till.engine.run(stop=lambda: True)
    assert report.trouble is None
    assert till.transport.calls == ["hello"]


def test_a_store_that_cannot_be_asked_is_reported(till: Till):
    def broken(job: int) -> None:
        raise Trouble(Code.STORE_DAMAGED)

    till.store.before_job = broken
    report = till.engine.run()
    assert report.trouble is not None
    assert report.trouble.code is Code.STORE_DAMAGED
    assert till.transport.calls == []


def test_a_store_that_fails_while_a_mark_is_taken_ends_the_round(till: Till):
    till.record(2)
    till.engine.run()
    del till.cloud.devices["d1"].records[1:]

    def broken(job: int) -> None:
        if till.transport.calls[-1] == "hello":
            raise Trouble(Code.STORE_FULL)

    till.transport.calls.clear()
    till.transport.calls.append("start")
    till.store.before_job = broken
    report = till.engine.run()
    assert report.trouble is not None
    assert report.trouble.code is Code.STORE_FULL
    assert till.transport.calls == ["start", "hello"]


def test_commands_of_the_cloud_are_handed_on(till: Till, monkeypatch):
    hello = till.cloud.hello
    monkeypatch.setattr(
        till.cloud, "hello", lambda d, r: replace(hello(d, r), commands=["re_enrol"])
    )
    assert till.engine.run().commands == ("re_enrol",)


def test_a_report_of_nothing_says_that_nothing_changed():
    assert not SyncReport().changed
    assert not SyncReport().forked
    assert SyncReport(members_sent=1).changed
