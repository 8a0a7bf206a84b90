"""The stream of hints to a till: server-sent events, each holding a `News`. Hints are never proof."""

from __future__ import annotations

from collections.abc import AsyncIterator
from time import monotonic

import msgspec
from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from app.wire.messages import News
from cloud.api.auth import CurrentDevice
from cloud.api.contract import contract
from cloud.desk import DeskDep
from cloud.services.live import Newsroom, NewsroomClosed, store_topic

router = APIRouter(prefix="/v1", tags=["live"])

HEARTBEAT_S = 15.0
"""A comment this often tells both sides that the line is alive."""

LONGEST_S = 30 * 60.0
"""A stream ends after this, so that whoever listens proves anew who they are."""

EVENT_STREAM = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

_described = contract("Listen for news of this store", answer=News, errors=(401, 403))
_described["responses"][200] = {
    "description": "Events without end; `data:` of each holds a `News` as JSON",
    "content": {EVENT_STREAM: {}},
}


@router.get("/live", **_described)
async def live(device: CurrentDevice, desk: DeskDep) -> Response:
    """Server-sent events: `hello` first, then one event per change; a comment every 15 s.

    News that come faster than they are read are merged to the newest per subject. After a reconnect
    the till asks for the state of what it waits for; nothing is replayed.
    """
    topic = store_topic(device.tenant, device.store)
    news = stream(desk.newsroom, topic, device.device)
    return StreamingResponse(news, media_type=EVENT_STREAM, headers=HEADERS)


async def stream(newsroom: Newsroom, topic: str, name: str = "") -> AsyncIterator[bytes]:
    """Yield events of a topic until the listener goes away, half an hour is over or the newsroom
    closes."""
    inbox = newsroom.subscribe([topic], name)
    end = monotonic() + LONGEST_S
    try:
        yield event(News(kind="hello"))
        while monotonic() < end:
            news = await inbox.next(HEARTBEAT_S)
            yield b": alive\n\n" if news is None else event(news)
    except NewsroomClosed:
        return
    finally:
        inbox.cancel()


def event(news: News) -> bytes:
    """Return news as one server-sent event."""
    return b"data: " + msgspec.json.encode(news) + b"\n\n"
