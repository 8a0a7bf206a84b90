"""Snapshots are exact once the feed is followed; sums agree with what travels; tombstones go in time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from app.wire.checksum import member_sum, row_sum, stock_mark, stock_sum
from app.wire.messages import (
    MEMBERS,
    ConfigRow,
    MemberChange,
    MemberRow,
    MembersPage,
    MembersPush,
    MembersPushAnswer,
    PersonRow,
    Problem,
    PullAnswer,
    Row,
    StockRow,
)
from app.wire.snapshot import SNAPSHOTS, SnapshotBegin, SnapshotChunk, rows_in, unpack
from cloud.__main__ import main
from cloud.bootstrap import Cloud, open_cloud
from cloud.db import schema, tables
from cloud.db.engine import open_database
from cloud.db.feed import next_change
from cloud.db.member_tables import member
from cloud.db.state import ensure_tenant
from cloud.services import feed, snapshot
from cloud.services.members import put_members
from cloud.services.tidy import KEEP_DAYS, clear_tombstones
from cloud.services.tokens import DevicePrincipal
from cloud.settings import Settings
from tests.cloud.conftest import Enrol
from tests.cloud.device import Device, a_sale
from tests.cloud.test_feed import a_sku, put_skus, put_stock

DAY_MS = 86_400_000
SHOP = ConfigRow(currency="CNY", stores=[], categories=[], tiers=[], discount_reasons=[])


def begin(device: Device, stream: str) -> SnapshotBegin:
    return device.get("/v1/snapshot/begin", SnapshotBegin, stream=stream)


def chunks(device: Device, stream: str, limit: int) -> Iterator[SnapshotChunk]:
    after, more = "", True
    while more:
        chunk = device.get(
            "/v1/snapshot/chunk", SnapshotChunk, stream=stream, after=after, limit=limit
        )
        yield chunk
        after, more = chunk.next, chunk.more


def all_rows(device: Device, stream: str, limit: int = 3) -> list[Row]:
    return [row for chunk in chunks(device, stream, limit) for row in rows_in(unpack(chunk))]


def sum_told(device: Device, stream: str) -> int:
    """Return the checksum that comes with the last page."""
    if stream == MEMBERS:
        page = device.get("/v1/members/pull", MembersPage, limit=2_000, check="true")
        return int(page.checksum)
    answer = device.get("/v1/sync/pull", PullAnswer, stream=stream, limit=2_000, check="true")
    return int(answer.checksum)


def sum_held(device: Device, stream: str) -> int:
    """Return the sum over what a till would hold."""
    total = 0
    for row in all_rows(device, stream, 500):
        if stream == "stock":
            figure = msgspec.json.decode(row.body, type=StockRow)
            mark = stock_mark(figure.store, figure.sku_id)
            total += stock_sum(mark, figure.quantity, figure.as_of_ms)
        elif stream == MEMBERS:
            total += member_sum(msgspec.json.decode(row.body, type=MemberRow))
        else:
            total += row_sum(row.key, bytes(row.body))
    return total


def put_people(cloud: Cloud, device: Device, **stores: str) -> None:
    for person_id, store in stores.items():
        row = PersonRow(person_id=person_id, name="x", name_en="x", role="guide", pin="h")
        tenant = device.me.tenant
        cloud.db.write(partial(feed.put_people, tenant_id=tenant, rows=[row], store_id=store))


def fill(cloud: Cloud, device: Device) -> None:
    put_skus(cloud, device, *(a_sku(n) for n in range(7)))
    put_stock(cloud, device, ("S001", "SKU-1", 10), ("S001", "SKU-2", -4), ("S002", "SKU-1", 2**40))
    put_people(cloud, device, mine="S001", ours="", theirs="S002")
    cloud.db.write(lambda c: feed.put_config(c, device.me.tenant, SHOP))
    rows = [
        MemberRow(member_ref=f"m{n}", revision=1, name="林", phone=f"1380000000{n}")
        for n in range(4)
    ]
    cloud.db.write(lambda c: put_members(c, device.me.tenant, rows))


def test_a_snapshot_comes_in_the_order_of_keys_and_in_chunks(cloud: Cloud, device: Device) -> None:
    fill(cloud, device)
    begun = begin(device, "catalog")
    assert (begun.stream, begun.rows, begun.feed_generation) == ("catalog", 7, 1)
    taken = list(chunks(device, "catalog", 3))
    assert [chunk.rows for chunk in taken] == [3, 3, 1]
    assert [row.key for row in all_rows(device, "catalog")] == [f"K{n:05d}" for n in range(7)]
    assert [row.key for row in all_rows(device, "stock", 2)] == [
        *("S001/SKU-1", "S001/SKU-2", "S002/SKU-1")
    ]
    assert sorted(row.key for row in all_rows(device, "people")) == ["mine", "ours"]
    assert [row.key for row in all_rows(device, MEMBERS)] == ["m0", "m1", "m2", "m3"]
    assert begin(device, "people").rows == 2


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_a_stores_own_stock_comes_before_that_of_others(
    cloud: Cloud, device: Device, limit: int
) -> None:
    figures = [(store, f"SKU-{n}", n) for store in ("S000", "S001", "S002") for n in range(3)]
    put_stock(cloud, device, *figures)
    told = [row.key for row in all_rows(device, "stock", limit)]
    assert told == [f"{store}/SKU-{n}" for store in ("S001", "S000", "S002") for n in range(3)]


def test_the_feed_goes_on_where_the_snapshot_began(cloud: Cloud, device: Device) -> None:
    fill(cloud, device)
    begun = begin(device, "catalog")
    after = device.get("/v1/sync/pull", PullAnswer, stream="catalog", cursor=begun.cursor)
    assert (after.rows, after.more) == ([], False)
    put_skus(cloud, device, a_sku(3, "风衣"))
    after = device.get("/v1/sync/pull", PullAnswer, stream="catalog", cursor=begun.cursor)
    assert [row.key for row in after.rows] == ["K00003"]


@pytest.mark.parametrize("stream", SNAPSHOTS)
def test_a_stream_without_rows_is_one_empty_chunk(device: Device, stream: str) -> None:
    (chunk,) = chunks(device, stream, 10)
    assert (chunk.rows, chunk.next, chunk.more, unpack(chunk)) == (0, "", False, b"")
    assert begin(device, stream).rows == 0


def test_what_is_no_stream_and_no_key_is_refused(cloud: Cloud, device: Device) -> None:
    fill(cloud, device)

    def refusal(path: str, **params: str) -> tuple[int, str]:
        answer = device.client.get(path, params=params, headers=device.headers())
        return answer.status_code, msgspec.json.decode(answer.content, type=Problem).code

    assert refusal("/v1/snapshot/begin", stream="secrets") == (404, "cloud_refused")
    assert refusal("/v1/snapshot/chunk", stream="secrets") == (404, "cloud_refused")
    for key in ("SKU-1", "S001/\0"):
        assert refusal("/v1/snapshot/chunk", stream="stock", after=key) == (422, "malformed")


def test_a_chunk_has_a_limit_whatever_is_asked(cloud: Cloud, device: Device, monkeypatch) -> None:
    fill(cloud, device)
    monkeypatch.setattr(snapshot, "CHUNK_ROWS", 5)
    assert next(chunks(device, "catalog", 10**6)).rows == 5
    assert next(chunks(device, "catalog", -3)).rows == 1


def test_stock_says_up_to_which_record_its_figures_count(cloud: Cloud, device: Device) -> None:
    fill(cloud, device)
    device.write("sale", a_sale((100,)))
    device.push()
    (chunk,) = chunks(device, "stock", 10)
    assert (chunk.applied_epoch, chunk.applied_seq) == (device.me.epoch, 1)
    body = next(row.body for row in rows_in(unpack(chunk)) if row.key == "S001/SKU-1")
    assert msgspec.json.decode(body, type=StockRow).quantity == 9


@pytest.mark.parametrize("stream", SNAPSHOTS)
def test_the_sum_is_that_of_the_rows_a_till_holds(
    cloud: Cloud, device: Device, stream: str
) -> None:
    fill(cloud, device)
    device.write("sale", a_sale((100, 200, 300)))
    device.push()
    told = sum_told(device, stream)
    assert told == sum_held(device, stream) > 0


def test_a_store_sums_up_its_own_people(cloud: Cloud, device: Device, enrol: Enrol) -> None:
    fill(cloud, device)
    other = enrol("S002")
    assert sum_told(other, "people") == sum_held(other, "people") != sum_told(device, "people")


def test_the_sum_comes_only_when_asked_for_and_with_the_last_page(
    cloud: Cloud, device: Device
) -> None:
    fill(cloud, device)
    first = device.get("/v1/sync/pull", PullAnswer, stream="catalog", limit=3, check="true")
    assert (first.more, first.checksum) == (True, "")
    assert device.get("/v1/sync/pull", PullAnswer, stream="catalog").checksum == ""
    assert device.get("/v1/members/pull", MembersPage).checksum == ""


def change(ref: str, field: str, value: str) -> MemberChange:
    return MemberChange(
        change_id=f"{ref}{field}{value}",
        member_ref=ref,
        field=field,
        value=value,
        base_revision=9,
        t_ms=1,
    )


def test_the_sum_of_members_follows_every_change(cloud: Cloud, device: Device) -> None:
    fill(cloud, device)
    sums = {sum_told(device, MEMBERS)}
    for each in (
        change("m0", "name", "王小明"),
        change("m1", "phone", "13900000000"),
        change("new", "join", '{"name":"李","phone":"13700000000","tier":"","note":""}'),
        change("m2", "erase", ""),
    ):
        device.post("/v1/members/push", MembersPush(changes=[each]), MembersPushAnswer)
        told = sum_told(device, MEMBERS)
        assert told == sum_held(device, MEMBERS)
        sums.add(told)
    assert len(sums) == 5


def tidied(cloud: Cloud, days: int) -> dict[str, int]:
    """Clear tombstones as they are cleared so many days from now."""
    now_ms = cloud.clock() + days * DAY_MS
    return cloud.db.write(lambda c: clear_tombstones(c, now_ms=now_ms))


def test_goods_that_are_gone_are_told_for_ninety_days(cloud: Cloud, device: Device) -> None:
    fill(cloud, device)
    before = begin(device, "catalog").cursor
    gone = ["K00002", "K00003", "unknown"]
    tenant, now_ms = device.me.tenant, cloud.clock()
    assert cloud.db.write(lambda c: feed.drop_skus(c, tenant, gone, now_ms=now_ms)) == 2
    assert cloud.db.write(lambda c: feed.drop_skus(c, tenant, gone, now_ms=now_ms)) == 0
    assert sum_told(device, "catalog") == sum_held(device, "catalog")
    assert begin(device, "catalog").rows == 5
    after = device.get("/v1/sync/pull", PullAnswer, stream="catalog", cursor=before)
    assert [(row.key, row.deleted) for row in after.rows] == [("K00002", True), ("K00003", True)]

    def pulled(cursor: str) -> int:
        params = {"stream": "catalog", "cursor": cursor}
        answer = device.client.get("/v1/sync/pull", params=params, headers=device.headers())
        return answer.status_code

    assert tidied(cloud, KEEP_DAYS - 1) == {"config": 0, "people": 0, "catalog": 0}
    assert pulled(before) == 200
    assert tidied(cloud, KEEP_DAYS + 1) == {"config": 0, "people": 0, "catalog": 2}
    assert tidied(cloud, KEEP_DAYS + 1)["catalog"] == 0
    assert pulled(before) == 410
    assert pulled(after.cursor) == pulled("") == pulled(begin(device, "catalog").cursor) == 200
    assert sum_told(device, "catalog") == sum_held(device, "catalog")


def test_goods_that_come_back_are_no_tombstone(cloud: Cloud, device: Device) -> None:
    put_skus(cloud, device, a_sku(1))
    tenant, now_ms = device.me.tenant, cloud.clock()
    cloud.db.write(lambda c: feed.drop_skus(c, tenant, ["K00001"], now_ms=now_ms))
    put_skus(cloud, device, a_sku(1))
    assert tidied(cloud, 2 * KEEP_DAYS)["catalog"] == 0
    assert sum_told(device, "catalog") == sum_held(device, "catalog") > 0


def test_people_who_left_are_taken_off_every_till(cloud: Cloud, device: Device) -> None:
    fill(cloud, device)
    now_ms, tenant = cloud.clock(), device.me.tenant
    assert cloud.db.write(lambda c: feed.drop_people(c, tenant, ["mine"], now_ms=now_ms)) == 1
    assert [row.key for row in all_rows(device, "people")] == ["ours"]
    assert sum_told(device, "people") == sum_held(device, "people")


def test_tidying_is_a_command(tmp_path: Path, capsys) -> None:
    assert main(["tidy", "--data", str(tmp_path), "--json"]) == 0
    figures = {"config": 0, "people": 0, "catalog": 0, "booked": 0}
    assert msgspec.json.decode(capsys.readouterr().out) == figures


@pytest.mark.postgres
@pytest.mark.fault(32, "a new till holds the slow writer's rows as well")
def test_a_snapshot_begun_beside_open_writers_misses_nothing(postgres_url: str, tmp_path) -> None:
    """Fault 32: a slow writer began before the snapshot and a quick one ended after it."""
    cloud = open_cloud(Settings(data=tmp_path, db_url=postgres_url))
    tenant = cloud.db.write(lambda c: ensure_tenant(c, 0))
    asking = DevicePrincipal(tenant, "S001", "d", "01", b"", False)

    def told(cursor: str, *, check: bool = False) -> PullAnswer:
        return cloud.db.read(
            lambda c: feed.pull(c, asking, "catalog", cursor, 100, now_ms=0, check=check)
        )

    def snapshot_keys() -> list[str]:
        chunk = cloud.db.read(lambda c: snapshot.chunk(c, asking, "catalog", "", 100, now_ms=0))
        return [row.key for row in rows_in(unpack(chunk))]

    cloud.db.write(lambda c: feed.put_skus(c, tenant, [a_sku(0)]))
    with cloud.db.engine.begin() as slow:
        next_change(slow)
        begun = cloud.db.read(lambda c: snapshot.begin(c, asking, "catalog", now_ms=0))
        with cloud.db.engine.begin() as quick:
            feed.put_skus(quick, tenant, [a_sku(1)])
        assert snapshot_keys() == ["K00000", "K00001"]
        # The quick writer's row is there already and comes again; the sum cannot be told yet.
        held = told(begun.cursor, check=True)
        assert (held.rows, held.checksum) == ([], "")
        feed.put_skus(slow, tenant, [a_sku(2)])
    after = told(begun.cursor, check=True)
    assert {"K00001", "K00002"} <= {row.key for row in after.rows}
    assert int(after.checksum) == sum(
        row_sum(f"K{n:05d}", msgspec.json.encode(a_sku(n))) for n in range(3)
    )
    cloud.close()


def test_what_a_cloud_held_before_it_kept_sums_is_summed_up(settings: Settings) -> None:
    db = open_database(settings)
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).with_name("migrations")))
    member_1 = MemberRow(member_ref="m1", revision=2, name="林", phone="1", points=3)
    body = msgspec.json.encode(a_sku(1))
    with db.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        sku = {"tenant_id": "t", "style_no": "", "gtin": "", "change": 1}
        there = {"sku_id": "K1", "body": body, "deleted": False}
        gone = {"sku_id": "K2", "body": b"", "deleted": True}
        connection.execute(sa.insert(tables.sku), [sku | there, sku | gone])
        connection.execute(
            sa.insert(tables.stock).values(
                tenant_id="t", store_id="S1", sku_id="K1", quantity=1, as_of_ms=1, change=1
            )
        )
        put_members(connection, ensure_tenant(connection, 1), [member_1])
        connection.execute(sa.update(member).values(row_sum=0))
        command.downgrade(config, "0006")
        command.upgrade(config, "head")
        sums = connection.execute(
            sa.select(tables.sku.c.row_sum, tables.sku.c.deleted_ms > 0).order_by("sku_id")
        ).all()
        assert [tuple(row) for row in sums] == [(row_sum("K1", body), False), (0, True)]
        assert connection.scalar(sa.select(tables.stock.c.mark)) == stock_mark("S1", "K1")
        assert connection.scalar(sa.select(member.c.row_sum)) == member_sum(member_1)
    db.close()
