"""Files the till and the cloud's pages show: fonts, icons, garment drawings, sounds, demo shop.

Pure data: nothing in here may import the till, the cloud or Qt.
"""

from __future__ import annotations

from pathlib import Path

_ROOT = Path(__file__).resolve().parent


def path(*parts: str) -> Path:
    """Return the file or folder of this package named by `parts`.

    Works from a checkout, from an installed wheel and from a frozen one-folder build, because all
    three keep the data beside this module. The path is not checked for existence.
    """
    return _ROOT.joinpath(*parts)
