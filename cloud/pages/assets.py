"""Static files of the pages and garment pictures; all may be kept by phones for ever."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from fastapi.responses import FileResponse

import resources
from cloud.pages.phone import LANGUAGE_COOKIE, LANGUAGE_S, remember
from cloud.pages.render import STATIC, asset, go
from cloud.pages.words import LANGUAGES
from resources.garments import garment_svg

router = APIRouter(include_in_schema=False)

FOR_EVER = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}
_TYPES = {"page.css": "text/css", "page.js": "text/javascript", "mark.svg": "image/svg+xml"}
_FONTS = ("Inter-Regular.ttf", "Inter-SemiBold.ttf")


@router.get("/page/font/{name}")
def font(name: str) -> Response:
    """Return one of the till's own typefaces."""
    if name not in _FONTS:
        raise HTTPException(404)
    return FileResponse(resources.path("fonts", name), media_type="font/ttf", headers=FOR_EVER)


@router.get("/page/{digest}/{name}")
def static(digest: str, name: str) -> Response:
    """Return a static file under the address `asset` gave it."""
    if name not in _TYPES or asset(name) != f"/page/{digest}/{name}":
        raise HTTPException(404)
    return FileResponse(STATIC / name, media_type=_TYPES[name], headers=FOR_EVER)


@router.get("/garment/{drawing}/{colour}.svg")
def garment(
    drawing: Annotated[str, Path(max_length=40)],
    colour: Annotated[str, Path(pattern=r"^[0-9A-Fa-f]{6}$")],
) -> Response:
    """Return a garment in the variant's colour; an unknown drawing gives the plain one."""
    headers = FOR_EVER | {"Content-Security-Policy": "default-src 'none'"}
    return Response(garment_svg(drawing, f"#{colour}"), media_type="image/svg+xml", headers=headers)


@router.get("/language/{code}")
def language(request: Request, code: str, back: Annotated[str, Query()] = "/cart") -> Response:
    """Switch the language and return to the page it was switched on; only to a page of ours."""
    ours = back.startswith("/") and not back.startswith(("//", "/\\"))
    response = go(quote(back) if ours else "/cart")
    if code in LANGUAGES:
        remember(response, request, LANGUAGE_COOKIE, code, LANGUAGE_S)
    return response
