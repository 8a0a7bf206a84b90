"""The file of a second copy: reads back what was written, and whatever a card does to it is damage."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from app.wire.messages import MemberChange
from offline_store.copy_format import (
    JOURNAL,
    MEMBERS,
    RawRecord,
    Segment,
    members_file,
    pack_record,
    read,
    read_members,
    unpack_record,
)

KEY = bytes(range(32))
plains = st.lists(st.binary(max_size=60), min_size=1, max_size=6)


def written(*segments: list[bytes], key: bytes = KEY) -> bytes:
    data = b""
    for plain in segments:
        segment = Segment(key, JOURNAL)
        data += segment.head + b"".join(segment.frame(each) for each in plain)
    return data


@given(st.lists(plains, min_size=1, max_size=3))
def test_what_was_written_is_read_in_order(segments):
    data = written(*segments)
    found = read(data, KEY, JOURNAL)
    assert list(found.frames) == [plain for segment in segments for plain in segment]
    assert (found.end, found.damaged) == (len(data), 0)


@given(plains, plains, st.data())
def test_a_file_cut_anywhere_yields_the_frames_before_the_cut(first, second, data):
    whole = written(first, second)
    cut = data.draw(st.integers(0, len(whole)))
    found = read(whole[:cut], KEY, JOURNAL)
    both = [*first, *second]
    assert list(found.frames) == both[: len(found.frames)]
    assert found.end <= cut
    assert found.damaged == 0
    again = read(whole[: found.end], KEY, JOURNAL)
    assert (again.frames, again.end) == (found.frames, found.end)


@given(plains, plains, st.data())
def test_a_flipped_bit_costs_no_frame_but_its_own(first, second, data):
    whole = bytearray(written(first, second))
    head = len(Segment(KEY, JOURNAL).head)
    place = data.draw(st.integers(head, len(whole) - 1))
    whole[place] ^= 1 << data.draw(st.integers(0, 7))
    found = read(bytes(whole), KEY, JOURNAL)
    both = [*first, *second]
    in_second_head = 0 <= place - len(whole) + len(written(second)) < head
    lost = len(second) if in_second_head else 1
    assert len(found.frames) == len(both) - lost
    left = iter(both)
    assert all(frame in left for frame in found.frames)  # in their order


def test_a_frame_moved_to_another_place_does_not_open():
    segment = Segment(KEY, JOURNAL)
    one, two = segment.frame(b"one"), segment.frame(b"two")
    assert read(segment.head + two, KEY, JOURNAL).frames == (b"two",)
    renumbered = one[:4] + two[4:12] + one[12:]
    assert read(segment.head + renumbered, KEY, JOURNAL).frames == ()


def test_another_key_or_part_opens_nothing():
    data = written([b"one"])
    assert read(data, os.urandom(32), JOURNAL).frames == ()
    assert read(data, KEY, MEMBERS).frames == ()
    assert b"one" not in data


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_a_record_keeps_its_very_bytes(header, body):
    record = RawRecord(header, b"p" * 32, b"h" * 32, body)
    assert unpack_record(pack_record(record)) == record


@pytest.mark.parametrize("plain", [b"", b"abc", b"\0\0\0\7short", b"\0\0\0\0" + b"x" * 63])
def test_what_is_too_short_is_no_record(plain):
    with pytest.raises(ValueError, match="too short"):
        unpack_record(plain)


def test_members_changes_are_read_back_and_hidden():
    change = MemberChange(
        change_id="c1", member_ref="m1", field="phone", value="13800000000", base_revision=1, t_ms=5
    )
    data = members_file(KEY, [change])
    assert list(read_members(data, KEY)) == [change]
    assert b"13800000000" not in data


def test_the_layout_is_what_the_page_says():
    segment = Segment(KEY, JOURNAL, salt=bytes(16))
    assert segment.head == b"GPCOPY\x01J" + bytes(16)
    frame = segment.frame(b"hello")
    assert frame[:16] == b"GPF1" + bytes(8) + (5 + 16).to_bytes(4)
    assert len(frame) == 16 + 5 + 16
    info = b"gp1-second-copy\x01J"
    cipher = AESGCM(HKDF(SHA256(), 32, salt=bytes(16), info=info).derive(KEY))
    assert cipher.decrypt(bytes(12), frame[16:], frame[:16]) == b"hello"
    second = segment.frame(b"again")
    assert cipher.decrypt(bytes(11) + b"\1", second[16:], second[:16]) == b"again"
