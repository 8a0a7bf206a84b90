"""The stream of hints: hello first, only one's own store, the newest per subject, clean ends."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator

import httpx
import msgspec
import pytest

import cloud.api.live
from app.wire.messages import News
from cloud.services.live import MOST_LISTENERS, LocalNewsroom, NewsroomClosed, store_topic
from cloud.settings import Settings
from tests.cloud.conftest import Clock
from tests.cloud.device import a_sale
from tests.cloud.paying import Shop, Till, open_shop
from tests.cloud.template import fresh_cloud


@pytest.fixture
def settings(tmp_path) -> Settings:
    """The stream does not depend on the engine."""
    return Settings(data=tmp_path / "cloud")


def listening(shop: Shop, till: Till) -> Generator[News, None, None]:
    """Yield what a till hears; a comment comes as news of that kind."""
    timeout = httpx.Timeout(30)
    with shop.client.stream("GET", "/v1/live", headers=till.headers, timeout=timeout) as stream:
        assert stream.status_code == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                yield msgspec.json.decode(line[6:], type=News)
            elif line:
                yield News(kind="comment", subject=line)


def test_hello_comes_first_and_then_every_change(shop):
    till = shop.till()
    heard = listening(shop, till)
    assert next(heard) == News(kind="hello")
    shown = till.show(shop.client)
    attempt_id = shown.order.attempt_id
    assert next(heard) == News(kind="payment", subject=attempt_id, version=1)
    phone = shop.phone()
    phone.open(shown.page)
    assert next(heard).version == 2
    assert shown.view().looked_at
    phone.tap("/take")
    phone.tap("/pay")
    assert next(heard).version == 3
    phone.tap("/approve")
    assert next(heard).version == 4
    assert shown.view().state == "confirmed"


def test_opening_the_page_again_is_no_news(shop):
    till = shop.till()
    heard = listening(shop, till)
    shown = till.show(shop.client)
    next(heard)
    for _ in range(3):
        shop.phone().open(shown.page)
    shown.cancel()
    versions = [news.version for news in (next(heard) for _ in range(2))]
    assert shown.view().version == 3
    assert versions[-1] <= 3


def test_a_till_hears_of_its_own_store_only(shop):
    here, there = shop.till("S001"), shop.till("S002")
    heard = listening(shop, here)
    next(heard)
    there.show(shop.client)
    ours = here.show(shop.client)
    assert next(heard).subject == ours.order.attempt_id


def test_every_till_of_the_store_hears(shop):
    tills = [shop.till(), shop.till()]
    streams = [listening(shop, till) for till in tills]
    for heard in streams:
        next(heard)
    shown = tills[0].show(shop.client)
    assert {next(heard).subject for heard in streams} == {shown.order.attempt_id}


def test_a_sale_is_news_of_stock_to_the_other_tills_of_the_store_only(shop):
    mine, other, elsewhere = shop.till(), shop.till(), shop.till("S002")
    ears = [listening(shop, till) for till in (mine, other, elsewhere)]
    assert [next(heard).kind for heard in ears] == ["hello"] * 3
    mine.device.write("sale", a_sale())
    mine.device.push()
    assert next(ears[1]) == News(kind="reference", subject="stock")
    mine.device.push(mine.device.records)  # the same again moves nothing
    mine.show(shop.client)
    assert next(ears[0]).kind == "payment"
    assert next(ears[1]).kind == "payment"
    elsewhere.show(shop.client)
    assert next(ears[2]).kind == "payment"


def test_a_quiet_line_is_kept_alive_by_comments(shop, monkeypatch):
    monkeypatch.setattr(cloud.api.live, "HEARTBEAT_S", 0.01)
    heard = listening(shop, shop.till())
    next(heard)
    assert [next(heard).subject, next(heard).subject] == [": alive", ": alive"]


def test_a_stream_ends_so_that_the_till_proves_itself_anew(shop, monkeypatch):
    monkeypatch.setattr(cloud.api.live, "LONGEST_S", 0.0)
    assert list(listening(shop, shop.till())) == [News(kind="hello")]


def test_without_a_token_nothing_is_heard(shop):
    assert shop.client.get("/v1/live").status_code == 401


def test_a_listener_that_leaves_is_forgotten(shop, monkeypatch):
    room = shop.desk.newsroom
    assert isinstance(room, LocalNewsroom)
    left = threading.Event()
    forget = room.forget

    def forget_and_say(inbox) -> None:
        forget(inbox)
        left.set()

    monkeypatch.setattr(room, "forget", forget_and_say)
    heard = listening(shop, shop.till())
    next(heard)
    assert room.listeners == 1
    heard.close()
    assert left.wait(30)
    assert room.listeners == 0


def test_the_sweep_tells_the_till_that_an_order_ran_out(shop, clock: Clock):
    till = shop.till()
    shown = till.show(shop.client, till.order(life_ms=60_000))
    heard = listening(shop, till)
    next(heard)
    clock.ahead_ms += 60_000
    assert next(heard).subject == shown.order.attempt_id
    assert shop.desk.payments.find(shown.key).payment.state == "expired"


def test_a_server_can_stop_while_tills_listen(settings, clock):
    with open_shop(fresh_cloud(settings, clock=clock)) as shop:
        heard = listening(shop, shop.till())
        assert next(heard) == News(kind="hello")
        shop.desk.newsroom.close()
        assert list(heard) == []


# --- the newsroom itself --------------------------------------------------------------------------


def test_a_slow_listener_gets_the_newest_per_subject():
    async def listen() -> list[News | None]:
        room = LocalNewsroom()
        inbox = room.subscribe(["a"])
        for version in (1, 2, 3):
            room.publish(["a"], News(kind="payment", subject="x", version=version))
        room.publish(["a"], News(kind="payment", subject="y", version=1))
        room.publish(["b"], News(kind="payment", subject="z", version=1))
        await asyncio.sleep(0)
        return [await inbox.next(1), await inbox.next(1), await inbox.next(0)]

    newest, other, nothing = asyncio.run(listen())
    assert newest == News(kind="payment", subject="x", version=3)
    assert other == News(kind="payment", subject="y", version=1)
    assert nothing is None


def test_news_may_come_from_any_thread():
    async def listen() -> News | None:
        room = LocalNewsroom()
        inbox = room.subscribe([store_topic("t", "s")])
        news = News(kind="reference", subject="catalog")
        threading.Thread(target=room.publish, args=([store_topic("t", "s")], news)).start()
        return await inbox.next(30)

    assert asyncio.run(listen()) == News(kind="reference", subject="catalog")


def test_a_listener_on_two_topics_hears_each_news_once():
    async def listen() -> list[News | None]:
        room = LocalNewsroom()
        inbox = room.subscribe(["a", "b"])
        room.publish(["a", "b"], News(kind="payment", subject="x", version=1))
        return [await inbox.next(1), await inbox.next(0)]

    assert asyncio.run(listen()) == [News(kind="payment", subject="x", version=1), None]


def test_whoever_brought_the_news_does_not_hear_it():
    async def listen() -> list[News | None]:
        room = LocalNewsroom()
        mine, other = room.subscribe(["a"], "me"), room.subscribe(["a"])
        room.publish(["a"], News(kind="reference", subject="stock"), but="me")
        await asyncio.sleep(0)
        return [await mine.next(0), await other.next(0)]

    assert asyncio.run(listen()) == [None, News(kind="reference", subject="stock")]


def test_forgotten_listeners_make_room_for_new_ones():
    async def listen() -> None:
        room = LocalNewsroom()
        first = room.subscribe(["a"])
        elsewhere = room.subscribe(["b"])
        others = [room.subscribe(["a"]) for _ in range(MOST_LISTENERS)]
        with pytest.raises(NewsroomClosed):
            await first.next(1)
        assert room.listeners == MOST_LISTENERS + 1
        room.publish(["a", "b"], News(kind="payment", subject="x"))
        assert await elsewhere.next(1) == await others[0].next(1) == await others[-1].next(1)

    asyncio.run(listen())


def test_a_closed_newsroom_ends_present_and_future_subscriptions():
    async def listen() -> None:
        room = LocalNewsroom()
        present = room.subscribe(["a"])
        room.publish(["a"], News(kind="payment", subject="x"))
        room.close()
        assert await present.next(1) == News(kind="payment", subject="x")
        with pytest.raises(NewsroomClosed):
            await present.next(1)
        with pytest.raises(NewsroomClosed):
            await room.subscribe(["a"]).next(1)

    asyncio.run(listen())


def test_publishing_to_a_loop_that_ended_forgets_its_listener():
    room = LocalNewsroom()

    async def subscribe() -> None:
        room.subscribe(["a"])

    asyncio.run(subscribe())
    assert room.listeners == 1
    room.publish(["a"], News(kind="payment"))
    assert room.listeners == 0
