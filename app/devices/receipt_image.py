"""Draws a receipt as a black-and-white picture for 80 mm paper: 576 dots across at 203 dpi.

The same picture is the preview on screen, the file in the receipts folder and the raster a thermal
printer takes, so what was seen is what is printed and no printer needs Chinese characters of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from app.devices.receipt_layout import Centred, Face, Line, Pair, Symbol, lay_out
from app.domain.receipt import Receipt
from app.ports import QrMaker, ReceiptWords
from resources import path

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

WIDTH = 576
DPI = 203
_MARGIN = 12
_INDENT = 28
_GAP = 20
_SYMBOL_DOTS = 168
_INK_BELOW = 150
"""Grey below this becomes a dot: strokes of small characters stay whole, round ones stay open."""

_NEVER_FIRST = "，。、；：！？）」』】》”’…,.;:!?)]}"

_FACES = {
    # face: (file, size, height of a row)
    Face.SMALL: ("NotoSansSC-Regular.ttf", 22, 31),
    Face.PLAIN: ("NotoSansSC-Regular.ttf", 25, 36),
    Face.BOLD: ("NotoSansSC-Bold.ttf", 26, 40),
    Face.LARGE: ("NotoSansSC-Bold.ttf", 36, 56),
}


def draw_receipt(receipt: Receipt, words: ReceiptWords, qr: QrMaker) -> Image:
    """Return the receipt as a 1-bit picture, 576 dots wide and as long as it needs to be."""
    # Pillow is needed when somebody looks at a receipt, not when the till starts.
    from PIL import Image, ImageDraw

    rows = lay_out(receipt, words)
    height = 2 * _MARGIN + sum(_height(row, qr) for row in rows)
    picture = Image.new("L", (WIDTH, height), 255)
    draw, y = ImageDraw.Draw(picture), _MARGIN
    for row in rows:
        _draw(draw, row, y, qr)
        y += _height(row, qr)
    return picture.point([0] * _INK_BELOW + [255] * (256 - _INK_BELOW)).convert("1")


@cache
def _font(face: Face) -> FreeTypeFont | ImageFont:
    from PIL import ImageFont

    name, size, _ = _FACES[face]
    file = path("fonts", name)
    # Pillow's own face has no Chinese, but a receipt with boxes is still better than none.
    return ImageFont.truetype(file, size) if file.exists() else ImageFont.load_default(size)


def _row_height(face: Face) -> int:
    return _FACES[face][2]


def _height(row: Line, qr: QrMaker) -> int:
    match row:
        case Pair():
            return len(_wrapped_pair(row)) * _row_height(row.face)
        case Centred():
            lines = len(wrap(row.text, row.face, WIDTH - 2 * _MARGIN))
            return lines * _row_height(row.face) + (16 if row.inverse else 0)
        case Symbol():
            return _scale(row, qr) * len(qr.make(row.text).rows) + 24
        case _:
            return 20


def _draw(draw: ImageDraw, row: Line, y: int, qr: QrMaker) -> None:
    match row:
        case Pair():
            _draw_pair(draw, row, y)
        case Centred():
            _draw_centred(draw, row, y)
        case Symbol():
            _draw_symbol(draw, row, y, qr)
        case _:
            for x in range(_MARGIN, WIDTH - _MARGIN, 8):
                draw.line([(x, y + 9), (x + 4, y + 9)], fill=0, width=2)


def _draw_pair(draw: ImageDraw, row: Pair, y: int) -> None:
    font, x = _font(row.face), _MARGIN + (_INDENT if row.indent else 0)
    for number, text in enumerate(_wrapped_pair(row)):
        draw.text((x, y + number * _row_height(row.face)), text, font=font, fill=0)
    right = WIDTH - _MARGIN - font.getlength(row.right)
    draw.text((right, y), row.right, font=font, fill=0)


def _draw_centred(draw: ImageDraw, row: Centred, y: int) -> None:
    font, ink = _font(row.face), 0
    lines = wrap(row.text, row.face, WIDTH - 2 * _MARGIN)
    if row.inverse:
        bottom = y + len(lines) * _row_height(row.face) + 4
        draw.rectangle([(_MARGIN, y), (WIDTH - _MARGIN, bottom)], fill=0)
        ink = 255
    for number, text in enumerate(lines):
        x = (WIDTH - font.getlength(text)) / 2
        draw.text((x, y + number * _row_height(row.face)), text, font=font, fill=ink)


def _draw_symbol(draw: ImageDraw, row: Symbol, y: int, qr: QrMaker) -> None:
    rows, scale = qr.make(row.text).rows, _scale(row, qr)
    left, top = (WIDTH - len(rows) * scale) // 2, y + 12
    for row_no, modules in enumerate(rows):
        for column, dark in enumerate(modules):
            if dark:
                x, line = left + column * scale, top + row_no * scale
                draw.rectangle([(x, line), (x + scale - 1, line + scale - 1)], fill=0)


def _scale(row: Symbol, qr: QrMaker) -> int:
    return max(1, _SYMBOL_DOTS // len(qr.make(row.text).rows))


def _wrapped_pair(row: Pair) -> Sequence[str]:
    taken = _font(row.face).getlength(row.right) + (_GAP if row.right else 0)
    room = WIDTH - 2 * _MARGIN - (_INDENT if row.indent else 0) - taken
    return wrap(row.left, row.face, room)


def wrap(text: str, face: Face, width: float) -> list[str]:
    """Break text into lines of at most `width` dots: at spaces where there are some, between any two
    characters where there are none, as Chinese is. No line begins with a closing mark."""
    font = _font(face)
    lines: list[str] = []
    line = ""
    for character in " ".join(text.split("\n")):
        if not line or font.getlength(line + character) <= width:
            line += character
            continue
        head, tail = _broken(line, character)
        lines.append(head)
        line = (tail + character).lstrip()
    return [*lines, line]


def _broken(line: str, character: str) -> tuple[str, str]:
    """Return what of a full line stays and what goes down with the next character."""
    head, _, tail = line.rpartition(" ")
    if head.strip() and character != " " and character.isascii() and tail.isascii():
        return head.rstrip(), tail
    if character in _NEVER_FIRST and len(line) > 1:
        return line[:-1].rstrip(), line[-1]
    return line.rstrip(), ""
