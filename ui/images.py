"""Pictures for QML: garments tinted with their real colour, QR symbols, receipt previews, what a camera
sees.

Four image providers, each answering on whatever thread Qt loads pictures on and none ever raising.
They know no store and no service: drawings come from `resources`, symbols and rasters are handed in.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Event, Lock, get_ident

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtQml import QQmlEngine, QQmlImageProviderBase
from PySide6.QtQuick import QQuickImageProvider
from PySide6.QtSvg import QSvgRenderer

from app.ports import QrMatrix
from resources.garments import garment_svg

GARMENTS, SYMBOLS, RECEIPTS, CAMERA = "garment", "qr", "receipt", "camera"

QUIET_MODULES = 4
"""White modules around a QR symbol (ISO/IEC 18004)."""
MIN_MODULE_PX = 4
"""Fewer pixels per module and an old phone at arm's length no longer reads it."""

_PLAIN_CLOTH = "9A958C"
_DEFAULT_SIDE = 160
_MOST_SIDE = 1_024
_CACHE_BYTES = 6_000_000
_MOST_REST_S = 0.1
_HELD = 8


def garment_url(drawing: str, colour_hex: str) -> str:
    """Return the address under which QML shows a garment in a colour ("#RRGGBB" or "RRGGBB")."""
    return f"image://{GARMENTS}/{drawing or 'shirt'}/{colour_hex.lstrip('#') or _PLAIN_CLOTH}"


class GarmentImages(QQuickImageProvider):
    """`image://garment/<drawing>/<RRGGBB>`, rendered once per size and kept, newest 6 MB.

    Made on the thread of the screen, which never waits for a picture to be allowed.
    """

    def __init__(self) -> None:
        super().__init__(QQmlImageProviderBase.ImageType.Image)
        self._screen = get_ident()
        self._kept: OrderedDict[tuple[str, str, int, int], QImage] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()
        self._may_draw = Event()
        self._may_draw.set()

    def rest(self) -> None:
        """Draw nothing new until the next frame was shown (`go_on`), a tenth of a second at most.

        For whoever changes many pictures at once. Drawing needs the interpreter as much as the screen
        does: each of the screen's many short calls into Python would wait for a picture to be finished.
        """
        self._may_draw.clear()

    def go_on(self) -> None:
        """Draw what was asked for meanwhile. Any thread."""
        self._may_draw.set()

    def requestImage(self, id_: str, size: QSize, requested: QSize) -> QImage:
        drawing, _, colour = id_.partition("/")
        width, height = _wanted(requested)
        size.setWidth(width)
        size.setHeight(height)
        key = (drawing, colour, width, height)
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                self._kept.move_to_end(key)
                return known
        if get_ident() != self._screen:
            self._may_draw.wait(_MOST_REST_S)
        image = draw_garment(drawing, colour, width, height)
        self._keep(key, image)
        return image

    def _keep(self, key: tuple[str, str, int, int], image: QImage) -> None:
        with self._lock:
            if key in self._kept:
                return
            self._kept[key] = image
            self._bytes += image.sizeInBytes()
            while self._bytes > _CACHE_BYTES and len(self._kept) > 1:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= oldest.sizeInBytes()


def draw_garment(drawing: str, colour: str, width: int, height: int) -> QImage:
    """Return a garment on a clear ground; a colour that is none gives undyed cloth."""
    try:
        svg = garment_svg(drawing, f"#{colour}")
    except ValueError:
        svg = garment_svg(drawing, f"#{_PLAIN_CLOTH}")
    image = _clear(width, height)
    painter = QPainter(image)
    renderer = QSvgRenderer(QByteArray(svg))
    renderer.setAspectRatioMode(Qt.AspectRatioMode.KeepAspectRatio)
    renderer.render(painter, QRectF(0, 0, width, height))
    painter.end()
    return image


class QrImages(QQuickImageProvider):
    """`image://qr/<name>`: a symbol black on white, quiet zone included, modules of whole pixels.

    The picture is the largest such square inside the requested size, but never with modules under
    4 px: show it unscaled.
    """

    def __init__(self) -> None:
        super().__init__(QQmlImageProviderBase.ImageType.Image)
        self._symbols: OrderedDict[str, QrMatrix] = OrderedDict()
        self._lock = Lock()

    def hold(self, text: str, matrix: QrMatrix) -> str:
        """Keep a symbol for showing and return its address; the newest few are kept."""
        name = hashlib.sha256(text.encode()).hexdigest()[:20]
        with self._lock:
            self._symbols[name] = matrix
            while len(self._symbols) > _HELD:
                self._symbols.popitem(last=False)
        return f"image://{SYMBOLS}/{name}"

    def requestImage(self, id_: str, size: QSize, requested: QSize) -> QImage:
        with self._lock:
            matrix = self._symbols.get(id_)
        image = draw_symbol(matrix, min(_wanted(requested))) if matrix else _clear(1, 1)
        size.setWidth(image.width())
        size.setHeight(image.height())
        return image


def draw_symbol(matrix: QrMatrix, side: int) -> QImage:
    """Return a symbol with its quiet zone, at most `side` px unless that made modules too small."""
    modules = len(matrix.rows) + 2 * QUIET_MODULES
    module = max(MIN_MODULE_PX, side // modules)
    image = QImage(modules * module, modules * module, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    ink = QColor("black")
    for y, row in enumerate(matrix.rows):
        for x, length in _runs(row):
            left, top = (x + QUIET_MODULES) * module, (y + QUIET_MODULES) * module
            painter.fillRect(left, top, length * module, module, ink)
    painter.end()
    return image


class ReceiptImages(QQuickImageProvider):
    """`image://receipt/<name>`: rasters of receipts as the printer will put them on paper."""

    def __init__(self) -> None:
        super().__init__(QQmlImageProviderBase.ImageType.Image)
        self._papers: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def hold(self, png: bytes) -> str:
        """Keep a PNG for showing and return its address; the newest few are kept."""
        name = hashlib.sha256(png).hexdigest()[:20]
        with self._lock:
            self._papers[name] = png
            while len(self._papers) > _HELD:
                self._papers.popitem(last=False)
        return f"image://{RECEIPTS}/{name}"

    def requestImage(self, id_: str, size: QSize, requested: QSize) -> QImage:
        with self._lock:
            png = self._papers.get(id_, b"")
        image = QImage()
        if not image.loadFromData(QByteArray(png)):
            image = _clear(1, 1)
        if requested.width() > 0:
            image = image.scaledToWidth(
                min(requested.width(), _MOST_SIDE), Qt.TransformationMode.SmoothTransformation
            )
        size.setWidth(image.width())
        size.setHeight(image.height())
        return image


class CameraImages(QQuickImageProvider):
    """`image://camera/<number>`: what the camera sees now, whatever number is asked for.

    Painted like any other picture, because Qt's own video item shows nothing without a graphics card.
    """

    def __init__(self) -> None:
        super().__init__(QQmlImageProviderBase.ImageType.Image)
        self._now = _clear(1, 1)
        self._number = 0
        self._lock = Lock()

    def hold(self, picture: QImage) -> str:
        """Show a picture from now on and return its address, another one each time."""
        with self._lock:
            self._now = picture
            self._number += 1
            return f"image://{CAMERA}/{self._number}"

    def forget(self) -> None:
        """Show nothing: the camera is closed."""
        with self._lock:
            self._now = _clear(1, 1)

    def requestImage(self, id_: str, size: QSize, requested: QSize) -> QImage:
        with self._lock:
            picture = self._now
        size.setWidth(picture.width())
        size.setHeight(picture.height())
        return picture


class Gallery:
    """The till's four providers together. The engine owns them once they are hung."""

    def __init__(self) -> None:
        self.garments = GarmentImages()
        self.symbols = QrImages()
        self.receipts = ReceiptImages()
        self.camera = CameraImages()

    def hang(self, engine: QQmlEngine) -> None:
        """Give the providers to an engine; call once, before loading QML."""
        engine.addImageProvider(GARMENTS, self.garments)
        engine.addImageProvider(SYMBOLS, self.symbols)
        engine.addImageProvider(RECEIPTS, self.receipts)
        engine.addImageProvider(CAMERA, self.camera)


def _wanted(requested: QSize) -> tuple[int, int]:
    """Return a requested size with sane bounds; what is not asked for follows the other side."""
    width, height = requested.width(), requested.height()
    width = width if width > 0 else (height if height > 0 else _DEFAULT_SIDE)
    height = height if height > 0 else width
    return min(width, _MOST_SIDE), min(height, _MOST_SIDE)


def _clear(width: int, height: int) -> QImage:
    image = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    return image


def _runs(row: tuple[bool, ...]) -> list[tuple[int, int]]:
    """Return (start, length) of every run of dark modules."""
    runs: list[tuple[int, int]] = []
    start = -1
    for x, dark in enumerate((*row, False)):
        if dark and start < 0:
            start = x
        elif not dark and start >= 0:
            runs.append((start, x - start))
            start = -1
    return runs
