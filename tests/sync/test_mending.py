"""What the cloud holds only sealed is given back by whoever has it whole, and kept until it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.errors import Code, Trouble
from app.wire.journal import Damaged, Record
from tests.fakes.store import FakeStore
from tests.sync.till import Till, engine_of, record


@pytest.fixture
def twin(till: Till) -> FakeStore:
    """Another tablet with the same journal of five records, made before the till's third was damaged
    and went sealed."""
    till.record(5)
    twin = FakeStore()
    twin.held = replace(till.store.held, records=list(till.store.held.records))
    till.store.damage(3)
    assert till.engine.run().sealed == (3,)
    return twin


def test_a_clone_gives_back_what_was_sent_sealed(till: Till, twin: FakeStore):
    ids = [record.header.rec_id for record in twin.held.records]
    engine = engine_of(twin, till.transport, till.clock)
    report = engine.run()
    assert (report.trouble, report.epoch, report.given_back) == (None, "", 1)
    assert till.at_cloud == ids
    assert engine.run().given_back == 0
    assert till.engine.run().given_back == 0


def test_a_newer_file_only_drains(till: Till, twin: FakeStore):
    twin.drain_only = True
    assert engine_of(twin, till.transport, till.clock).run().given_back == 0


def test_nothing_is_let_go_while_something_is_owed(till: Till, twin: FakeStore, monkeypatch):
    asked: list[int] = []

    def prune(*_: object) -> int:
        asked.append(1)
        return 0

    monkeypatch.setattr(type(twin.held), "prune", prune)
    engine = engine_of(twin, till.transport, till.clock)
    refused = Trouble(Code.CLOUD_REFUSED, status=422, problem="malformed")
    till.transport.faults = [None, refused]
    report = engine.run()
    assert (report.trouble, report.given_back, asked) == (refused, 0, [])
    assert engine.run().given_back == 1
    assert asked == [1]


def test_a_cloud_that_stands_elsewhere_by_now_is_no_trouble(till: Till, twin: FakeStore):
    elsewhere = Trouble(Code.CLOUD_REFUSED, status=409, problem="gap")
    till.transport.faults = [None, elsewhere]
    engine = engine_of(twin, till.transport, till.clock)
    report = engine.run()
    assert (report.trouble, report.given_back) == (None, 0)
    assert engine.run().given_back == 1


def test_a_second_copy_that_turns_up_later_is_asked_once_in_a_while(till: Till, monkeypatch):
    ids = till.record(3)
    whole = list(till.store.held.records)
    till.store.damage(2)
    assert till.engine.run().sealed == (2,)
    asked: list[int] = []
    copies = till.store.sound_copies

    def listen(places: Sequence[Damaged]) -> tuple[Record, ...]:
        asked.append(len(places))
        return copies(places)

    monkeypatch.setattr(till.store, "sound_copies", listen)
    assert till.engine.run().given_back == 0
    till.store.copied = whole
    assert (till.engine.run().given_back, asked) == (0, [1])
    till.restart()
    assert till.engine.run().given_back == 1
    assert sorted(till.at_cloud) == sorted(ids)


def test_the_next_sale_is_not_kept_back(till: Till, twin: FakeStore):
    engine = engine_of(twin, till.transport, till.clock)
    more = record(twin, till.clock, 2)
    report = engine.run()
    assert (report.given_back, report.pushed) == (1, 5 + 2)
    assert till.at_cloud[-2:] == more
