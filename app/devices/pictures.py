"""Shows picture files to a scanner as a camera would: a few frames each, at slightly different
distances, because a hand never holds still and no two frames are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import Code, RuleBroken
from app.ports import Frame

if TYPE_CHECKING:
    from PIL.Image import Image

DISTANCES = (1, 1.5, 2, 1.25, 1.75, 0.75, 0.5)
"""Sizes the picture is shown at, in turn: as it is, then nearer, then farther."""

FRAME_PIXELS = 1_440 * 960
"""A picture is not brought nearer than this; a till's camera sees no more."""

MOST_PIXELS = 3_000 * 2_000
"""A larger photograph is made smaller before anybody looks."""


def frames_of(file: Path) -> Iterator[Frame]:
    """Yield the frames of a picture file. Raises RuleBroken(FILE_UNREADABLE) if it is no picture."""
    grey = _grey(file)
    for distance in DISTANCES:
        width, height = max(1, round(grey.width * distance)), max(1, round(grey.height * distance))
        if distance <= 1 or width * height <= FRAME_PIXELS:
            seen = grey if distance == 1 else grey.resize((width, height))
            yield Frame(seen.tobytes(), seen.width, seen.height)


def _grey(file: Path) -> Image:
    """Return a picture in grey on white ground, the way up its camera says."""
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise RuleBroken(Code.FILE_UNREADABLE, file=file.name, detail=str(error)) from error
    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture)
    grey = ground.convert("L")
    if grey.width * grey.height > MOST_PIXELS:
        scale = (MOST_PIXELS / (grey.width * grey.height)) ** 0.5
        grey = grey.resize((max(1, int(grey.width * scale)), max(1, int(grey.height * scale))))
    return grey
