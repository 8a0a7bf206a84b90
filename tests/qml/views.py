"""What a camera sees at the counter: a code held in front of a rack of clothes, in colour."""

from __future__ import annotations

from typing import Any

import zxingcpp
from PIL import Image, ImageDraw

from app.ports import Frame, View

SIZE = WIDTH, HEIGHT = 640, 360
_RACK = ("#7d8a86", "#b9a58b", "#4d5b6a", "#a4636b", "#c9c2b4", "#2f3b38", "#8e7aa0", "#d8b26a")


def view(text: str = "", kind: str = "EAN13") -> Frame:
    """Return a frame with a code in the middle; without a text only the rack."""
    picture = Image.new("RGB", SIZE, "#cfcac0")
    draw = ImageDraw.Draw(picture)
    for place, cloth in enumerate(_RACK * 2):
        draw.rectangle((place * 42 - 20, 40, place * 42 + 18, HEIGHT), fill=cloth)
    if text:
        _hold(picture, text, kind)
    return Frame(picture.convert("L").tobytes(), *SIZE, View(picture.tobytes(), *SIZE))


def _hold(picture: Image.Image, text: str, kind: str) -> None:
    made = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, kind))
    raw: Any = zxingcpp.write_barcode_to_image(made, scale=2, add_quiet_zones=True)
    height, width = raw.shape
    code = Image.frombytes("L", (width, height), memoryview(raw).tobytes())
    code.thumbnail((300, 200))
    tag = Image.new("RGB", (code.width + 40, code.height + 30), "white")
    tag.paste(code, (20, 15))
    picture.paste(tag, ((WIDTH - tag.width) // 2, (HEIGHT - tag.height) // 2))
