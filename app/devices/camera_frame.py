"""Makes frames of the memory a camera fills: grey for the readers, small and in colour for people.

Brightness already lies by itself in what most cameras send, so grey costs one copy. Colour is made
here and not by the screen, which on a till without graphics would have to do it on its own thread.
Knows pixel layouts, no camera and no Qt.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from app.ports import Frame, View

if TYPE_CHECKING:
    from PIL.Image import Image

VIEW_WIDTH = 640
"""People see no more of a frame than this; more would only cost drawing."""


Plane = tuple[bytes | memoryview, int]
"""One block of a frame's memory and how many bytes each of its rows takes, padding included."""


def make_frame(
    layout: str,
    planes: Sequence[Plane],
    width: int,
    height: int,
    *,
    turned: int = 0,
    mirrored: bool = False,
) -> Frame | None:
    """Return the frame of a camera's memory, None for a layout of `LAYOUTS` nobody knows or for too
    little memory. `turned` (degrees, clockwise) and `mirrored` say how people want to see it.
    """
    made = LAYOUTS.get(layout)
    if made is None or width < 2 or height < 2:
        return None
    try:
        grey, colour = made(planes, width, height)
        shown = _upright(colour(), turned, mirrored)
    except (ValueError, OSError, IndexError):
        return None
    return Frame(grey.tobytes(), grey.width, grey.height, _view(shown))


Taken = tuple["Image", Callable[[], "Image"]]
"""A grey picture, and how to make the small coloured one."""


def _semi_planar(planes: Sequence[Plane], width: int, height: int, *, swapped: bool) -> Taken:
    """Brightness, then both colours in turn at half the size (NV12; NV21 has them the other way)."""
    grey = _grey(planes[0], width, height)
    colours = _tight(planes[1], width // 2 * 2, height // 2)
    first, second = colours[swapped::2], colours[1 - swapped :: 2]
    return grey, lambda: _coloured(grey, first, second, width // 2, height // 2)


def _planar(planes: Sequence[Plane], width: int, height: int, *, swapped: bool, rows: int) -> Taken:
    """Brightness and each colour by itself; `rows` is by how much colours are coarser downwards."""
    grey = _grey(planes[0], width, height)
    first, second = (_tight(plane, width // 2, height // rows) for plane in planes[1:3])
    if swapped:
        first, second = second, first
    return grey, lambda: _coloured(grey, first, second, width // 2, height // rows)


def _packed(planes: Sequence[Plane], width: int, height: int, *, grey_at: int) -> Taken:
    """Two pixels in four bytes that share their colours (YUYV; UYVY begins with the colour)."""
    width -= width % 2
    both = _tight(planes[0], 2 * width, height)
    grey = _picture("L", both[grey_at::2], width, height)
    first, second = both[1 - grey_at :: 4], both[3 - grey_at :: 4]
    return grey, lambda: _coloured(grey, first, second, width // 2, height)


def _brightness(planes: Sequence[Plane], width: int, height: int) -> Taken:
    grey = _grey(planes[0], width, height)
    return grey, lambda: _small(grey).convert("RGB")


def _rgb(planes: Sequence[Plane], width: int, height: int, *, order: str) -> Taken:
    from PIL import Image

    pixels = _tight(planes[0], 4 * width, height)
    picture = Image.frombytes("RGB", (width, height), pixels, "raw", order)
    return picture.convert("L"), lambda: _small(picture)


def _jpeg(planes: Sequence[Plane], _width: int, _height: int) -> Taken:
    from PIL import Image

    picture = Image.open(io.BytesIO(planes[0][0])).convert("RGB")
    return picture.convert("L"), lambda: _small(picture)


LAYOUTS: dict[str, Callable[[Sequence[Plane], int, int], Taken]] = {
    "NV12": lambda p, w, h: _semi_planar(p, w, h, swapped=False),
    "NV21": lambda p, w, h: _semi_planar(p, w, h, swapped=True),
    "YUV420P": lambda p, w, h: _planar(p, w, h, swapped=False, rows=2),
    "YV12": lambda p, w, h: _planar(p, w, h, swapped=True, rows=2),
    "YUV422P": lambda p, w, h: _planar(p, w, h, swapped=False, rows=1),
    "YUYV": lambda p, w, h: _packed(p, w, h, grey_at=0),
    "UYVY": lambda p, w, h: _packed(p, w, h, grey_at=1),
    "Y8": _brightness,
    "BGRA8888": lambda p, w, h: _rgb(p, w, h, order="BGRX"),
    "BGRX8888": lambda p, w, h: _rgb(p, w, h, order="BGRX"),
    "RGBA8888": lambda p, w, h: _rgb(p, w, h, order="RGBX"),
    "RGBX8888": lambda p, w, h: _rgb(p, w, h, order="RGBX"),
    "ARGB8888": lambda p, w, h: _rgb(p, w, h, order="XRGB"),
    "XRGB8888": lambda p, w, h: _rgb(p, w, h, order="XRGB"),
    "Jpeg": _jpeg,
}
"""How to read each layout, by the name Qt gives it."""


def _tight(plane: Plane, width: int, height: int) -> bytes:
    """Return rows of `width` bytes without what pads them. Raises ValueError if memory is missing."""
    memory, stride = memoryview(plane[0]), plane[1]
    if stride < width or len(memory) < stride * (height - 1) + width:
        raise ValueError("less memory than the frame needs")
    if stride == width:
        return bytes(memory[: width * height])
    starts = range(0, stride * height, stride)
    return b"".join(memory[start : start + width] for start in starts)


def _grey(plane: Plane, width: int, height: int) -> Image:
    return _picture("L", _tight(plane, width, height), width, height)


def _picture(mode: str, pixels: bytes, width: int, height: int) -> Image:
    from PIL import Image

    return Image.frombytes(mode, (width, height), pixels)


def _small(picture: Image) -> Image:
    """Return a picture about as large as people see it, reduced by a whole number, which is quick."""
    factor = -(-picture.width // VIEW_WIDTH)
    return picture if factor == 1 else picture.reduce(factor)


def _coloured(grey: Image, blue: bytes, red: bytes, width: int, height: int) -> Image:
    """Join brightness with its two coarser colour differences, at the size people see."""
    from PIL import Image

    small = _small(grey)
    differences = (
        _picture("L", part, width, height).resize(small.size, Image.Resampling.BILINEAR)
        for part in (blue, red)
    )
    return Image.merge("YCbCr", (small, *differences)).convert("RGB")


def _upright(picture: Image, turned: int, mirrored: bool) -> Image:
    from PIL import Image

    turns = {
        90: Image.Transpose.ROTATE_270,
        180: Image.Transpose.ROTATE_180,
        270: Image.Transpose.ROTATE_90,
    }
    if turned in turns:
        picture = picture.transpose(turns[turned])
    if mirrored:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return picture


def _view(picture: Image) -> View:
    return View(picture.tobytes(), picture.width, picture.height)
