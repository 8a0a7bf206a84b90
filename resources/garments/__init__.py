"""The shop's own garment drawings, tinted with a variant's real colour. Knows no Qt and no store.

A drawing is an SVG whose fills are five roles in double braces: `main` (the cloth), `shade`
(folds, far panels), `light` (trims, buttons), `deep` (inside of neck, lining) and `line`
(outline, seams). `garment_svg` replaces the roles with colours derived from one colour.
"""

from __future__ import annotations

import math
import re
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent
_WHITE = (255, 255, 255)
_BLACK = (0, 0, 0)
_INK = (30, 30, 36)
# Relative luminance below which cloth needs a paler line, and above which it needs a fainter one.
_DARK = 0.075
_PALE = 0.6
# Least contrast of a seam on its cloth; more and small tiles look like wire.
_SEAM_CONTRAST = 1.75
_HEX = re.compile(r"#[0-9A-Fa-f]{6}")

# The drawing of a product that has neither a photo nor a known drawing.
FALLBACK = "shirt"

Colour = tuple[int, int, int]


@cache
def drawings() -> tuple[str, ...]:
    """Names of all drawings, sorted; each is a valid first argument of `garment_svg`."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.svg")))


def garment_svg(drawing: str, colour_hex: str) -> bytes:
    """Return the SVG of `drawing` in the colour `#RRGGBB`, UTF-8.

    An unknown drawing gives `FALLBACK`, so that a catalogue row never leaves an empty tile.
    Raises ValueError when `colour_hex` is not `#RRGGBB`.
    """
    svg = _template(drawing if drawing in drawings() else FALLBACK)
    for role, colour in palette(colour_hex).items():
        svg = svg.replace("{{" + role + "}}", colour)
    return svg.encode()


def palette(colour_hex: str) -> dict[str, str]:
    """Return the five roles as `#RRGGBB`, derived so that seams show on white and on black cloth.

    Pale cloth gets a darker line, so its outline also stands out from a white tile; dark cloth gets
    a paler line, so its seams are seen and its outline stands out from a dark tile.
    """
    if not _HEX.fullmatch(colour_hex):
        raise ValueError(f"not a colour of the form #RRGGBB: {colour_hex!r}")
    main = (int(colour_hex[1:3], 16), int(colour_hex[3:5], 16), int(colour_hex[5:7], 16))
    roles = _roles(main, _luminance(main))
    return {"main": colour_hex, **{role: _hex(colour) for role, colour in roles.items()}}


def _roles(main: Colour, luminance: float) -> dict[str, Colour]:
    if luminance < _DARK:
        return {
            "shade": _mix(main, _WHITE, 0.08),
            "light": _mix(main, _WHITE, 0.24),
            "deep": _mix(main, _BLACK, 0.42),
            "line": _line(main, _WHITE, 0.35),
        }
    pale = luminance > _PALE
    return {
        "shade": _mix(main, _INK, 0.075 if pale else 0.15),
        "light": _mix(main, _WHITE, 0.60 if pale else 0.30),
        "deep": _mix(main, _INK, 0.22 if pale else 0.44),
        "line": _line(main, _INK, 0.52 if pale else 0.70),
    }


def _line(main: Colour, toward: Colour, share: float) -> Colour:
    """`main` mixed `toward` black or white by `share`, or by more until it is seen on the cloth."""
    line = _mix(main, toward, share)
    while _contrast(line, main) < _SEAM_CONTRAST and share < 1:
        share = min(1.0, share + 0.04)
        line = _mix(main, toward, share)
    return line


def _mix(colour: Colour, other: Colour, share: float) -> Colour:
    """`colour` with `share` (0 to 1) of `other` in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


def _luminance(colour: Colour) -> float:
    """Relative luminance, 0 black to 1 white (WCAG 2.2, with the plain 2.2 power for sRGB)."""
    red, green, blue = (math.pow(part / 255, 2.2) for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: Colour, other: Colour) -> float:
    """WCAG 2.2 contrast ratio, 1 (same) to 21 (black on white)."""
    dark, pale = sorted((_luminance(one), _luminance(other)))
    return (pale + 0.05) / (dark + 0.05)


def _hex(colour: Colour) -> str:
    return "#{:02X}{:02X}{:02X}".format(*colour)


@cache
def _template(drawing: str) -> str:
    return (_FOLDER / f"{drawing}.svg").read_text("utf-8")
