"""A camera that always sees the same: a printed tag held before a garment. For pictures of the camera
sheet on machines without a camera.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from PIL import Image, ImageDraw, ImageFilter

from app.devices.qr import QrCodeMaker
from app.devices.tag_sheet import tag_picture
from app.domain.catalog import Sku
from app.domain.money import Currency
from app.errors import Code
from app.ports import Frame, View

SIZE = WIDTH, HEIGHT = 640, 360
_EVERY_S = 0.1
_TURNED = -6


class StillCamera:
    """The port `FrameSource` for one product."""

    def __init__(self, sku: Sku, currency: Currency) -> None:
        self._sku, self._currency = sku, currency
        self._closed = threading.Event()

    def cameras(self) -> int:
        """There is one."""
        return 1

    def open(
        self, take: Callable[[Frame], None], fail: Callable[[Code], None], which: int = 0
    ) -> None:
        """Show the tag until it is closed."""
        self._closed = threading.Event()
        thread = threading.Thread(target=self._show, args=(take, self._closed), daemon=True)
        thread.start()

    def close(self) -> None:
        """Show nothing more."""
        self._closed.set()

    def _show(self, take: Callable[[Frame], None], closed: threading.Event) -> None:
        frame = tag_in_hand(self._sku, self._currency)
        while not closed.wait(_EVERY_S):
            take(frame)


def tag_in_hand(sku: Sku, currency: Currency) -> Frame:
    """Return a frame of a product's tag, a little turned, before cloth of its colour."""
    tag = tag_picture(sku, currency, QrCodeMaker())
    tag.thumbnail((420, 240))
    picture = _cloth(sku.colour_hex)
    edge = Image.new("L", tag.size, 255).rotate(_TURNED, expand=True)
    turned = tag.rotate(_TURNED, expand=True, resample=Image.Resampling.BICUBIC)
    place = (WIDTH - turned.width) // 2, (HEIGHT - turned.height) // 2
    picture.paste(turned, place, edge)
    return Frame(picture.convert("L").tobytes(), *SIZE, View(picture.tobytes(), *SIZE))


def _cloth(colour_hex: str) -> Image.Image:
    """Return folds of cloth out of focus."""
    picture = Image.new("RGB", SIZE, colour_hex or "#8c877e")
    shade = Image.new("L", SIZE, 128)
    draw = ImageDraw.Draw(shade)
    for x in range(-HEIGHT, WIDTH, 74):
        draw.polygon([(x, 0), (x + 26, 0), (x + 176, HEIGHT), (x + 150, HEIGHT)], fill=96)
        draw.polygon([(x + 30, 0), (x + 46, 0), (x + 200, HEIGHT), (x + 180, HEIGHT)], fill=168)
    soft = shade.filter(ImageFilter.GaussianBlur(9))
    light, dark = (Image.new("RGB", SIZE, tone) for tone in ("white", "black"))
    bright = Image.composite(light, picture, soft.point(lambda v: max(0, v - 128)))
    return Image.composite(dark, bright, soft.point(lambda v: max(0, 128 - v)))
