"""Fonts show every text of the demo shop, icons and sounds are there, licences lie beside them."""

from __future__ import annotations

import json
import struct
import wave
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from xml.etree import ElementTree

import pytest

import resources
from resources.demo.shop import demo_shop

ttlib = pytest.importorskip("fontTools.ttLib", reason="fonttools is in the extra `dev`")


@cache
def glyphs(*parts: str) -> frozenset[int]:
    with ttlib.TTFont(resources.path(*parts), lazy=True) as font:
        return frozenset(font.getBestCmap())


def texts(value: object) -> Iterator[str]:
    """Every string in a tree of dataclasses and tuples."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from texts(part)
    elif is_dataclass(value):
        for field in fields(value):
            yield from texts(getattr(value, field.name))


@pytest.mark.parametrize("weight", ["Regular", "Bold"])
def test_the_chinese_fonts_show_every_text_of_the_demo_shop(weight: str) -> None:
    needed = {ord(character) for text in texts(demo_shop()) for character in text}
    assert needed <= glyphs("fonts", f"NotoSansSC-{weight}.ttf")


@pytest.mark.parametrize("weight", ["Regular", "Bold"])
def test_the_chinese_fonts_hold_all_hanzi_of_gb_2312(weight: str) -> None:
    rows = (bytes((row, cell)) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF))
    hanzi = {ord(text) for text in (row.decode("gb2312", "ignore") for row in rows) if text}
    assert len(hanzi) == 6_763
    assert hanzi <= glyphs("fonts", f"NotoSansSC-{weight}.ttf")


@pytest.mark.parametrize("weight", ["Regular", "Medium", "SemiBold", "Bold"])
def test_the_latin_fonts_show_prices_and_pinyin(weight: str) -> None:
    text = "¥€£$0123456789.,−–—×%·“”‘’…āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜ→"
    assert set(map(ord, text)) <= glyphs("fonts", f"Inter-{weight}.ttf")


def test_the_fonts_are_small_enough_to_ship_and_bring_their_licences() -> None:
    folder = resources.path("fonts")
    assert sum(file.stat().st_size for file in folder.glob("*.ttf")) <= 9_000_000
    assert "SIL OPEN FONT LICENSE" in (folder / "OFL-NotoSansSC.txt").read_text("utf-8")
    assert "SIL OPEN FONT LICENSE" in (folder / "OFL-Inter.txt").read_text("utf-8")
    assert "ISC License" in resources.path("icons", "LICENSE-lucide.txt").read_text("utf-8")


def icon_points() -> dict[str, str]:
    table: dict[str, str] = json.loads(resources.path("icons", "icons.json").read_text("utf-8"))
    return table


def test_every_named_icon_is_in_the_icon_font() -> None:
    points = icon_points()
    assert len(points) >= 90
    assert {int(point, 16) for point in points.values()} <= glyphs("icons", "lucide.ttf")


def test_every_category_has_an_icon_of_the_font() -> None:
    assert {category.icon for category in demo_shop().categories} <= set(icon_points())


@pytest.mark.parametrize("name", ["paid", "scan", "error"])
def test_a_sound_is_short_mono_and_ends_in_silence(name: str) -> None:
    file = resources.path("sounds", f"{name}.wav")
    assert file.stat().st_size <= 60_000
    with wave.open(str(file), "rb") as sound:
        assert sound.getnchannels() == 1
        assert sound.getsampwidth() == 2
        frames = sound.readframes(sound.getnframes())
        assert sound.getnframes() / sound.getframerate() < 1.5
    heights = [height for (height,) in struct.iter_unpack("<h", frames)]
    assert 8_000 < max(map(abs, heights)) < 32_000
    assert abs(heights[-1]) < 50


def test_the_mark_is_an_svg_with_a_png_of_256_px() -> None:
    ElementTree.parse(resources.path("icons", "guidepos.svg"))
    png = resources.path("icons", "guidepos.png").read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (256, 256)
