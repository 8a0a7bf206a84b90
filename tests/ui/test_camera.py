"""Cameras promise the same whether they are Qt's or the tests' own; and what only Qt's can get wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QSize, Qt
from PySide6.QtGui import QGuiApplication, QImage
from pytestqt.qtbot import QtBot

from app.devices.camera_frame import make_frame
from app.errors import Code
from app.ports import Frame, FrameSource
from tests.fakes.camera import FakeFrameSource
from ui.input import camera
from ui.input.camera import QtFrameSource, best_format

media = pytest.importorskip(
    "PySide6.QtMultimedia", reason="the extra `camera` is not installed", exc_type=ImportError
)

pytestmark = pytest.mark.qml


@dataclass
class Seen:
    """What a source told, and on which thread."""

    frames: list[Frame] = field(default_factory=list)
    failures: list[Code] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)

    def take(self, frame: Frame) -> None:
        self.threads.add(threading.current_thread().name)
        self.frames.append(frame)


@dataclass
class Camera:
    """A source, with a hand that makes its camera see something or break."""

    source: FrameSource
    show: Callable[[int], None]
    break_down: Callable[[str], None]


def fake_camera(_patch: pytest.MonkeyPatch) -> Camera:
    source = FakeFrameSource()
    return Camera(
        source,
        lambda grey: source.show(Frame(bytes([grey]) * 12, 4, 3)),
        lambda said: source.break_down(
            Code.CAMERA_BUSY if "in use" in said else Code.CAMERA_FAILED
        ),
    )


def put(source: FrameSource, frame: Any) -> None:
    """Let Qt's camera deliver a frame, as it does from its first opening on."""
    assert isinstance(source, QtFrameSource)
    if source._session is not None:
        source._session.videoSink().setVideoFrame(frame)


def qt_camera(patch: pytest.MonkeyPatch) -> Camera:
    """Qt's own capture session without a camera; frames are put into its sink."""
    patch.setattr(camera, "_choose", lambda _media, _which: media.QCameraDevice())
    source = QtFrameSource(make_frame)

    def show(grey: int) -> None:
        image = QImage(4, 3, QImage.Format.Format_RGB32)
        image.fill(0xFF000000 | grey << 16 | grey << 8 | grey)
        put(source, media.QVideoFrame(image))

    def break_down(said: str) -> None:
        error: Any = None
        source._error(error, said)

    return Camera(source, show, break_down)


@pytest.fixture(params=[fake_camera, qt_camera])
def eye(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, qapp: QGuiApplication
) -> Iterator[Camera]:
    made: Camera = request.param(monkeypatch)
    yield made
    made.source.close()


def test_frames_arrive_while_it_is_open(eye: Camera, qtbot: QtBot):
    seen = Seen()
    eye.source.open(seen.take, seen.failures.append)
    eye.show(90)
    qtbot.waitUntil(lambda: bool(seen.frames))
    frame = seen.frames[0]
    assert (frame.pixels, frame.width, frame.height) == (b"\x5a" * 12, 4, 3)
    assert seen.failures == []


def test_nothing_is_told_after_closing(eye: Camera, qtbot: QtBot):
    seen = Seen()
    eye.source.open(seen.take, seen.failures.append)
    eye.source.close()
    eye.show(90)
    eye.break_down("in use")
    qtbot.wait(20)
    assert (seen.frames, seen.failures) == ([], [])


@pytest.mark.parametrize(
    ("said", "code"),
    [("Camera is in use", Code.CAMERA_BUSY), ("whatever", Code.CAMERA_FAILED)],
)
def test_a_broken_camera_is_told_once_and_shows_nothing_more(
    eye: Camera, qtbot: QtBot, said: str, code: Code
):
    seen = Seen()
    eye.source.open(seen.take, seen.failures.append)
    eye.break_down(said)
    eye.break_down(said)
    eye.show(90)
    qtbot.wait(20)
    assert (seen.frames, seen.failures) == ([], [code])


def test_it_opens_again_after_closing_and_after_breaking(eye: Camera, qtbot: QtBot):
    seen = Seen()
    eye.source.open(seen.take, seen.failures.append)
    eye.source.close()
    eye.source.open(seen.take, seen.failures.append)
    eye.break_down("whatever")
    eye.source.open(seen.take, seen.failures.append)
    eye.show(90)
    qtbot.waitUntil(lambda: bool(seen.frames))


# --- Qt's own -------------------------------------------------------------------------------------


@pytest.fixture
def qt(monkeypatch: pytest.MonkeyPatch, qapp: QGuiApplication) -> Iterator[Camera]:
    made = qt_camera(monkeypatch)
    yield made
    made.source.close()


def test_frames_come_on_a_thread_of_the_cameras_own(qt: Camera, qtbot: QtBot):
    seen = Seen()
    qt.source.open(seen.take, seen.failures.append)
    qt.show(90)
    qtbot.waitUntil(lambda: bool(seen.frames))
    assert seen.threads == {"camera"}


def test_what_comes_while_a_frame_is_in_hand_is_dropped_but_for_the_newest(
    qt: Camera, qtbot: QtBot
):
    seen, busy, free = Seen(), threading.Event(), threading.Event()

    def slowly(frame: Frame) -> None:
        seen.take(frame)
        busy.set()
        assert free.wait(10)

    qt.source.open(slowly, seen.failures.append)
    qt.show(1)
    assert busy.wait(10)
    for grey in range(2, 30):
        qt.show(grey)
    free.set()
    qtbot.waitUntil(lambda: len(seen.frames) == 2)
    assert [frame.pixels[0] for frame in seen.frames] == [1, 29]


def test_a_bug_with_one_frame_does_not_blind_the_camera(
    qt: Camera, qtbot: QtBot, caplog: pytest.LogCaptureFixture
):
    seen = Seen()

    def clumsy(frame: Frame) -> None:
        seen.take(frame)
        if len(seen.frames) == 1:
            raise RuntimeError("no")

    qt.source.open(clumsy, seen.failures.append)
    qt.show(1)
    qtbot.waitUntil(lambda: len(seen.frames) == 1)
    qt.show(2)
    qtbot.waitUntil(lambda: len(seen.frames) == 2)
    assert "could not be looked at" in caplog.text


def test_planar_video_is_read_from_its_memory(qt: Camera, qtbot: QtBot):
    seen = Seen()
    video = media.QVideoFrame(
        media.QVideoFrameFormat(QSize(62, 48), media.QVideoFrameFormat.PixelFormat.Format_NV12)
    )
    assert video.map(media.QVideoFrame.MapMode.WriteOnly)
    for plane, value in enumerate((77, 128)):
        memory = memoryview(video.bits(plane))
        memory[:] = bytes([value]) * len(memory)
    video.unmap()
    qt.source.open(seen.take, seen.failures.append)
    put(qt.source, video)
    qtbot.waitUntil(lambda: bool(seen.frames))
    assert seen.frames[0].pixels == bytes([77]) * 62 * 48


def test_silence_is_a_failure(qt: Camera, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(camera, "SILENCE_MS", 30)
    seen = Seen()
    qt.source.open(seen.take, seen.failures.append)
    qtbot.waitUntil(lambda: seen.failures == [Code.CAMERA_FAILED])


def test_pictures_nobody_can_read_are_silence(
    qt: Camera, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(camera, "SILENCE_MS", 60)
    seen, source = Seen(), QtFrameSource(lambda *_args, **_more: None)
    source.open(seen.take, seen.failures.append)
    image = QImage(4, 3, QImage.Format.Format_RGB32)

    def failed() -> bool:
        put(source, media.QVideoFrame(image))
        return seen.failures == [Code.CAMERA_FAILED]

    qtbot.waitUntil(failed)
    assert seen.frames == []


def test_without_a_camera_it_says_so(qapp: QGuiApplication, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(camera, "_choose", lambda _media, _which: None)
    seen = Seen()
    QtFrameSource(make_frame).open(seen.take, seen.failures.append)
    assert seen.failures == [Code.CAMERA_ABSENT]


def test_without_qt_multimedia_it_says_so(qapp: QGuiApplication, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(camera, "_media", lambda: None)
    seen, source = Seen(), QtFrameSource(make_frame)
    source.open(seen.take, seen.failures.append)
    assert seen.failures == [Code.CAMERA_NOT_INSTALLED]
    assert source.cameras() == 0


@pytest.mark.parametrize("forbidden", [True, False])
def test_a_forbidden_camera_is_told_as_such(qt: Camera, monkeypatch: pytest.MonkeyPatch, forbidden):
    """By the file's rights on Linux, by the system's answer elsewhere."""
    status = Qt.PermissionStatus.Granted if forbidden else Qt.PermissionStatus.Denied
    monkeypatch.setattr(camera, "_is_forbidden", lambda _device: forbidden)
    monkeypatch.setattr(QCoreApplication, "checkPermission", lambda _self, _permission: status)
    seen = Seen()
    qt.source.open(seen.take, seen.failures.append)
    assert seen.failures == [Code.CAMERA_DENIED]


@pytest.mark.parametrize("closed_meanwhile", [True, False])
def test_a_person_may_take_time_to_permit_it(
    qt: Camera, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, closed_meanwhile: bool
):
    asked: list[Callable[[Any], None]] = []

    class Answer:
        def status(self) -> Qt.PermissionStatus:
            return Qt.PermissionStatus.Granted

    monkeypatch.setattr(
        QCoreApplication, "checkPermission", lambda *_: Qt.PermissionStatus.Undetermined
    )
    monkeypatch.setattr(QCoreApplication, "requestPermission", lambda *a: asked.append(a[-1]))
    seen = Seen()
    qt.source.open(seen.take, seen.failures.append)
    if closed_meanwhile:
        qt.source.close()
    asked[0](Answer())
    qt.show(90)
    if closed_meanwhile:
        qtbot.wait(20)
        assert seen.frames == []
    else:
        qtbot.waitUntil(lambda: bool(seen.frames))


def test_the_format_nearest_to_what_decoding_needs_is_chosen():
    class Format:
        def __init__(self, width: int, height: int, rate: float) -> None:
            self.size, self.rate = QSize(width, height), rate

        def resolution(self) -> QSize:
            return self.size

        def maxFrameRate(self) -> float:  # noqa: N802 - Qt's name
            return self.rate

    class Device:
        def videoFormats(self) -> list[Format]:  # noqa: N802 - Qt's name
            return [Format(640, 480, 60), Format(1_280, 720, 10), wanted, Format(3_840, 2_160, 30)]

    wanted = Format(1_280, 720, 30)
    device: Any = Device()
    chosen: Any = best_format(device)
    assert chosen is wanted
