"""Reference data downwards: whole pages in the order of change, nothing skipped, nothing foreign."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from app.errors import Code, RuleBroken
from app.wire.messages import (
    ConfigRow,
    PersonRow,
    Problem,
    PullAnswer,
    SkuRow,
    StockRow,
)
from app.wire.snapshot import SnapshotChunk
from app.wire.tokens import unb64
from cloud.bootstrap import Cloud, open_cloud
from cloud.db import tables
from cloud.db.state import ensure_tenant
from cloud.errors import Refused
from cloud.services import feed
from cloud.services.envelope import verify
from cloud.services.ingest import ingest
from cloud.services.streams import stream_of
from cloud.services.tokens import DevicePrincipal, device_at_home
from cloud.settings import Settings
from tests.cloud.conftest import Enrol
from tests.cloud.device import Device, a_sale
from tests.cloud.test_standing import asked, go_on, rotate


def a_sku(number: int, name: str = "连衣裙") -> SkuRow:
    return SkuRow(
        sku_id=f"K{number:05d}",
        style_no="A1",
        name=name,
        name_en="Dress",
        category="dress",
        colour_code="BK",
        colour="黑",
        colour_en="black",
        colour_hex="#000000",
        size="M",
        size_order=1,
        list_price=19_900,
    )


def put_skus(cloud: Cloud, device: Device, *rows: SkuRow) -> None:
    cloud.db.write(lambda connection: feed.put_skus(connection, device.me.tenant, rows))


def put_stock(cloud: Cloud, device: Device, *rows: tuple[str, str, int]) -> None:
    counted = [StockRow(store=s, sku_id=k, quantity=q, as_of_ms=1) for s, k, q in rows]
    cloud.db.write(lambda connection: feed.put_stock(connection, device.me.tenant, counted))


def page(device: Device, stream: str, cursor: str = "", limit: int = 500) -> PullAnswer:
    return device.get("/v1/sync/pull", PullAnswer, stream=stream, cursor=cursor, limit=limit)


def refusal(device: Device, **params: str) -> tuple[int, str]:
    answer = device.client.get("/v1/sync/pull", params=params, headers=device.headers())
    return answer.status_code, msgspec.json.decode(answer.content, type=Problem).code


def stock_of(answer: PullAnswer) -> dict[str, int]:
    rows = [msgspec.json.decode(row.body, type=StockRow) for row in answer.rows]
    return {f"{row.store}/{row.sku_id}": row.quantity for row in rows}


def test_a_stream_is_read_page_by_page_and_ends(cloud: Cloud, device: Device) -> None:
    put_skus(cloud, device, *(a_sku(n) for n in range(7)))
    keys, cursor, more = [], "", True
    while more:
        answer = page(device, "catalog", cursor, limit=3)
        keys += [row.key for row in answer.rows]
        cursor, more = answer.cursor, answer.more
    assert keys == [f"K{n:05d}" for n in range(7)]
    assert page(device, "catalog", cursor).rows == []
    assert page(device, "catalog", cursor).cursor == cursor


def test_a_changed_row_comes_again_whole_and_alone(cloud: Cloud, device: Device) -> None:
    put_skus(cloud, device, a_sku(1), a_sku(2))
    cursor = page(device, "catalog").cursor
    put_skus(cloud, device, a_sku(1, "风衣"))
    (row,) = page(device, "catalog", cursor).rows
    assert msgspec.json.decode(row.body, type=SkuRow) == a_sku(1, "风衣")


def test_a_row_that_is_gone_comes_as_deleted(cloud: Cloud, device: Device) -> None:
    put_skus(cloud, device, a_sku(1))
    with cloud.db.begin() as connection:
        connection.execute(sa.update(tables.sku).values(deleted=True))
    (row,) = page(device, "catalog").rows
    assert (row.key, row.deleted, bytes(row.body)) == ("K00001", True, b"null")


def test_the_shop_is_one_document_and_the_first_one_is_empty(cloud: Cloud, device: Device) -> None:
    assert page(device, "config").rows == []
    shop = ConfigRow(currency="CNY", stores=[], categories=[], tiers=[], discount_reasons=[])
    cloud.db.write(lambda connection: feed.put_config(connection, device.me.tenant, shop))
    (row,) = page(device, "config").rows
    assert (row.key, msgspec.json.decode(row.body, type=ConfigRow)) == ("shop", shop)


def test_settings_that_make_no_sense_are_not_published(cloud: Cloud, device: Device) -> None:
    shop = ConfigRow(currency="CNY", stores=[], categories=[], tiers=[], discount_reasons=[])
    wrong = msgspec.structs.replace(shop, member_lease_days=0, currency="XXX")
    with pytest.raises(RuleBroken) as rule:
        cloud.db.write(lambda connection: feed.put_config(connection, device.me.tenant, wrong))
    assert rule.value.code is Code.CONFIG_INVALID
    assert rule.value.facts == {"field": "currency, member_lease_days"}
    assert page(device, "config").rows == []


def test_people_of_another_store_stay_there(cloud: Cloud, device: Device) -> None:
    for store in ("S001", "S002", ""):
        people = [PersonRow(person_id=f"P{store}", name="x", name_en="x", role="guide", pin="h")]
        put = partial(feed.put_people, tenant_id=device.me.tenant, rows=people, store_id=store)
        cloud.db.write(put)
    assert [row.key for row in page(device, "people").rows] == ["PS001", "P"]


def test_stock_counts_the_sales_received_and_says_up_to_which(cloud: Cloud, device: Device) -> None:
    put_stock(cloud, device, ("S001", "SKU-1", 10), ("S002", "SKU-1", 4))
    first = page(device, "stock")
    assert (stock_of(first), first.applied_seq) == ({"S001/SKU-1": 10, "S002/SKU-1": 4}, 0)
    device.write("sale", a_sale((100,)))
    device.write("sale", a_sale((100,)))
    device.push()
    second = page(device, "stock", first.cursor)
    assert stock_of(second) == {"S001/SKU-1": 8}
    assert (second.applied_epoch, second.applied_seq) == (device.me.epoch, 2)


def test_stock_counts_by_the_epoch_the_till_names(cloud: Cloud, device: Device) -> None:
    put_stock(cloud, device, ("S001", "SKU-1", 10))
    for _ in range(2):
        device.write("sale", a_sale((100,)))
    device.push()
    old, twins = device.me.epoch, rotate(device, asked(device)).epoch

    def counted(epoch: str) -> tuple[str, int]:
        told = device.get("/v1/sync/pull", PullAnswer, stream="stock", epoch=epoch)
        chunk = device.get("/v1/snapshot/chunk", SnapshotChunk, stream="stock", epoch=epoch)
        assert (chunk.applied_epoch, chunk.applied_seq) == (told.applied_epoch, told.applied_seq)
        return told.applied_epoch, told.applied_seq

    assert counted("") == (old, 2)
    assert counted(twins) == (twins, 0)
    assert counted(old) == (old, 2)
    assert counted("no such\0epoch") == (old, 2)


def test_a_cursor_of_a_future_this_cloud_does_not_know_is_void(
    cloud: Cloud, device: Device
) -> None:
    put_stock(cloud, device, ("S001", "SKU-1", 10))
    seen = page(device, "stock")
    known = msgspec.json.decode(unb64(seen.cursor), type=feed.Cursor)
    assert page(device, "stock", seen.cursor).rows == []
    later = msgspec.structs.replace(known, change=known.change + 1_000_000)
    answer = device.client.get(
        "/v1/sync/pull",
        params={"stream": "stock", "cursor": later.text()},
        headers=device.headers(),
    )
    assert (answer.status_code, answer.json()["code"]) == (410, "start_over")


@pytest.mark.fault(22, "nothing; stock comes again from the start, also where nobody announced it")
def test_a_file_put_back_behind_everybodys_back_voids_cursors_of_what_it_lost(
    tmp_path: Path,
) -> None:
    data, copy = tmp_path / "cloud", tmp_path / "copy"
    tenant = counted_anew(data, 10)
    shutil.copytree(data, copy)
    kept = cursor_of(data, tenant)
    counted_anew(data, 9)
    counted_anew(data, 8)
    lost = cursor_of(data, tenant)
    shutil.rmtree(data)
    copy.rename(data)
    counted_anew(data, 7)
    counted_anew(data, 6)
    assert gone(data, lost), "its number was given to nobody, whatever was counted since"
    assert not gone(data, kept)
    assert not gone(data, cursor_of(data, tenant))


def test_a_command_beside_the_server_voids_nobodys_cursor(tmp_path: Path) -> None:
    tenant = counted_anew(tmp_path, 10)
    for _ in range(3):  # each look begins as every command does
        given = cursor_of(tmp_path, tenant)
        assert not gone(tmp_path, given)
    assert not gone(tmp_path, given)


def counted_anew(data: Path, pieces: int) -> str:
    """Start a cloud, let it count a piece of goods, and stop it; returns its tenant."""
    cloud = open_cloud(Settings(data=data))
    row = StockRow(store="S001", sku_id="SKU-1", quantity=pieces, as_of_ms=1)

    def count_it(connection: sa.Connection) -> str:
        tenant = ensure_tenant(connection, 1)
        feed.put_stock(connection, tenant, [row])
        return tenant

    tenant = cloud.db.write(count_it)
    cloud.close()
    return tenant


def cursor_of(data: Path, tenant: str) -> str:
    """Start a cloud, follow its stock to the end, and stop it; returns the cursor."""
    cloud = open_cloud(Settings(data=data))
    till = DevicePrincipal(tenant, "S001", "d1", "A1", b"k" * 32, False)
    page = cloud.db.read(lambda c: feed.pull(c, till, "stock", "", 500, now_ms=1))
    cloud.close()
    return page.cursor


def gone(data: Path, cursor: str) -> bool:
    """Start a cloud, ask whether a cursor is void, and stop it."""
    cloud = open_cloud(Settings(data=data))
    try:
        cloud.db.read(lambda c: feed.read_cursor(c, cursor, stream_of("stock"), now_ms=1))
    except Refused as refused:
        return refused.status == 410
    finally:
        cloud.close()
    return False


def test_figures_are_told_again_when_a_record_comes_again_under_another_place(
    cloud: Cloud, device: Device
) -> None:
    put_stock(cloud, device, ("S001", "SKU-1", 10), ("S001", "SKU-2", 10))
    sale = a_sale((100,))
    device.write("sale", sale)
    device.push()
    seen = page(device, "stock")
    go_on(device, rotate(device, asked(device)))
    device.write("sale", sale)
    assert [result.verdict for result in device.push().results] == ["duplicate"]
    again = page(device, "stock", seen.cursor)
    assert stock_of(again) == {"S001/SKU-1": 9}
    assert (again.applied_epoch, again.applied_seq) == (device.me.epoch, 1)
    device.push()
    assert page(device, "stock", again.cursor).rows == []


def test_a_sale_in_one_store_is_seen_in_the_other(
    cloud: Cloud, device: Device, enrol: Enrol
) -> None:
    put_stock(cloud, device, ("S001", "SKU-1", 10))
    other = enrol("S002")
    cursor = page(other, "stock").cursor
    device.write("sale", a_sale((100,)))
    device.push()
    assert stock_of(page(other, "stock", cursor)) == {"S001/SKU-1": 9}


def test_cursors_that_are_not_ours_are_refused_and_void_ones_start_over(
    cloud: Cloud, device: Device
) -> None:
    put_skus(cloud, device, a_sku(1))
    put_stock(cloud, device, ("S001", "SKU-1", 1))
    cursor = page(device, "catalog").cursor
    vast = feed.Cursor(1, 2**63, ["SKU-1"]).text()
    ages = feed.Cursor(1, 1, ["SKU-1"], 2**63).text()
    for broken in ("x", "{}", cursor + "A", "é", vast, ages):
        assert refusal(device, stream="catalog", cursor=broken) == (422, "malformed")
    assert refusal(device, stream="stock", cursor=cursor) == (422, "malformed")
    assert refusal(device, stream="secrets") == (404, "cloud_refused")
    with cloud.db.begin() as connection:
        connection.execute(
            sa.update(tables.server_state)
            .where(tables.server_state.c.name == "feed_generation")
            .values(value="2")
        )
    assert refusal(device, stream="catalog", cursor=cursor) == (410, "start_over")
    assert len(page(device, "catalog").rows) == 1


def test_a_page_has_a_limit_whatever_is_asked(cloud: Cloud, device: Device) -> None:
    put_skus(cloud, device, *(a_sku(n) for n in range(feed.MAX_PAGE + 5)))
    assert len(page(device, "catalog", limit=10**6).rows) == feed.MAX_PAGE
    assert len(page(device, "catalog", limit=-3).rows) == 1


@pytest.mark.postgres
@pytest.mark.fault(32, "nothing; the row comes a moment later")
def test_a_slow_writer_never_makes_a_cursor_skip_its_row(
    postgres_url: str, tmp_path, monkeypatch
) -> None:
    cloud = open_cloud(Settings(data=tmp_path, db_url=postgres_url))
    tenant = cloud.db.read(lambda c: c.scalar(sa.select(tables.tenant.c.tenant_id)))
    assert isinstance(tenant, str)
    asking = DevicePrincipal(tenant, "S001", "d", "01", b"", False)

    def keys(cursor: str) -> tuple[list[str], str]:
        answer = cloud.db.read(lambda c: feed.pull(c, asking, "catalog", cursor, 10, now_ms=0))
        return [row.key for row in answer.rows], answer.cursor

    with cloud.db.begin() as slow:
        feed.put_skus(slow, tenant, [a_sku(1)])
        cloud.db.write(lambda quick: feed.put_skus(quick, tenant, [a_sku(2)]))
        seen, cursor = keys("")
        assert seen == []  # the quick row waits for the slow one that began before it
    assert keys(cursor)[0] == ["K00001", "K00002"]
    cloud.close()


@pytest.mark.fault(15, "nothing")
def test_the_same_push_from_two_sides_at_once_is_kept_once(cloud: Cloud, device: Device) -> None:
    for _ in range(5):
        device.write("sale", a_sale((100,)))
    sender = cloud.db.read(lambda connection: device_at_home(connection, device.me.device))
    assert sender is not None
    request = device.batch(device.records)
    records = verify(request, sender)

    def push(_: int) -> list[str]:
        answer = cloud.db.write(
            lambda connection: ingest(connection, sender, request.epoch, records, now_ms=1)
        )
        return [result.verdict for result in answer.results]

    with ThreadPoolExecutor(4) as pool:
        verdicts = sorted(pool.map(push, range(4)))
    assert verdicts == [["applied"] * 5, *[["duplicate"] * 5] * 3]
    assert stock_of(page(device, "stock")) == {"S001/SKU-1": -5}
