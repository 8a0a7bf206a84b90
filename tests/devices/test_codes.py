"""QR symbols and bar codes: what is made reads back, and what is no code is none."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pyzbar import pyzbar
from pyzbar.pyzbar import Decoded, Rect

from app.devices.barcode import TwoReaders, ZbarReader, ZxingReader
from app.devices.qr import QrCodeMaker
from app.ports import QrMatrix, ReadCode

ADDRESS = "https://shop.example.com/o/" + "A1b2_-Zz" * 24


def picture_of(matrix: QrMatrix, scale: int = 4, quiet: int = 4) -> tuple[bytes, int, int]:
    """Draw a symbol in grey with its quiet zone."""
    side = (len(matrix.rows) + 2 * quiet) * scale
    blank = b"\xff" * (side * quiet * scale)
    edge = b"\xff" * (quiet * scale)
    lines = [
        (edge + b"".join((b"\x00" if dark else b"\xff") * scale for dark in row) + edge) * scale
        for row in matrix.rows
    ]
    return blank + b"".join(lines) + blank, side, side


def bar_code(text: str, kind: str) -> tuple[bytes, int, int]:
    """Draw a bar code as it is printed on a tag."""
    made = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, kind))
    image: Any = zxingcpp.write_barcode_to_image(made, scale=3, add_quiet_zones=True)
    height, width = image.shape
    return memoryview(image).tobytes(), width, height


@pytest.mark.parametrize("text", ["1", "SH01-000042", ADDRESS, "青禾 连衣裙"])
def test_a_symbol_reads_back_as_its_text(text):
    assert TwoReaders().read(*picture_of(QrCodeMaker().make(text))) == (ReadCode(text, "qr"),)


@settings(max_examples=20)
@given(st.text("ABCDEFabc0123456789-_/:.", min_size=1, max_size=300))
def test_any_address_reads_back(text):
    assert TwoReaders().read(*picture_of(QrCodeMaker().make(text))) == (ReadCode(text, "qr"),)


def test_a_symbol_is_square_and_has_no_quiet_zone():
    matrix = QrCodeMaker().make(ADDRESS)
    size = 17 + 4 * matrix.version
    assert {len(row) for row in matrix.rows} | {len(matrix.rows)} == {size}
    assert all(matrix.rows[0][:7])


def test_the_symbol_made_last_is_kept():
    maker = QrCodeMaker()
    first = maker.make("one")
    assert maker.make("one") is first
    maker.make("two")
    assert maker.make("one") == first


@pytest.mark.parametrize("text", ["", "x" * 2_332, "汉" * 800])
def test_a_text_no_symbol_holds_is_refused(text):
    with pytest.raises(ValueError, match="no QR symbol"):
        QrCodeMaker().make(text)


@pytest.mark.parametrize(
    ("text", "kind", "seen"),
    [
        ("6901234567892", "EAN13", ReadCode("6901234567892", "ean13")),
        ("96385074", "EAN8", ReadCode("96385074", "ean8")),
        ("036000291452", "UPCA", ReadCode("0036000291452", "ean13")),
        ("01234565", "UPCE", ReadCode("0012345000065", "ean13")),
        ("GP-0001", "Code128", ReadCode("GP-0001", "code128")),
    ],
)
@pytest.mark.parametrize("reader", [ZxingReader, ZbarReader])
def test_tags_are_read_the_same_by_both_readers(text, kind, seen, reader):
    assert reader().read(*bar_code(text, kind)) == (seen,)


def test_control_characters_arrive_as_they_are():
    picture = bar_code("GP\t7", "Code128")
    assert ZxingReader().read(*picture) == (ReadCode("GP\t7", "code128"),)
    assert ZbarReader().read(*picture) == (ReadCode("GP\t7", "code128"),)


@pytest.mark.parametrize("reader", [ZxingReader, ZbarReader])
def test_line_ends_are_those_of_any_screen(reader):
    picture = picture_of(QrCodeMaker().make("a\r\nb\n"))
    assert reader().read(*picture) == (ReadCode("a\nb\n", "qr"),)


def test_a_micro_qr_is_read():
    assert ZxingReader().read(*bar_code("SN8886", "MicroQRCode")) == (
        ReadCode("SN8886", "microqr"),
    )


def test_the_code_nearest_the_middle_comes_first():
    picture = Image.new("L", (1_200, 500), 255)
    for text, left in (("6901234567892", 40), ("6901234567885", 440), ("4006381333931", 860)):
        pixels, width, height = bar_code(text, "EAN13")
        tag = Image.frombytes("L", (width, height), pixels)
        picture.paste(tag, (left, 200))
    found = ZxingReader().read(picture.tobytes(), 1_200, 500)
    assert found[0].text == "6901234567885"
    assert {code.text for code in found} == {"6901234567892", "6901234567885", "4006381333931"}


def test_readings_of_the_same_bars_that_contradict_each_other_are_none(monkeypatch):
    def two(*_picture: object, **_more: object) -> list[Any]:
        left = Decoded(b"6901234567892", "EAN13", Rect(10, 10, 80, 30), [], 9, "UP")
        over = Decoded(b"6901234567885", "EAN13", Rect(40, 20, 80, 30), [], 9, "UP")
        away = Decoded(b"4006381333931", "EAN13", Rect(10, 60, 80, 30), [], 9, "UP")
        return [left, over, away]

    monkeypatch.setattr(pyzbar, "decode", two)
    found = ZbarReader().read(b"\x00" * 20_000, 200, 100)
    assert found == (ReadCode("4006381333931", "ean13"),)


def test_symbologies_no_shop_uses_are_not_looked_for():
    assert TwoReaders().read(*bar_code("HELLO", "DataMatrix")) == ()


def test_an_empty_picture_holds_no_code():
    assert TwoReaders().read(b"\xff" * 10_000, 100, 100) == ()


@pytest.mark.parametrize(("length", "width", "height"), [(10, 3, 3), (0, 0, 0), (4, -2, -2)])
def test_a_picture_of_another_size_is_refused(length, width, height):
    with pytest.raises(ValueError, match="pixels"):
        TwoReaders().read(b"\x00" * length, width, height)


def test_without_zbar_the_first_opinion_stands_alone(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "pyzbar", None)
    reader = TwoReaders()
    assert reader.read(b"\xff" * 100, 10, 10) == ()
    assert reader.read(b"\xff" * 100, 10, 10) == ()
    assert caplog.text.count("zbar is not installed") == 1
