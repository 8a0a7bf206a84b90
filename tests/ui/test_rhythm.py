"""The rhythm tells scanners from people on recorded keys, and never loses a character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ui.traces import Trace, traces
from ui.input.rhythm import HICCUP_MS, LATE_SUFFIX_MS, Rhythm, Scan, Swallow

CODES = st.text(alphabet="0123456789ABCDEFXYZ-./", min_size=8, max_size=40)


class Replay:
    """A text field, the rhythm, and a clock: what the window would end up with."""

    def __init__(self) -> None:
        self.rhythm = Rhythm()
        self.field = ""
        self.scans: list[str] = []
        self.entered = 0

    def key(self, at: float, key: str | dict[str, str]) -> None:
        self.settle(at)
        if isinstance(key, dict):
            self.rhythm.reset()
            self.field += key.get("commit", "")
            return
        answer = self.rhythm.feed(key, at)
        if isinstance(answer, Scan):
            self.take(answer)
        elif answer is None and key in "\r\t":
            self.entered += 1
        elif answer is None:
            self.field += key

    def settle(self, at: float) -> None:
        scan = self.rhythm.due(at)
        if scan:
            self.take(scan)

    def take(self, scan: Scan) -> None:
        assert self.field.endswith(scan.code)
        self.field = self.field[: len(self.field) - scan.typed]
        self.scans.append(scan.code)


@pytest.mark.parametrize("trace", traces(), ids=lambda trace: trace.name)
def test_a_recorded_trace_gives_its_scans_and_leaves_what_a_person_typed(trace: Trace):
    replay = Replay()
    for at, key in trace.keys:
        replay.key(at, key)
    replay.settle(trace.keys[-1][0] + 1_000)
    assert (replay.scans, replay.field, replay.entered) == (
        trace.scans,
        trace.field,
        trace.entered,
    )


@given(CODES, st.data())
def test_every_code_a_usb_scanner_types_is_recognised_whole(code: str, data: st.DataObject):
    replay = Replay()
    at = 0.0
    for character in code:
        replay.key(at, character)
        at += data.draw(st.floats(0.5, 8.0))
    replay.key(at, "\r")
    assert (replay.scans, replay.field, replay.entered) == ([code], "", 0)


@given(CODES, st.data())
def test_every_code_a_bluetooth_scanner_types_is_recognised_whole(code: str, data: st.DataObject):
    replay = Replay()
    at = 0.0
    for character in code:
        replay.key(at, character)
        at += data.draw(st.floats(14.0, 32.0))
    replay.key(at, "\r")
    assert (replay.scans, replay.field) == ([code], "")


@given(st.text(alphabet="abcdefghijklmnop 0123456789", min_size=1, max_size=40), st.data())
def test_a_person_never_loses_a_character(text: str, data: st.DataObject):
    replay = Replay()
    at = 0.0
    for character in text:
        replay.key(at, character)
        at += data.draw(st.floats(51.0, 400.0))
    replay.key(at, "\r")
    replay.settle(at + 1_000)
    assert (replay.scans, replay.field, replay.entered) == ([], text, 1)


@given(st.lists(st.tuples(st.floats(0, 500), st.sampled_from("0a中\r\té\x00")), max_size=60))
def test_whatever_comes_the_characters_are_either_in_the_field_or_in_a_scan(
    keys: list[tuple[float, str]],
):
    replay = Replay()
    at = 0.0
    for gap, key in keys:
        at += gap
        replay.key(at, key)
    typed = "".join(key for _, key in keys if key not in "\r\t")
    assert sorted(typed) == sorted(replay.field + "".join(replay.scans))


def test_an_enter_soon_after_a_code_without_one_reaches_nobody():
    rhythm = Rhythm()
    for i, character in enumerate("96385074"):
        assert rhythm.feed(character, i * 2.0) is None
    assert rhythm.due(14 + HICCUP_MS) == Scan("96385074", 8)
    assert rhythm.would_end(14 + HICCUP_MS + 50)
    assert rhythm.feed("\r", 14 + HICCUP_MS + 50) == Swallow()
    assert rhythm.feed("\r", 14 + HICCUP_MS + 60) is None


def test_an_enter_long_after_a_code_is_a_persons():
    rhythm = Rhythm()
    for i, character in enumerate("96385074"):
        rhythm.feed(character, i * 2.0)
    ended = 14 + HICCUP_MS
    rhythm.due(ended)
    assert not rhythm.would_end(ended + LATE_SUFFIX_MS + 1)
    assert rhythm.feed("\r", ended + LATE_SUFFIX_MS + 1) is None


def test_it_suspects_a_scan_after_four_fast_keys_and_no_person():
    scanner, person = Rhythm(), Rhythm()
    for i, character in enumerate("6901"):
        scanner.feed(character, i * 3.0)
        person.feed(character, i * 80.0)
    assert scanner.suspects
    assert not person.suspects
    assert person.deadline_ms is None
