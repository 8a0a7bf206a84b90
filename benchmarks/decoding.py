"""What a camera frame costs until its codes are known, and how many recorded pictures are read.

Frames are 1280 × 720 in scenes a till's camera meets: empty ones, shelves, print, stripes, a code in
the hand. Run as `python -m benchmarks.decoding` it prints the figures as JSON.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zxingcpp
from PIL import Image, ImageDraw, ImageFilter

from app.devices.barcode import ZbarReader, ZxingReader
from app.devices.camera_frame import make_frame
from app.services.scanning import Scanner
from benchmarks import ROOT
from benchmarks.searches import quantile
from guidepos.commands.decode_command import read_picture

SIZE = WIDTH, HEIGHT = 1_280, 720
_NO_COLOUR = b"\x80" * (WIDTH * HEIGHT // 2)
CASES = ROOT.parent / "shared" / "data" / "barcodes"
"""Recorded pictures with what they show; without them only the frames are measured."""


def measure(frames: int) -> dict[str, float]:
    """Copy so many frames of every scene out of a camera's memory and look at them.

    Returns milliseconds and, where the recorded pictures are, how many were read right, wrong or not at
    all, and in how many empty ones something was seen.
    """
    took: list[float] = []
    with Ticking() as ticking:
        _look_at_scenes(frames, took)
    figures = {
        "camera_frame_p50_ms": round(quantile(took, 50), 1),
        "camera_frame_p95_ms": round(quantile(took, 95), 1),
        "camera_beside_p99_ms": round(quantile(ticking.late_ms, 99), 1),
    }
    if (CASES / "manifest.json").exists():
        figures |= judged(CASES)
    return figures


class Ticking:
    """Another thread that wants to run every millisecond, as the screen's does: how late it is."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tick)

    def __enter__(self) -> Ticking:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _tick(self) -> None:
        last = time.perf_counter()
        while not self._ended.wait(0.001):
            now = time.perf_counter()
            self.late_ms.append((now - last) * 1_000 - 1)
            last = now


def _look_at_scenes(frames: int, took: list[float]) -> None:
    for scene in scenes():
        scanner = Scanner(ZxingReader(), ZbarReader())
        memory = [(scene, WIDTH), (_NO_COLOUR, WIDTH)]
        for _ in range(frames):
            began = time.perf_counter()
            frame = make_frame("NV12", memory, WIDTH, HEIGHT)
            assert frame is not None
            scanner.look(frame)
            took.append((time.perf_counter() - began) * 1_000)


def judged(folder: Path) -> dict[str, float]:
    """Read the judged pictures of a folder and count."""
    counts = dict.fromkeys(("right", "wrong", "missed", "false", "clean"), 0)
    for case in json.loads((folder / "manifest.json").read_text("utf-8")):
        if case["judge"]:
            code = read_picture(folder / case["file"])
            counts[_verdict(code and code.text, case["expected"])] += 1
    return {f"pictures_{verdict}": float(count) for verdict, count in counts.items()}


def _verdict(text: str | None, expected: list[str]) -> str:
    """Return right, wrong or missed; of a picture without a code clean or false."""
    if not expected:
        return "clean" if text is None else "false"
    if text is None:
        return "missed"
    return "right" if text in expected else "wrong"


def scenes() -> Iterator[bytes]:
    """Yield the brightness of each scene."""
    for draw in (_wall, _grain, _shelf, _print, _stripes):
        yield draw().tobytes()
    for text, kind in (
        ("https://shop.example/o/" + "A1b2C3d4" * 22, "QRCode"),
        ("6901234567892", "EAN13"),
        ("134512345678901234", "Code128"),
    ):
        yield _in_hand(text, kind).tobytes()


def _wall() -> Image.Image:
    return Image.new("L", SIZE, 200)


def _grain() -> Image.Image:
    """A dark room: nothing but the sensor's noise."""
    noise = Image.frombytes("L", SIZE, random.Random(1).randbytes(WIDTH * HEIGHT))
    return Image.blend(_wall(), noise.filter(ImageFilter.GaussianBlur(1)), 0.25)


def _shelf() -> Image.Image:
    chance, picture = random.Random(2), Image.new("L", SIZE, 120)
    draw = ImageDraw.Draw(picture)
    for _ in range(400):
        x, y = chance.randrange(WIDTH), chance.randrange(HEIGHT)
        box = (x, y, x + chance.randrange(5, 120), y + chance.randrange(5, 120))
        draw.rectangle(box, fill=chance.randrange(256))
    return picture.filter(ImageFilter.GaussianBlur(1))


def _print() -> Image.Image:
    chance, picture = random.Random(3), Image.new("L", SIZE, 245)
    draw = ImageDraw.Draw(picture)
    for y in range(0, HEIGHT, 14):
        draw.text((5, y), "".join(chance.choices("abcdefgh ijklm nopq", k=200)), fill=20)
    return picture


def _stripes() -> Image.Image:
    """A striped shirt, which looks like one large bar code."""
    chance, picture, x = random.Random(4), Image.new("L", SIZE, 230), 0
    draw = ImageDraw.Draw(picture)
    while x < WIDTH:
        width = chance.randrange(2, 9)
        draw.rectangle((x, 0, x + width, HEIGHT), fill=chance.choice((40, 220)))
        x += width
    return picture


def _in_hand(text: str, kind: str) -> Image.Image:
    """A code a little turned and unsharp in front of a shelf."""
    made = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, kind))
    raw: Any = zxingcpp.write_barcode_to_image(made, scale=4, add_quiet_zones=True)
    height, width = raw.shape
    code = Image.frombytes("L", (width, height), memoryview(raw).tobytes())
    code.thumbnail((640, 520))
    turned = code.rotate(7, expand=True, fillcolor=255, resample=Image.Resampling.BICUBIC)
    picture = _shelf()
    picture.paste(turned, ((WIDTH - turned.width) // 2, (HEIGHT - turned.height) // 2))
    return picture.filter(ImageFilter.GaussianBlur(0.8))


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
