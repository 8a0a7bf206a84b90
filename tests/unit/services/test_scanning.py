"""Which codes a row of frames makes certain, and when a code is told again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.ports import Frame, ReadCode
from app.services.scanning import (
    GONE_FRAMES,
    MISSES_BETWEEN,
    REMEMBERED_FRAMES,
    WHOLE_PIXELS,
    Novelty,
    Scanner,
    middle,
)
from tests.fakes.qr import FakeCodeReader

FRAME = Frame(b"\x00" * 12, 4, 3)
EAN, OTHER = ReadCode("6901234567892", "ean13"), ReadCode("6901234567885", "ean13")
QR = ReadCode("https://shop.example/o/1", "qr")


class Readers:
    """A scanner with two readers whose sight is set before each frame."""

    def __init__(self) -> None:
        self.first, self.second = FakeCodeReader(), FakeCodeReader()
        self.scanner = Scanner(self.first, self.second)

    def frame(self, *codes: ReadCode, second: tuple[ReadCode, ...] = ()) -> tuple[ReadCode, ...]:
        self.first.sees, self.second.sees = codes, second
        return self.scanner.look(FRAME)


def test_a_qr_code_counts_at_once():
    assert Readers().frame(QR) == (QR,)
    assert Readers().frame(ReadCode("A", "microqr")) == (ReadCode("A", "microqr"),)


def test_a_bar_code_counts_when_two_frames_show_the_same():
    readers = Readers()
    assert [readers.frame(EAN), readers.frame(EAN)] == [(), (EAN,)]


def test_another_number_in_between_makes_neither_certain():
    readers = Readers()
    assert [readers.frame(EAN), readers.frame(OTHER)] == [(), ()]
    assert readers.frame(EAN) == (EAN,)


def test_the_same_digits_in_another_symbology_are_another_code():
    readers = Readers()
    assert readers.frame(ReadCode("96385074", "ean8")) == ()
    assert readers.frame(ReadCode("96385074", "code128")) == ()


def test_a_bar_code_waits_a_few_frames_and_no_longer():
    readers = Readers()
    readers.frame(EAN)
    for _ in range(REMEMBERED_FRAMES - 1):
        assert readers.frame() == ()
    assert readers.frame(EAN) == (EAN,)
    for _ in range(REMEMBERED_FRAMES):
        readers.frame()
    assert readers.frame(EAN) == ()


def test_the_second_reader_looks_at_every_third_miss():
    readers = Readers()
    for _ in range(4 * MISSES_BETWEEN):
        readers.frame()
    assert readers.second.pictures == 4
    readers.frame(QR)
    for _ in range(MISSES_BETWEEN - 1):
        readers.frame()
    assert readers.second.pictures == 4


def test_what_only_the_second_reader_sees_needs_two_of_its_looks():
    readers = Readers()
    told = [readers.frame(second=(EAN,)) for _ in range(2 * MISSES_BETWEEN)]
    assert told == [()] * (2 * MISSES_BETWEEN - 1) + [(EAN,)]


@given(st.integers(1, 80), st.integers(1, 60))
def test_a_small_picture_is_seen_whole(width: int, height: int):
    frame = Frame(bytes(width * height), width, height)
    assert middle(frame) is frame


@given(st.integers(641, 700), st.integers(480, 520))
def test_the_middle_of_a_large_picture_is_cut_out_exactly(width: int, height: int):
    assert width * height > WHOLE_PIXELS
    rows = [bytes([y % 251]) * (width - 1) + b"\xff" for y in range(height)]
    part = middle(Frame(b"".join(rows), width, height))
    assert len(part.pixels) == part.width * part.height
    assert abs(part.width - 2 * width / 3) <= 2
    assert abs(part.height - 2 * height / 3) <= 2
    top = height // 6
    expected = [bytes([y % 251]) * part.width for y in range(top, top + part.height)]
    assert part.pixels == b"".join(expected)


def test_a_code_is_told_once_while_it_stays_in_sight():
    novelty = Novelty()
    assert novelty.fresh((QR,)) == (QR,)
    assert [novelty.fresh((QR,)) for _ in range(30)] == [()] * 30


def test_a_code_that_flickers_is_still_the_same_visit():
    novelty = Novelty()
    novelty.fresh((QR,))
    for _ in range(GONE_FRAMES - 1):
        novelty.fresh(())
    assert novelty.fresh((QR,)) == ()


def test_a_code_that_went_away_is_told_again():
    novelty = Novelty()
    novelty.fresh((QR,))
    for _ in range(GONE_FRAMES):
        novelty.fresh(())
    assert novelty.fresh((QR, EAN)) == (QR, EAN)


@given(st.lists(st.lists(st.sampled_from([EAN, OTHER, QR]), max_size=3), max_size=60))
def test_no_bar_code_is_certain_before_it_was_seen_twice(frames: list[list[ReadCode]]):
    readers = Readers()
    seen: set[ReadCode] = set()
    for codes in frames:
        certain = readers.frame(*codes)
        assert set(certain) <= set(codes)
        assert {code for code in certain if code != QR} <= seen
        seen |= set(codes)
