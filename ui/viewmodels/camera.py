"""The camera over the screen: opened and closed with its sheet, what it sees, and what it has read.

Looking happens on the camera's thread; this object only learns of pictures and codes. It knows no
camera library: frames come from the port, codes from the scanner it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import Property, QObject, QTimer, Signal, Slot
from PySide6.QtGui import QImage
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.errors import Code
from app.ports import Frame, FrameSource
from app.services.scanning import Novelty, Scanner
from ui.bridge import ViewModel
from ui.images import CameraImages
from ui.postbox import posted_to
from ui.text import Words

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

FIRST_THE_SHEET_MS = 60
"""Loading a camera holds up the screen for a moment: the sheet is drawn before."""


@dataclass(frozen=True, slots=True)
class CameraTools:
    """A till's cameras, a fresh scanner for each opening, and the sound of a code that was read."""

    source: FrameSource
    scanner: Callable[[], Scanner]
    beep: Callable[[], None] = lambda: None


class CameraState(StrEnum):
    """How the camera stands."""

    CLOSED = "closed"
    STARTING = "starting"
    LOOKING = "looking"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Look:
    """What one frame gave: a picture for people, and codes that have just come into sight."""

    opening: int
    picture: QImage
    codes: tuple[str, ...]


@QmlElement
@QmlUncreatable("made by the shell")
class CameraVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """The camera sheet."""

    changed = Signal()
    pictureChanged = Signal()
    read = Signal(str)
    """A code was read, once for each time it is held into sight."""

    def __init__(
        self, tools: CameraTools | None, images: CameraImages, words: Words, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._tools, self._images, self._words = tools, images, words
        self._state, self._trouble = CameraState.CLOSED, Code.CAMERA_FAILED
        self._opening, self._which, self._cameras = 0, 0, 0
        self._picture = ""
        self._said, self._said_kind = "", "info"
        self._drawn = True
        self._looked = posted_to(self._show)
        words.changed.connect(self.changed)

    # --- what QML reads -------------------------------------------------------------------------

    @Property(bool, constant=True)
    def isAvailable(self) -> bool:
        """This till came with camera support."""
        return self._tools is not None

    @Property(bool, notify=changed)
    def isOpen(self) -> bool:
        """The sheet is there."""
        return self._state is not CameraState.CLOSED

    @Property(str, notify=changed)
    def state(self) -> str:
        """closed, starting, looking or problem."""
        return self._state.value

    @Property(str, notify=changed)
    def problem(self) -> str:
        """Why nothing can be seen."""
        return "" if self.trouble is None else self._words.code(self.trouble)

    @Property(bool, notify=changed)
    def canSwitch(self) -> bool:
        """There is another camera."""
        return self._cameras > 1

    @Property(str, notify=pictureChanged)
    def picture(self) -> str:
        """Address of what the camera sees, another one with every frame."""
        return self._picture

    @Property(str, notify=changed)
    def said(self) -> str:
        """What became of the code that was read last."""
        return self._said

    @Property(str, notify=changed)
    def saidKind(self) -> str:
        """info, good or problem."""
        return self._said_kind

    # --- what QML does --------------------------------------------------------------------------

    @Slot()
    def open(self) -> None:
        """Lay the sheet over the screen and open the camera."""
        if self._tools is not None and self._state is CameraState.CLOSED:
            self._begin()

    @Slot()
    def retry(self) -> None:
        """Open the camera again after a problem."""
        if self._state is CameraState.PROBLEM:
            self._begin()

    @Slot()
    def switchCamera(self) -> None:
        """Look through the next camera."""
        if self._tools is not None and self._state is not CameraState.CLOSED:
            self._tools.source.close()
            self._which += 1
            self._begin()

    @Slot()
    def close(self) -> None:
        """Take the sheet away and let go of the camera."""
        if self._tools is None or self._state is CameraState.CLOSED:
            return
        self._opening += 1
        self._tools.source.close()
        self._images.forget()
        self.put(self.changed, _state=CameraState.CLOSED)
        self.put(self.pictureChanged, _picture="")

    # --- what Python does -----------------------------------------------------------------------

    @property
    def trouble(self) -> Code | None:
        """Why nothing can be seen."""
        return self._trouble if self._state is CameraState.PROBLEM else None

    def tell(self, kind: str, text: str) -> None:
        """Say on the sheet what became of a code."""
        if self._state is not CameraState.CLOSED:
            self.put(self.changed, _said=text, _said_kind=kind)

    def _begin(self) -> None:
        self._opening += 1
        opening = self._opening
        self.put(self.changed, _state=CameraState.STARTING, _said="", _said_kind="info")
        QTimer.singleShot(FIRST_THE_SHEET_MS, self, lambda: self._start(opening))

    def _start(self, opening: int) -> None:
        if opening != self._opening or self._tools is None:
            return
        source, scanner, novelty = self._tools.source, self._tools.scanner(), Novelty()
        self._drawn = True

        def look(frame: Frame) -> None:
            """Runs on the camera's thread."""
            codes = tuple(code.text for code in novelty.fresh(scanner.look(frame)))
            if codes or self._drawn:
                self._drawn = False
                self._looked(Look(opening, picture_of(frame), codes))

        def fail(code: Code) -> None:
            if opening == self._opening:
                self.put(self.changed, _state=CameraState.PROBLEM, _trouble=code)

        self.put(self.changed, _cameras=source.cameras())
        source.open(look, fail, self._which)

    def _show(self, look: Look) -> None:
        self._drawn = True
        if look.opening != self._opening:
            return
        address = self._images.hold(look.picture)
        self.put(self.changed, _state=CameraState.LOOKING)
        self.put(self.pictureChanged, _picture=address)
        if look.codes and self._tools is not None:
            self._tools.beep()
            self.tell("info", look.codes[0][:60])
            self.read.emit(look.codes[0])


def picture_of(frame: Frame) -> QImage:
    """Return a frame as people see it. Any thread."""
    view = frame.view
    if view is None:
        grey = QImage.Format.Format_Grayscale8
        made = QImage(frame.pixels, frame.width, frame.height, frame.width, grey)
    else:
        colour = QImage.Format.Format_RGB888
        made = QImage(view.rgb, view.width, view.height, 3 * view.width, colour)
    return made.convertToFormat(QImage.Format.Format_RGB32)
