"""Every layout a camera may send becomes the same picture: grey to the letter, colours recognisable."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageDraw

from app.devices.camera_frame import LAYOUTS, VIEW_WIDTH, Plane, make_frame

WIDTH, HEIGHT, PAD = 64, 48, 16
LEFT, RIGHT = (200, 40, 30), (30, 60, 190)


def scene() -> Image.Image:
    """Red at the left, blue at the right, a white mark at the top left."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), LEFT)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((WIDTH // 2, 0, WIDTH, HEIGHT), fill=RIGHT)
    draw.rectangle((0, 0, 7, 7), fill="white")
    return picture


def padded(pixels: bytes, width: int) -> Plane:
    """Lay rows out with padding behind each, as graphics memory has it."""
    rows = [pixels[at : at + width] for at in range(0, len(pixels), width)]
    return memoryview(b"".join(row + b"\xee" * PAD for row in rows)), width + PAD


def memory_of(layout: str) -> list[Plane]:
    """Return the scene in a layout."""
    picture = scene()
    y, cb, cr = picture.convert("YCbCr").split()
    half = (WIDTH // 2, HEIGHT if layout in ("YUV422P", "YUYV", "UYVY") else HEIGHT // 2)
    u, v = (part.resize(half, Image.Resampling.BOX).tobytes() for part in (cb, cr))
    grey = y.tobytes()
    if layout in ("NV12", "NV21"):
        pairs = zip(u, v, strict=True) if layout == "NV12" else zip(v, u, strict=True)
        return [padded(grey, WIDTH), padded(bytes(b for pair in pairs for b in pair), WIDTH)]
    if layout in ("YUV420P", "YUV422P", "YV12"):
        first, second = (v, u) if layout == "YV12" else (u, v)
        return [padded(grey, WIDTH), padded(first, WIDTH // 2), padded(second, WIDTH // 2)]
    if layout in ("YUYV", "UYVY"):
        shared = [part for pair in zip(u, v, strict=True) for part in pair]
        pixels = (
            zip(grey, shared, strict=True) if layout == "YUYV" else zip(shared, grey, strict=True)
        )
        return [padded(bytes(b for pair in pixels for b in pair), 2 * WIDTH)]
    if layout == "Y8":
        return [padded(grey, WIDTH)]
    if layout == "Jpeg":
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=95)
        return [(out.getvalue(), 0)]
    order = layout.removesuffix("8888").replace("X", "A")
    channels = dict(zip("RGBA", picture.convert("RGBA").split(), strict=True))
    mixed = Image.merge("RGBA", [channels[name] for name in order])
    return [padded(mixed.tobytes(), 4 * WIDTH)]


def colour_at(view_rgb: bytes, width: int, x: int, y: int) -> tuple[int, ...]:
    start = 3 * (y * width + x)
    return tuple(view_rgb[start : start + 3])


def alike(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(abs(a - b) <= 14 for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_shows_the_scene(layout):
    frame = make_frame(layout, memory_of(layout), WIDTH, HEIGHT)
    assert frame is not None
    assert frame.view is not None
    assert (frame.width, frame.height, len(frame.pixels)) == (WIDTH, HEIGHT, WIDTH * HEIGHT)
    expected = scene().convert("L").tobytes()
    apart = max(abs(a - b) for a, b in zip(frame.pixels, expected, strict=True))
    assert apart <= (60 if layout == "Jpeg" else 1)
    if layout != "Y8":
        assert alike(colour_at(frame.view.rgb, WIDTH, 16, 30), LEFT)
        assert alike(colour_at(frame.view.rgb, WIDTH, 50, 30), RIGHT)


@pytest.mark.parametrize(
    ("turned", "mirrored", "corner"),
    [(0, False, (2, 2)), (180, False, (61, 45)), (90, False, (45, 2)), (0, True, (61, 2))],
)
def test_people_see_it_the_right_way_up(turned, mirrored, corner):
    planes = memory_of("NV12")
    frame = make_frame("NV12", planes, WIDTH, HEIGHT, turned=turned, mirrored=mirrored)
    assert frame is not None
    assert frame.view is not None
    assert alike(colour_at(frame.view.rgb, frame.view.width, *corner), (255, 255, 255))
    assert (frame.width, frame.height) == (WIDTH, HEIGHT)


def test_people_see_a_large_frame_small():
    frame = make_frame("Y8", [(bytes(1_280 * 720), 1_280)], 1_280, 720)
    assert frame is not None
    assert frame.view is not None
    assert (frame.view.width, frame.view.height) == (VIEW_WIDTH, 360)
    assert len(frame.view.rgb) == 3 * VIEW_WIDTH * 360


@pytest.mark.parametrize(
    ("layout", "planes", "width", "height"),
    [
        ("P010", [(bytes(10_000), 128)], 64, 48),
        ("NV12", [(bytes(64 * 48), 64)], 64, 48),
        ("NV12", [(bytes(100), 64), (bytes(100), 64)], 64, 48),
        ("Y8", [(bytes(4_000), 32)], 64, 48),
        ("Y8", [(b"", 0)], 0, 0),
        ("Jpeg", [(b"\xff\xd8 not one", 0)], 64, 48),
    ],
)
def test_what_is_no_frame_is_none(layout, planes, width, height):
    assert make_frame(layout, planes, width, height) is None
