"""The port `FrameSource` on QtMultimedia: the till's cameras, one of them open at a time.

Frames arrive on the GUI thread as handles; a thread of the source's own copies them out and hands them
on. It has room for one: what comes while it is busy replaces what waits. QtMultimedia is an extra of
the till and is loaded with the first opening, never at start.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import (
    QCameraPermission,
    QCoreApplication,
    QLoggingCategory,
    QObject,
    QPermission,
    QSize,
    Qt,
    QTimer,
)

from app.errors import Code
from app.ports import Frame

if TYPE_CHECKING:
    from PySide6.QtMultimedia import (
        QCamera,
        QCameraDevice,
        QCameraFormat,
        QMediaCaptureSession,
        QVideoFrame,
    )

SIZE = QSize(1_280, 720)
"""Enough for a bar code at arm's length; more would only cost decoding."""

LEAST_MS_BETWEEN = 66
"""Fifteen frames a second at most; the rest of the processor is the shop's."""

SILENCE_MS = 6_000
"""A camera that has shown nothing for so long will not: it is taken, or broken."""

LONGEST_FRAME_S = 1.0
"""Nobody waits longer for the frame in hand."""

_LOG = logging.getLogger("guidepos.camera")


class FrameMaker(Protocol):
    """Makes a frame of memory; None for what it cannot read."""

    def __call__(
        self,
        layout: str,
        planes: Sequence[tuple[bytes | memoryview, int]],
        width: int,
        height: int,
        *,
        turned: int,
        mirrored: bool,
    ) -> Frame | None: ...


def is_installed() -> bool:
    """Tell whether the till came with camera support, without loading it."""
    return find_spec("PySide6.QtMultimedia") is not None


def has_backend() -> bool:
    """Tell whether QtMultimedia, if it is there, finds the plug-in that speaks with cameras; loads both."""
    media = _media()
    if media is None:
        return False
    formats = media.QMediaFormat()
    return bool(formats.supportedVideoCodecs(media.QMediaFormat.ConversionMode.Decode))


class QtFrameSource(QObject):
    """Cameras of this machine. GUI thread only; frames come on a thread of its own."""

    def __init__(self, make_frame: FrameMaker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._make_frame = make_frame
        self._number = 0
        self._session: QMediaCaptureSession | None = None
        self._camera: QCamera | None = None
        self._frames: _FrameThread | None = None
        self._fail: Callable[[Code], None] | None = None
        self._silence = QTimer(self)
        self._silence.setSingleShot(True)
        self._silence.timeout.connect(self._silent)

    def cameras(self) -> int:
        """Return how many cameras there are."""
        media = _media()
        return 0 if media is None else len(media.QMediaDevices.videoInputs())

    def open(
        self, take: Callable[[Frame], None], fail: Callable[[Code], None], which: int = 0
    ) -> None:
        """Open a camera, asking for permission where the system wants that."""
        self.close()
        number = self._number
        application, permission = QCoreApplication.instance(), QCameraPermission()
        if application is None or _media() is None:
            fail(Code.CAMERA_NOT_INSTALLED)
        elif application.checkPermission(permission) is Qt.PermissionStatus.Undetermined:

            def answered(answer: QPermission) -> None:
                if number == self._number:  # nobody closed it while the person was thinking
                    self._begin(answer.status(), take, fail, which)

            application.requestPermission(permission, self, answered)
        else:
            self._begin(application.checkPermission(permission), take, fail, which)

    def close(self) -> None:
        """Let go of the camera. Waits for the frame in hand, which is less than a tenth of a second."""
        self._number += 1
        self._fail = None
        self._silence.stop()
        frames, self._frames = self._frames, None
        if frames is not None:
            frames.end()
        camera, self._camera = self._camera, None
        if camera is not None and self._session is not None:
            camera.stop()
            self._session.setCamera(None)  # type: ignore[arg-type]  # Qt takes null; its hints forget
            camera.deleteLater()

    def _begin(
        self,
        allowed: Qt.PermissionStatus,
        take: Callable[[Frame], None],
        fail: Callable[[Code], None],
        which: int,
    ) -> None:
        media = import_module("PySide6.QtMultimedia")
        device = _choose(media, which)
        if device is None:
            fail(Code.CAMERA_ABSENT)
        elif allowed is not Qt.PermissionStatus.Granted or _is_forbidden(device):
            fail(Code.CAMERA_DENIED)
        else:
            mirrored = device.position() is media.QCameraDevice.Position.FrontFace
            self._fail = fail
            self._frames = _FrameThread(self._make_frame, take, mirrored=mirrored)
            self._frames.start()
            self._silence.start(SILENCE_MS)
            self._start(device)

    def _start(self, device: QCameraDevice) -> None:
        from PySide6.QtMultimedia import QCamera, QMediaCaptureSession, QVideoSink

        if self._session is None:
            self._session = QMediaCaptureSession(self)
            sink = QVideoSink(self)
            sink.videoFrameChanged.connect(self._arrived)
            self._session.setVideoSink(sink)
        self._camera = camera = QCamera(device, self)
        camera.setCameraFormat(best_format(device))
        camera.errorOccurred.connect(self._error, Qt.ConnectionType.QueuedConnection)
        self._session.setCamera(camera)
        camera.start()

    def _arrived(self, frame: QVideoFrame) -> None:
        if self._frames is not None:
            if self._frames.readable:
                self._silence.start(SILENCE_MS)
            self._frames.put(frame)

    def _error(self, _error: QCamera.Error, said: str) -> None:
        _LOG.warning("camera: %s", said)
        busy = any(word in said.lower() for word in ("in use", "busy"))
        self._give_up(Code.CAMERA_BUSY if busy else Code.CAMERA_FAILED)

    def _silent(self) -> None:
        _LOG.warning("camera: no picture for %s ms", SILENCE_MS)
        self._give_up(Code.CAMERA_FAILED)

    def _give_up(self, code: Code) -> None:
        fail = self._fail
        self.close()
        if fail is not None:
            fail(code)


class _FrameThread(threading.Thread):
    """Copies frames out of the camera's memory and hands them on, newest first, never two at once."""

    def __init__(
        self, make_frame: FrameMaker, take: Callable[[Frame], None], *, mirrored: bool
    ) -> None:
        super().__init__(name="camera", daemon=True)
        self._make_frame, self._take, self._mirrored = make_frame, take, mirrored
        self._waiting: QVideoFrame | None = None
        self._ended = False
        self._news = threading.Condition()
        self.readable = True
        """The frame before could be read: pictures nobody can make sense of are as good as none."""

    def put(self, frame: QVideoFrame) -> None:
        """Leave a frame, in place of one that still waits."""
        with self._news:
            self._waiting = frame
            self._news.notify()

    def end(self) -> None:
        """Take no frame any more; the one in hand is finished first."""
        with self._news:
            self._ended, self._waiting = True, None
            self._news.notify()
        self.join(LONGEST_FRAME_S)

    def run(self) -> None:
        while (frame := self._next()) is not None:
            began = time.monotonic()
            made = self._copy(frame)
            del frame  # gives its memory back to the camera
            self.readable = made is not None
            if made is not None and not self._ended:
                self._hand_on(made)
            rest = LEAST_MS_BETWEEN / 1_000 - (time.monotonic() - began)
            if rest > 0:
                with self._news:
                    self._news.wait_for(lambda: self._ended, rest)

    def _hand_on(self, frame: Frame) -> None:
        try:
            self._take(frame)
        except Exception:  # a bug with one frame; the next is another
            _LOG.exception("camera: a frame could not be looked at")

    def _next(self) -> QVideoFrame | None:
        with self._news:
            self._news.wait_for(lambda: self._ended or self._waiting is not None)
            frame, self._waiting = self._waiting, None
            return frame

    def _copy(self, frame: QVideoFrame) -> Frame | None:
        if not frame.map(frame.MapMode.ReadOnly):
            return None
        try:
            layout = frame.pixelFormat().name.removeprefix("Format_")
            count = frame.planeCount()
            planes = [(memoryview(frame.bits(n)), frame.bytesPerLine(n)) for n in range(count)]
            return self._make_frame(
                layout,
                planes,
                frame.width(),
                frame.height(),
                turned=int(frame.rotation().value),
                mirrored=frame.mirrored() or self._mirrored,
            )
        finally:
            frame.unmap()


def best_format(device: QCameraDevice) -> QCameraFormat:
    """Return the camera's format nearest to `SIZE`, of those the one with most frames a second."""
    from PySide6.QtMultimedia import QCameraFormat

    formats = device.videoFormats()
    if not formats:
        return QCameraFormat()

    def distance(one: QCameraFormat) -> tuple[int, float]:
        size = one.resolution()
        off = abs(size.width() - SIZE.width()) + abs(size.height() - SIZE.height())
        return off, -min(one.maxFrameRate(), 30.0)

    return min(formats, key=distance)


def _choose(media: ModuleType, which: int) -> QCameraDevice | None:
    """Return the camera to open: at first the one that looks away from the person, else the usual one."""
    found: list[QCameraDevice] = list(media.QMediaDevices.videoInputs())
    away = media.QCameraDevice.Position.BackFace
    usual = media.QMediaDevices.defaultVideoInput()
    found.sort(key=lambda each: (each.position() != away, each != usual))
    return found[which % len(found)] if found else None


def _is_forbidden(device: QCameraDevice) -> bool:
    """Tell whether this user may not open a camera that Linux shows as a file."""
    name = bytes(device.id().data()).decode("utf-8", errors="replace")
    is_file = sys.platform.startswith("linux") and name.startswith("/dev/")
    return is_file and not os.access(name, os.R_OK | os.W_OK)


def _media() -> ModuleType | None:
    """Load QtMultimedia; None where it, or a library of the system's that it needs, is missing."""
    # Its FFmpeg tells at every start which libraries of graphics drivers it does without.
    QLoggingCategory.setFilterRules("qt.multimedia.symbolsresolver=false")
    try:
        return import_module("PySide6.QtMultimedia")
    except ImportError as error:
        _LOG.warning("camera: %s", error)
        return None
