"""Receipts as pictures: everything is on them, nothing runs off the paper, and the code reads back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from app.devices.barcode import TwoReaders
from app.devices.printer import FilePrinter, NullPrinter
from app.devices.qr import QrCodeMaker
from app.devices.receipt_image import WIDTH, draw_receipt, wrap
from app.devices.receipt_layout import Centred, Face, Pair, Symbol, lay_out
from app.domain.sale import Sale
from app.errors import Code, Trouble
from tests.devices.receipts import CHINESE, ENGLISH, refund_receipt, sale_line, whole_receipt


def pairs(receipt, words) -> list[tuple[str, str]]:
    return [(row.left, row.right) for row in lay_out(receipt, words) if isinstance(row, Pair)]


def test_a_receipt_says_everything_in_order():
    assert pairs(whole_receipt(), CHINESE) == [
        ("单号", "SH01-01-1-000042"),
        ("时间", "2025-10-09 17:00:00"),
        ("导购", "林晓雨"),
        ("亚麻混纺收腰长款连衣裙（含腰带与可拆卸衬裙）", ""),
        ("雾蓝 / M   1 × ¥600.00", "¥600.00"),
        ("换季优惠 −20%", "−¥120.00"),
        ("圆领针织衫", ""),
        ("燕麦 / L   2 × ¥299.00", "¥598.00"),
        ("改裤脚", ""),
        ("1 × ¥33.333", "¥33.33"),
        ("件数", "3"),
        ("小计", "¥1,111.33"),
        ("会员折扣 −5%", "−¥24.00"),
        ("合计", "¥1,087.33"),
        ("现金", "¥500.00"),
        ("实收", "¥600.00"),
        ("找零", "¥100.00"),
        ("演示钱包", "¥587.33"),
    ]


def test_an_english_receipt_takes_english_names_where_there_are_some():
    rows = pairs(whole_receipt(), ENGLISH)
    assert ("Mist blue / M   1 × ¥600.00", "¥600.00") in rows
    assert ("Trouser hem", "") in rows
    receipt = whole_receipt()
    assert isinstance(receipt.document, Sale)
    nameless = replace(receipt.document, lines=(sale_line(1, "围巾", 100, name_en=""),))
    assert ("围巾", "") in pairs(replace(receipt, document=nameless), ENGLISH)


def test_an_english_return_takes_the_same_english_names_as_its_sale():
    receipt = replace(refund_receipt(), guide_name_en="Xiaoyu Lin", colours_en={1: "Oatmeal"})
    rows = pairs(receipt, ENGLISH)
    assert ("Guide", "Xiaoyu Lin") in rows
    assert ("Oatmeal / L   1 × ¥299.00", "−¥299.00") in rows
    assert ("导购", "林晓雨") in pairs(receipt, CHINESE)
    assert ("燕麦 / L   1 × ¥299.00", "−¥299.00") in pairs(receipt, CHINESE)
    assert ("燕麦 / L   1 × ¥299.00", "−¥299.00") in pairs(refund_receipt(), ENGLISH)


def test_the_shops_own_name_of_a_discount_wins():
    receipt = replace(whole_receipt(), reasons={"season": ("换季清仓", "Season clearance")})
    assert ("换季清仓 −20%", "−¥120.00") in pairs(receipt, CHINESE)
    assert ("Season clearance −20%", "−¥120.00") in pairs(receipt, ENGLISH)
    assert ("Member discount −5%", "−¥24.00") in pairs(receipt, ENGLISH)


def test_one_size_is_said_in_the_language_of_the_receipt():
    receipt = whole_receipt()
    assert isinstance(receipt.document, Sale)
    scarf = replace(receipt.document, lines=(sale_line(1, "围巾", 100, size="均码"),))
    receipt = replace(receipt, document=scarf)
    assert ("Mist blue / One size   1 × ¥1.00", "¥1.00") in pairs(receipt, ENGLISH)
    assert ("雾蓝 / 均码   1 × ¥1.00", "¥1.00") in pairs(receipt, CHINESE)


def test_a_refund_shows_what_is_given_back_as_negative():
    rows = pairs(refund_receipt(), CHINESE)
    assert ("退款合计", "−¥299.00") in rows
    assert rows[-1] == ("现金", "−¥299.00")


def test_every_print_after_the_first_is_marked_as_a_copy():
    marks = [row for row in lay_out(whole_receipt(copy=True), CHINESE) if isinstance(row, Centred)]
    assert (marks[0].text, marks[0].inverse) == ("副本", True)
    assert not any(
        isinstance(row, Centred) and row.inverse for row in lay_out(whole_receipt(), CHINESE)
    )


def test_a_code_without_a_name_is_shown_as_it_is():
    words = replace(CHINESE, reasons={}, tenders={})
    rows = pairs(whole_receipt(), words)
    assert ("season −20%", "−¥120.00") in rows
    assert ("cash", "¥500.00") in rows


@pytest.mark.parametrize("words", [CHINESE, ENGLISH], ids=["zh", "en"])
@pytest.mark.parametrize("receipt", [whole_receipt(copy=True), refund_receipt()])
def test_the_picture_is_black_and_white_and_as_wide_as_the_paper(receipt, words):
    picture = draw_receipt(receipt, words, QrCodeMaker())
    assert (picture.mode, picture.width) == ("1", WIDTH)
    grey = picture.convert("L")
    edges = [grey.crop((0, 0, 8, grey.height)), grey.crop((WIDTH - 8, 0, WIDTH, grey.height))]
    assert [edge.getextrema() for edge in edges] == [(255, 255), (255, 255)]
    assert grey.getextrema() == (0, 255)


def test_the_symbol_on_the_picture_reads_back_as_the_receipt_number():
    picture = draw_receipt(whole_receipt(), CHINESE, QrCodeMaker()).convert("L")
    found = TwoReaders().read(picture.tobytes(), picture.width, picture.height)
    assert [(code.text, code.symbology) for code in found] == [("SH01-01-1-000042", "qr")]
    symbols = [row for row in lay_out(whole_receipt(), CHINESE) if isinstance(row, Symbol)]
    assert len(symbols) == 1


def test_text_is_wrapped_inside_its_width():
    lines = wrap("亚麻混纺收腰长款连衣裙（含腰带与可拆卸衬裙）", Face.BOLD, 300)
    assert "".join(lines) == "亚麻混纺收腰长款连衣裙（含腰带与可拆卸衬裙）"
    assert len(lines) > 1
    assert not any(line[0] in "，）" for line in lines)
    english = wrap("a long-sleeved linen dress with a belt", Face.PLAIN, 220)
    assert " ".join(english) == "a long-sleeved linen dress with a belt"
    assert wrap("", Face.PLAIN, 100) == [""]
    assert len(wrap("x" * 200, Face.PLAIN, 100)) > 10


@pytest.mark.parametrize(
    "name", ["", " ", "\n\t", "🧥" * 40, "龘" * 200, "\u202eabc", "\x00", "<b>&"]
)
def test_any_name_can_be_printed(name):
    receipt = whole_receipt()
    assert isinstance(receipt.document, Sale)
    odd = replace(receipt.document, lines=(sale_line(1, name, 100),))
    picture = draw_receipt(replace(receipt, document=odd), CHINESE, QrCodeMaker())
    assert picture.width == WIDTH


def test_the_file_printer_leaves_a_picture_and_a_document(tmp_path: Path):
    printer = FilePrinter(tmp_path / "receipts", lambda: CHINESE, QrCodeMaker())
    printer.print(whole_receipt())
    printer.print(whole_receipt(copy=True))
    names = sorted(file.name for file in (tmp_path / "receipts").iterdir())
    first, second = "SH01-01-1-000042", "SH01-01-1-000042_2"
    assert names == [f"{first}.pdf", f"{first}.png", f"{second}.pdf", f"{second}.png"]
    with Image.open(tmp_path / "receipts" / f"{first}.png") as picture:
        assert (picture.mode, picture.width) == ("1", WIDTH)
    assert (tmp_path / "receipts" / f"{first}.pdf").read_bytes().startswith(b"%PDF")


def test_a_receipt_number_cannot_lead_out_of_the_folder(tmp_path: Path):
    receipt = whole_receipt()
    assert isinstance(receipt.document, Sale)
    odd = replace(receipt, document=replace(receipt.document, receipt_no="../../etc/x"))
    FilePrinter(tmp_path / "receipts", lambda: CHINESE, QrCodeMaker()).print(odd)
    assert sorted(file.name for file in tmp_path.rglob("*.png")) == ["etc-x.png"]


def test_a_folder_that_cannot_be_written_is_a_broken_printer(tmp_path: Path):
    (tmp_path / "receipts").write_text("in the way")
    printer = FilePrinter(tmp_path / "receipts", lambda: CHINESE, QrCodeMaker())
    with pytest.raises(Trouble) as caught:
        printer.print(whole_receipt())
    assert (caught.value.code, caught.value.retryable) == (Code.PRINTER_FAILED, True)


def test_a_till_without_a_printer_prints_into_nothing():
    NullPrinter().print(whole_receipt())
