"""Pictures: garments in their colour and kept, symbols a phone can read, nothing ever raising."""

from __future__ import annotations

from threading import Thread

import pytest
import qrcode
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize
from PySide6.QtGui import QImage

from app.ports import QrMatrix
from resources.garments import drawings
from ui.images import (
    MIN_MODULE_PX,
    GarmentImages,
    QrImages,
    ReceiptImages,
    draw_symbol,
    garment_url,
)

TOKEN = "https://pay.example/o/" + "aQEkZGV2LTAxLTAwMDE5YzM" * 9
INK, PAPER = 0xFF000000, 0xFFFFFFFF


def matrix_of(text: str) -> QrMatrix:
    code = qrcode.QRCode(border=0)
    code.add_data(text)
    code.make(fit=True)
    return QrMatrix(tuple(tuple(bool(x) for x in row) for row in code.get_matrix()), code.version)


@pytest.mark.parametrize("drawing", drawings())
def test_every_garment_is_drawn_in_its_colour(qapp, drawing: str):
    image = GarmentImages().requestImage(f"{drawing}/C0392B", QSize(), QSize(160, 160))
    reds = sum(
        1
        for x in range(0, 160, 4)
        for y in range(0, 160, 4)
        if image.pixelColor(x, y).name().upper() == "#C0392B"
    )
    assert image.size() == QSize(160, 160)
    assert reds > 10
    assert image.pixelColor(0, 0).alpha() == 0


def test_the_same_garment_is_rendered_once(qapp):
    images = GarmentImages()
    first = images.requestImage("coat/223344", QSize(), QSize(64, 64))
    again = images.requestImage("coat/223344", QSize(), QSize(64, 64))
    other = images.requestImage("coat/223344", QSize(), QSize(65, 65))
    assert first.cacheKey() == again.cacheKey() != other.cacheKey()


@pytest.mark.parametrize(
    "address", ["", "coat", "coat/", "nothing/112233", "coat/zzz", "a/b/c", "../../x/112233"]
)
def test_an_odd_address_still_gives_a_garment(qapp, address: str):
    image = GarmentImages().requestImage(address, QSize(), QSize(48, 48))
    assert image.size() == QSize(48, 48)


def test_old_garments_make_room(qapp):
    images = GarmentImages()
    for shade in range(20):
        images.requestImage(f"coat/0000{shade:02X}", QSize(), QSize(512, 512))
    assert sum(image.sizeInBytes() for image in images._kept.values()) <= 12_000_000
    assert images._bytes == sum(image.sizeInBytes() for image in images._kept.values())


def test_addresses_carry_no_hash_sign():
    assert garment_url("coat", "#112233") == "image://garment/coat/112233"
    assert garment_url("", "") == "image://garment/shirt/9A958C"


@pytest.mark.parametrize("side", [1, 264, 300, 360, 500])
def test_modules_are_whole_pixels_and_never_under_four(qapp, side: int):
    matrix = matrix_of(TOKEN)
    image = draw_symbol(matrix, side)
    modules = len(matrix.rows) + 8
    pixels, rest = divmod(image.width(), modules)
    assert (rest, image.width()) == (0, image.height())
    assert pixels >= MIN_MODULE_PX
    assert pixels == MIN_MODULE_PX or image.width() <= side
    for y, row in enumerate(matrix.rows):
        for x, dark in enumerate(row):
            middle = (x + 4) * pixels + pixels // 2, (y + 4) * pixels + pixels // 2
            assert image.pixel(*middle) == (INK if dark else PAPER)


def test_the_quiet_zone_is_four_white_modules(qapp):
    image = draw_symbol(matrix_of("x" * 20), 300)
    module = image.width() // (len(matrix_of("x" * 20).rows) + 8)
    for i in range(image.width()):
        for j in range(4 * module):
            assert image.pixel(i, j) == image.pixel(j, i) == PAPER


def test_a_phone_reads_the_symbol_back(qapp):
    import zxingcpp
    from PIL import Image

    image = draw_symbol(matrix_of(TOKEN), 300).convertToFormat(QImage.Format.Format_Grayscale8)
    raw = bytes(image.constBits())
    lines = [
        raw[y * image.bytesPerLine() : y * image.bytesPerLine() + image.width()]
        for y in range(image.height())
    ]
    picture = Image.frombytes("L", (image.width(), image.height()), b"".join(lines))
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == [TOKEN]


def test_a_held_symbol_is_found_by_its_address_and_a_lost_one_is_blank(qapp):
    images = QrImages()
    url = images.hold(TOKEN, matrix_of(TOKEN))
    name = url.removeprefix("image://qr/")
    assert TOKEN not in url
    assert images.requestImage(name, QSize(), QSize(400, 400)).width() > 264
    assert images.requestImage("nothing", QSize(), QSize(400, 400)).width() == 1


def test_a_receipt_is_shown_at_the_width_that_was_asked(qapp):
    paper = QImage(384, 600, QImage.Format.Format_Mono)
    paper.fill(1)
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    paper.save(buffer, "PNG")  # type: ignore[call-overload]  # the format is text at run time
    images = ReceiptImages()
    name = images.hold(bytes(data.data())).removeprefix("image://receipt/")
    assert images.requestImage(name, QSize(), QSize(-1, -1)).size() == QSize(384, 600)
    assert images.requestImage(name, QSize(), QSize(192, -1)).size() == QSize(192, 300)
    assert images.requestImage("torn", QSize(), QSize(-1, -1)).width() == 1


def test_a_picture_asked_for_while_tiles_change_is_drawn_after_the_next_frame(qapp, monkeypatch):
    monkeypatch.setattr("ui.images._MOST_REST_S", 10)
    images, drawn = GarmentImages(), []
    known = images.requestImage("hat/223344", QSize(), QSize())
    images.rest()
    asks = Thread(target=lambda: drawn.append(images.requestImage("coat/223344", QSize(), QSize())))
    asks.start()
    finds = Thread(target=lambda: drawn.append(images.requestImage("hat/223344", QSize(), QSize())))
    finds.start()
    finds.join(10)
    assert [image.cacheKey() for image in drawn] == [known.cacheKey()], "what is at hand is given"
    images.go_on()
    asks.join(10)
    assert len(drawn) == 2
    assert not drawn[1].isNull()


def test_where_no_frame_comes_a_picture_is_drawn_all_the_same(qapp):
    images, drawn = GarmentImages(), []
    images.rest()
    asks = Thread(target=lambda: drawn.append(images.requestImage("coat/223344", QSize(), QSize())))
    asks.start()
    asks.join(10)
    assert len(drawn) == 1


def test_the_screen_itself_never_waits_for_a_picture(qapp, monkeypatch):
    monkeypatch.setattr("ui.images._MOST_REST_S", 3_600)
    images = GarmentImages()
    images.rest()
    assert not images.requestImage("coat/223344", QSize(), QSize()).isNull()
