"""Both newsrooms keep the same promises; the shared one also between processes and over a broken line."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from app.wire.messages import News
from cloud.db.base import Database
from cloud.db.engine import open_database
from cloud.db.notices import MOST_BYTES, Notices
from cloud.desk import open_newsroom
from cloud.services.live import LocalNewsroom, Newsroom, NewsroomClosed, Subscription
from cloud.services.shared_live import SharedNewsroom
from cloud.settings import Settings

LONG_S = 30.0
HELLO = News(kind="hello")


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    opened = open_database(settings)
    yield opened
    opened.close()


@pytest.fixture
def rooms(database: Database) -> Iterator[list[Newsroom]]:
    """Two rooms as two workers have them; of SQLite there is one worker, and so one room."""
    with ExitStack() as stack:
        first = open_newsroom(database)
        both = [first, first] if database.is_sqlite else [first, open_newsroom(database)]
        for room in dict.fromkeys(both):
            room.open()
            stack.callback(room.close)
        if not database.is_sqlite:
            _await_lines(database, 2)
        yield both


def _await_lines(database: Database, lines: int) -> None:
    """Wait until so many lines listen."""
    query = sa.text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE application_name = 'guidepos-news' AND datname = current_database()"
    )
    tick = threading.Event()
    for _ in range(int(LONG_S * 100)):
        if database.read(lambda connection: connection.scalar(query)) == lines:
            return
        tick.wait(0.01)
    raise AssertionError("the lines did not open")


async def heard(inbox: Subscription) -> News:
    """Return the next news but hello, which may come at any time."""
    while (news := await inbox.next(LONG_S)) == HELLO:
        pass
    assert news is not None, "nothing was heard"
    return news


def test_the_engine_chooses(rooms: list[Newsroom], database: Database) -> None:
    assert isinstance(rooms[0], LocalNewsroom if database.is_sqlite else SharedNewsroom)


def test_what_one_worker_says_the_listeners_of_another_hear(rooms: list[Newsroom]) -> None:
    async def listen() -> list[News]:
        here, there = rooms[0].subscribe(["a"]), rooms[1].subscribe(["a"])
        rooms[0].publish(["a"], News(kind="payment", subject="x", version=1))
        return [await heard(here), await heard(there)]

    assert asyncio.run(listen()) == [News(kind="payment", subject="x", version=1)] * 2


def test_only_the_topic_is_heard_and_not_by_whoever_brought_it(rooms: list[Newsroom]) -> None:
    async def listen() -> list[News]:
        mine, other = rooms[1].subscribe(["a"], "me"), rooms[1].subscribe(["a"], "you")
        elsewhere = rooms[1].subscribe(["b"])
        rooms[0].publish(["a"], News(kind="reference", subject="stock"), but="me")
        rooms[0].publish(["a", "b"], News(kind="payment", subject="last", version=9))
        return [await heard(inbox) for inbox in (mine, other, elsewhere)]

    mine, other, elsewhere = asyncio.run(listen())
    assert mine == elsewhere == News(kind="payment", subject="last", version=9)
    assert other == News(kind="reference", subject="stock")


def test_news_may_come_from_any_thread(rooms: list[Newsroom]) -> None:
    async def listen() -> News:
        inbox = rooms[1].subscribe(["a"])
        news = News(kind="reference", subject="catalog")
        threading.Thread(target=rooms[0].publish, args=(["a"], news)).start()
        return await heard(inbox)

    assert asyncio.run(listen()) == News(kind="reference", subject="catalog")


def test_a_closed_room_ends_its_listeners_and_may_be_closed_again(rooms: list[Newsroom]) -> None:
    async def listen() -> None:
        inbox = rooms[0].subscribe(["a"])
        rooms[0].close()
        rooms[0].close()
        with pytest.raises(NewsroomClosed):
            await heard(inbox)

    asyncio.run(listen())


def test_letters_fit_what_postgresql_carries() -> None:
    sent: list[str] = []

    class Line:
        def open(self) -> None: ...

        def send(self, text: str) -> None:
            sent.append(text)

        def close(self) -> None: ...

    room = SharedNewsroom(lambda heard, missed: Line())
    longest = "x" * 64
    room.publish(
        [f"store/{longest}/{longest}", f"attempt/{longest}"],
        News(kind="payment", subject=longest, version=2**63 - 1),
        but=longest,
    )
    assert len(sent[0].encode()) < MOST_BYTES


@pytest.mark.parametrize("settings", ["postgres"], indirect=True)
@pytest.mark.postgres
class TestSharedLine:
    def test_a_line_that_broke_comes_back_and_says_hello(
        self, rooms: list[Newsroom], database: Database
    ) -> None:
        async def listen() -> tuple[News | None, News]:
            inbox = rooms[1].subscribe(["a"])
            while await inbox.next(0) is not None:
                pass
            database.write(_break_lines)
            hello = await inbox.next(LONG_S)
            await asyncio.to_thread(_await_lines, database, 2)
            rooms[0].publish(["a"], News(kind="payment", subject="x", version=2))
            return hello, await heard(inbox)

        assert asyncio.run(listen()) == (HELLO, News(kind="payment", subject="x", version=2))

    def test_what_was_said_while_the_line_was_down_is_said_when_it_is_back(
        self, database: Database
    ) -> None:
        said: list[str] = []
        arrived = threading.Event()

        def hear(text: str) -> None:
            said.append(text)
            arrived.set()

        listening = Notices(database.engine, hear, lambda: None)
        speaking = Notices(database.engine, hear, lambda: None)
        listening.open()
        _await_lines(database, 1)
        speaking.send("before it was opened")
        speaking.open()
        try:
            assert arrived.wait(LONG_S)
        finally:
            speaking.close()
            listening.close()
        assert said == ["before it was opened"]

    def test_a_letter_of_a_newer_program_makes_everybody_ask(
        self, rooms: list[Newsroom], database: Database
    ) -> None:
        async def listen() -> News | None:
            inbox = rooms[1].subscribe(["a"])
            while await inbox.next(0) is not None:
                pass
            notify = sa.text("SELECT pg_notify('guidepos_news', '{\"form\": 2}')")
            database.write(lambda connection: connection.execute(notify))
            return await inbox.next(LONG_S)

        assert asyncio.run(listen()) == HELLO


def _break_lines(connection: sa.Connection) -> None:
    connection.execute(
        sa.text(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'guidepos-news' AND datname = current_database()"
        )
    )
