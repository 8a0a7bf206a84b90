"""Draws sheets of product tags for a plain A4 printer: name, colour, size, price, and the number as QR.

A tag's QR holds what the till's scanner types, so a printed tag is scanned like the maker's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.domain.catalog import Sku
from app.domain.money import Currency, show_amount
from app.ports import QrMaker
from resources import path

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

DPI = 300
PAGE = (2480, 3508)
"""A4 at 300 dpi."""

COLUMNS, ROWS = 3, 8
_MARGIN = 90
TAG = (PAGE[0] - 2 * _MARGIN) // COLUMNS, (PAGE[1] - 2 * _MARGIN) // ROWS
_INSET = 34
_QUIET_MODULES = 4
"""The quiet zone ISO/IEC 18004 asks for."""


def tag_pages(skus: Sequence[Sku], currency: Currency, qr: QrMaker) -> Iterator[Image]:
    """Yield A4 pages with 24 tags each; the last one may hold fewer."""
    from PIL import Image, ImageDraw

    width, height = TAG
    for start in range(0, len(skus), COLUMNS * ROWS):
        page = Image.new("L", PAGE, 255)
        draw = ImageDraw.Draw(page)
        for place, sku in enumerate(skus[start : start + COLUMNS * ROWS]):
            row, column = divmod(place, COLUMNS)
            x, y = _MARGIN + column * width, _MARGIN + row * height
            draw.rectangle((x, y, x + width, y + height), outline=200)
            _draw_tag(draw, sku, currency, qr, (x, y, width, height))
        yield page


def tag_picture(sku: Sku, currency: Currency, qr: QrMaker) -> Image:
    """Return one tag by itself, in grey."""
    from PIL import Image, ImageDraw

    tag = Image.new("L", TAG, 255)
    _draw_tag(ImageDraw.Draw(tag), sku, currency, qr, (0, 0, *TAG))
    return tag


def write_tags(skus: Sequence[Sku], currency: Currency, qr: QrMaker, file: Path) -> int:
    """Write a PDF of tags and return its number of pages. Raises ValueError for no SKUs, OSError."""
    pages = list(tag_pages(skus, currency, qr))
    if not pages:
        raise ValueError("no tags to print")
    pages[0].save(file, "PDF", resolution=DPI, save_all=True, append_images=pages[1:])
    return len(pages)


def _draw_tag(
    draw: ImageDraw, sku: Sku, currency: Currency, qr: QrMaker, box: tuple[int, int, int, int]
) -> None:
    x, y, width, height = box
    side = _draw_code(draw, sku.gtin or sku.sku_id, qr, (x + _INSET, y + _INSET), height // 2 + 60)
    left, room = x + side + 2 * _INSET, width - side - 3 * _INSET
    detail = " ".join(part for part in (sku.colour, sku.size) if part)
    for text, size, bold, down in (
        (sku.name, 42, True, 0),
        (detail, 36, False, 64),
        (sku.style_no, 30, False, 118),
        (show_amount(sku.list_price, currency), 58, True, 170),
    ):
        _draw_fitting(draw, text, size, bold, (left, y + _INSET + down), room)
    number = (x + _INSET, y + _INSET + side + 12)
    _draw_fitting(draw, sku.gtin or sku.sku_id, 30, False, number, width - 2 * _INSET)


def _draw_code(draw: ImageDraw, text: str, qr: QrMaker, corner: tuple[int, int], side: int) -> int:
    """Draw a QR with whole dots per module and return the side it took, quiet zone included."""
    rows = qr.make(text).rows
    modules = len(rows) + 2 * _QUIET_MODULES
    dots = side // modules
    for y, row in enumerate(rows, _QUIET_MODULES):
        for x, dark in enumerate(row, _QUIET_MODULES):
            if dark:
                left, top = corner[0] + x * dots, corner[1] + y * dots
                draw.rectangle((left, top, left + dots - 1, top + dots - 1), fill=0)
    return modules * dots


def _draw_fitting(
    draw: ImageDraw, text: str, size: int, bold: bool, corner: tuple[int, int], room: int
) -> None:
    """Draw a line of text, smaller if it must be, cut with an ellipsis if that does not help."""
    from PIL import ImageFont

    file = path("fonts", f"NotoSansSC-{'Bold' if bold else 'Regular'}.ttf")
    font = ImageFont.truetype(file, size)
    while font.getlength(text) > room and size > 24:
        size -= 2
        font = ImageFont.truetype(file, size)
    whole = text
    while text and font.getlength(text if text == whole else text + "…") > room:
        text = text[:-1]
    draw.text(corner, text if text == whole else text + "…", font=font, fill=0)
