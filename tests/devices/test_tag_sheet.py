"""Printed tags: every code on the sheet reads back, by either reader, and long names stay inside."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.devices.barcode import TwoReaders
from app.devices.qr import QrCodeMaker
from app.devices.tag_sheet import COLUMNS, PAGE, ROWS, tag_pages, write_tags
from app.domain.catalog import Sku, gtin_check_digit
from app.domain.money import CNY


def _sku(number: int, name: str = "双面羊绒长大衣") -> Sku:
    body = f"20099{number:07d}"
    return Sku(
        sku_id=f"T{number}",
        style_no="MD24W1101",
        name=name,
        name_en="Coat",
        category="coat",
        colour_code="BK",
        colour="黑色",
        colour_en="Black",
        colour_hex="#111111",
        size="170",
        list_price=398_000,
        gtin=body + str(gtin_check_digit(body)),
    )


def test_every_tag_of_a_full_sheet_reads_back() -> None:
    skus = [_sku(n) for n in range(COLUMNS * ROWS)]
    (page,) = tag_pages(skus, CNY, QrCodeMaker())
    read = TwoReaders().read(page.tobytes(), *PAGE)
    assert {code.text for code in read} == {sku.gtin for sku in skus}


def test_pyzbar_agrees_with_what_is_printed() -> None:
    pyzbar = pytest.importorskip("pyzbar.pyzbar", exc_type=ImportError)
    (page,) = tag_pages([_sku(1)], CNY, QrCodeMaker())
    assert [code.data.decode() for code in pyzbar.decode(page)] == [_sku(1).gtin]


def test_more_tags_than_fit_go_on_another_page(tmp_path: Path) -> None:
    skus = [_sku(n, "很长的款名" * 20) for n in range(COLUMNS * ROWS + 1)]
    assert write_tags(skus, CNY, QrCodeMaker(), tmp_path / "tags.pdf") == 2
    assert (tmp_path / "tags.pdf").read_bytes().startswith(b"%PDF")
    with pytest.raises(ValueError, match="no tags"):
        write_tags([], CNY, QrCodeMaker(), tmp_path / "none.pdf")
