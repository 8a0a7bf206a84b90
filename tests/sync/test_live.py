"""The stream of hints: heard as it comes, ended from outside, never taken for proof."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator

import pytest

from app.devices.clock import SystemClock
from app.errors import Code, Trouble
from app.remote import live as module
from app.remote.cloud import EnrolledCloud
from app.remote.live import CloudLive
from app.wire.messages import News
from tests.fakes.clock import FakeClock
from tests.fakes.store import FakeStore
from tests.sync.clouds import RealServer
from tests.sync.till import become_device
from tests.sync.wire import Reply, ScriptedCloud, scripted_cloud

LONG_S = 20
EVENTS = "text/event-stream"


@pytest.fixture
def cloud() -> Iterator[ScriptedCloud]:
    with scripted_cloud() as made:
        yield made


@pytest.fixture
def feed(cloud: ScriptedCloud) -> CloudLive:
    enrolled = EnrolledCloud(
        cloud.url, lambda: cloud.keys, device="d1", device_key=os.urandom(32), clock=FakeClock()
    )
    return CloudLive(enrolled)


def streaming(*chunks: bytes, hold: threading.Event | None = None) -> Reply:
    return Reply(content_type=f"{EVENTS}; charset=utf-8", honest=False, chunks=chunks, hold=hold)


def never() -> bool:
    return False


def test_news_are_heard_whatever_the_pieces_they_come_in(cloud: ScriptedCloud, feed: CloudLive):
    cloud.script = [
        streaming(
            b'data: {"kind":"hello"}\n\n: ali',
            b've\n\ndata: {"kind":"payment",',
            b'"subject":"a1","version":3}\r\n\r\ndata: nonsense\n\nevent: x\n\n',
            b'data: {"kind":"reference","subject":"stock"}\n\n',
        )
    ]
    assert list(feed.listen(never)) == [
        News(kind="hello"),
        News(kind="payment", subject="a1", version=3),
        News(kind="reference", subject="stock"),
    ]


def test_listening_ends_when_asked_at_the_next_sign_of_life(cloud: ScriptedCloud, feed: CloudLive):
    cloud.script = [streaming(b'data: {"kind":"hello"}\n\n', b": alive\n\n", b": alive\n\n")]
    heard: list[News] = []
    for news in feed.listen(lambda: bool(heard)):
        heard.append(news)
    assert heard == [News(kind="hello")]


def test_closing_wakes_a_listener_that_waits_for_bytes(cloud: ScriptedCloud, feed: CloudLive):
    hold = threading.Event()
    hold.set()
    cloud.script = [streaming(b'data: {"kind":"hello"}\n\n', hold=hold)]
    heard: queue.Queue[News | str] = queue.Queue()

    def listen() -> None:
        for news in feed.listen(never):
            heard.put(news)
        heard.put("ended")

    thread = threading.Thread(target=listen)
    thread.start()
    assert heard.get(timeout=LONG_S) == News(kind="hello")
    feed.close()
    assert heard.get(timeout=LONG_S) == "ended"
    thread.join(LONG_S)
    hold.set()


def test_a_closed_feed_stays_closed(cloud: ScriptedCloud, feed: CloudLive):
    feed.close()
    feed.close()
    cloud.script = [streaming(b'data: {"kind":"hello"}\n\n')]
    assert list(feed.listen(never)) == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"<html>", "text/html", honest=False),
        Reply(302, b"", "text/html", honest=False),
        Reply(503, b"{}"),
    ],
)
def test_what_is_no_stream_is_not_listened_to(cloud: ScriptedCloud, feed: CloudLive, reply: Reply):
    cloud.script = [reply]
    with pytest.raises(Trouble) as caught:
        list(feed.listen(never))
    assert (caught.value.code, caught.value.retryable) == (Code.CLOUD_NOT_OURS, True)


def test_an_expired_token_is_renewed_before_the_stream(cloud: ScriptedCloud, feed: CloudLive):
    cloud.refuse(401, "token_expired")
    cloud.script.append(streaming(b'data: {"kind":"hello"}\n\n'))
    assert list(feed.listen(never)) == [News(kind="hello")]
    assert cloud.tokens == 2


@pytest.mark.fault(20, "nothing: a silent line is opened anew")
def test_silence_for_two_heartbeats_is_a_dead_line(cloud: ScriptedCloud, feed: CloudLive):
    hold = threading.Event()
    hold.set()
    cloud.script = [streaming(b'data: {"kind":"hello"}\n\n', hold=hold)]
    feed._silence_s = 0.05
    listening = feed.listen(never)
    assert next(listening) == News(kind="hello")
    with pytest.raises(Trouble) as caught:
        next(listening)
    hold.set()
    assert caught.value.code is Code.CLOUD_UNREACHABLE


def test_a_line_without_end_is_given_up(cloud: ScriptedCloud, feed: CloudLive, monkeypatch):
    monkeypatch.setattr(module, "_LONGEST_LINE", 10)
    cloud.script = [streaming(b"x" * 100)]
    with pytest.raises(Trouble) as caught:
        list(feed.listen(never))
    assert caught.value.code is Code.CLOUD_MESSAGE_INVALID


def test_the_real_cloud_says_hello_and_lets_go(tmp_path_factory: pytest.TempPathFactory):
    server = RealServer(tmp_path_factory.mktemp("live") / "data")
    server.start()
    try:
        store, clock = FakeStore(), SystemClock()
        become_device(store, server.enrolment(), server.code())
        feed = CloudLive(server.connect(store, clock))
        listening = feed.listen(never)
        assert next(listening).kind == "hello"
        feed.close()
        assert list(listening) == []
    finally:
        server.close()
