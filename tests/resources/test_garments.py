"""Every drawing is a safe SVG, takes any colour, and keeps its seams visible on black and white."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.garments import FALLBACK, drawings, garment_svg, palette

NEEDED = {
    "coat", "jacket", "down_jacket", "dress", "shirt", "t_shirt", "knit", "cardigan", "trousers",
    "jeans", "skirt", "shoes", "boots", "bag", "scarf", "hat", "belt",
}  # fmt: skip
ALLOWED = {"svg", "title", "g", "path", "rect", "circle"}
HEX = st.from_regex(r"#[0-9A-Fa-f]{6}", fullmatch=True)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2 contrast ratio of two colours."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (
        float(p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4) for p in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_garment_the_shop_sells_has_a_drawing() -> None:
    assert set(drawings()) >= NEEDED
    assert FALLBACK in drawings()


@pytest.mark.parametrize("drawing", drawings())
def test_a_drawing_is_flat_svg_without_ids_on_the_common_field(drawing: str) -> None:
    root = ElementTree.fromstring(garment_svg(drawing, "#8C2F39"))
    assert root.get("viewBox") == "0 0 240 240"
    for element in root.iter():
        assert element.tag.removeprefix("{http://www.w3.org/2000/svg}") in ALLOWED
        assert "id" not in element.attrib
        assert "style" not in element.attrib


@pytest.mark.parametrize("drawing", drawings())
def test_no_role_is_left_unfilled(drawing: str) -> None:
    svg = garment_svg(drawing, "#123456").decode()
    assert "{{" not in svg
    assert "}}" not in svg
    assert "#123456" in svg


@pytest.mark.parametrize("drawing", drawings())
def test_a_drawing_stays_inside_its_field(drawing: str) -> None:
    svg = garment_svg(drawing, "#123456").decode()
    paths = " ".join(re.findall(r' d="([^"]*)"', svg))
    numbers = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", paths)]
    assert min(numbers) > 0
    assert max(numbers) < 240


@given(HEX)
def test_the_cloth_keeps_exactly_the_variants_colour(colour: str) -> None:
    assert palette(colour)["main"] == colour


@given(HEX)
def test_seams_are_visible_on_every_cloth(colour: str) -> None:
    roles = palette(colour)
    assert contrast(roles["line"], roles["main"]) >= 1.6


@pytest.mark.parametrize(("cloth", "tile"), [("#FFFFFF", "#FFFFFF"), ("#000000", "#1B1B1E")])
def test_an_outline_stands_out_from_a_tile_of_the_same_colour(cloth: str, tile: str) -> None:
    assert contrast(palette(cloth)["line"], tile) >= 1.9


def test_an_unknown_drawing_shows_the_fallback_instead_of_nothing() -> None:
    assert garment_svg("no such thing", "#222222") == garment_svg(FALLBACK, "#222222")


@pytest.mark.parametrize("colour", ["", "red", "#12345", "#1234567", "#GG0000", '#000000"/>'])
def test_what_is_not_a_colour_is_refused(colour: str) -> None:
    with pytest.raises(ValueError, match="not a colour"):
        garment_svg("coat", colour)
