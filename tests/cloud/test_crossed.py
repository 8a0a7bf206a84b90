"""One till never reaches another's: for every door behind a token, a till of the neighbouring store and
a till of another brand try what is not theirs. A door without a story fails here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

import msgspec
import pytest
import sqlalchemy as sa

from app.domain.ids import new_id
from app.domain.times import SHOP_ZONE
from app.wire.messages import (
    HelloAnswer,
    MemberChange,
    MemberRow,
    MembersPage,
    MembersPush,
    MembersPushAnswer,
    PaymentCode,
    PaymentView,
    ProviderQr,
    PullAnswer,
    StockRow,
)
from app.wire.refunds import RefundRequest, RefundView
from app.wire.snapshot import SNAPSHOTS, SnapshotBegin, SnapshotChunk
from app.wire.tasks import TaskClaim, TaskRow, TaskSettlement
from app.wire.upkeep import BooksAnswer, EpochAnswer, EpochMark, EpochRequest
from cloud.bootstrap import Cloud
from cloud.db import tables
from cloud.db.bill_tables import fee
from cloud.main import app_of
from cloud.services.feed import put_stock
from cloud.services.members import put_members
from tests.cloud.device import a_sale, proven
from tests.cloud.doors import guarded
from tests.cloud.paying import COAT, Till, open_shop
from tests.cloud.street import Street, asked, said, till_of_another_brand

YEARS = {"from": "2000-01-01", "to": "2099-12-31"}


@pytest.fixture
def street(cloud: Cloud) -> Iterator[Street]:
    with open_shop(cloud) as shop:
        mine, neighbour = shop.till("S001"), shop.till("S002")
        stranger = Till(till_of_another_brand(cloud, shop.client), cloud.clock)
        mine.device.write("sale", a_sale())
        mine.device.push()
        row = MemberRow(member_ref="m-mine", revision=1, name="王小美", phone="13800138000")
        figures = [StockRow(store="S001", sku_id="SKU-1", quantity=5, as_of_ms=1)]
        cloud.db.write(lambda c: put_members(c, mine.device.me.tenant, [row]))
        cloud.db.write(lambda c: put_stock(c, mine.device.me.tenant, figures))
        yield Street(cloud, shop, mine, neighbour, stranger)


# --- the journal ----------------------------------------------------------------------------------


def hello(street: Street) -> None:
    for till in street.others:
        for epoch in (street.mine.device.me.epoch, till.device.me.epoch):
            said = msgspec.structs.replace(till.device.hello(), epoch=epoch)
            heard = till.device.post("/v1/sync/hello", said, HelloAnswer)
            assert (heard.hwm, heard.hwm_hash) == (0, "")


def push(street: Street) -> None:
    stolen = street.mine.device.batch(street.mine.device.records)
    query = sa.select(tables.journal.c.tenant_id, tables.journal.c.store_id)
    before = street.cloud.db.read(lambda c: c.execute(query).all())
    for till in street.others:
        answer = till.device.send_push(stolen)
        assert (answer.status_code, proven(answer, till.device.me)) == (422, True)
    assert street.cloud.db.read(lambda c: c.execute(query).all()) == before
    # The same record id in another store is another record.
    sale = a_sale()
    for till in (street.mine, *street.others):
        till.device.write("sale", sale)
        assert till.device.push().results[-1].verdict == "applied"


def pull(street: Street) -> None:
    for stream in ("config", "people", "catalog", "stock"):
        page = street.stranger.device.get("/v1/sync/pull", PullAnswer, stream=stream)
        assert page.rows == [], stream
    neighbours = street.neighbour.device.get("/v1/sync/pull", PullAnswer, stream="stock")
    assert [row.key for row in neighbours.rows]  # a brand's stores know each other's stock
    assert neighbours.applied_seq == 0


def begin_snapshot(street: Street) -> None:
    for stream in SNAPSHOTS:
        begun = street.stranger.device.get("/v1/snapshot/begin", SnapshotBegin, stream=stream)
        assert begun.rows == 0, stream
    ours = street.neighbour.device.get("/v1/snapshot/begin", SnapshotBegin, stream="people")
    assert ours.rows == 0


def chunk(street: Street) -> None:
    for stream in SNAPSHOTS:
        theirs = street.stranger.device.get("/v1/snapshot/chunk", SnapshotChunk, stream=stream)
        assert (theirs.rows, theirs.applied_seq) == (0, 0), stream
    neighbours = street.neighbour.device.get("/v1/snapshot/chunk", SnapshotChunk, stream="stock")
    assert neighbours.rows  # a brand's stores know each other's stock
    assert neighbours.applied_seq == 0


def epoch(street: Street) -> None:
    """Whoever opens another epoch and names my marks hears nothing of my journal."""
    mine = street.mine.device
    mark = EpochMark(epoch=mine.me.epoch, seq=1, hash=mine.hash.hex())
    for till in street.others:
        said = EpochRequest(request_id=new_id(), reason="forked", head=mark, marks=[mark])
        heard = till.device.post("/v1/sync/epoch", said, EpochAnswer)
        assert heard.held == []
        assert heard.epoch != mine.me.epoch
    assert mine.post("/v1/sync/hello", mine.hello(), HelloAnswer).hwm == 1


def books(street: Street) -> None:
    assert street.mine.device.get("/v1/sync/books", BooksAnswer, since="2000-01-01").days
    for till in (*street.others, street.shop.till("S001")):  # not even of the till beside it
        answer = till.device.get("/v1/sync/books", BooksAnswer, since="2000-01-01")
        assert (answer.days, answer.set_aside) == ([], 0)


# --- members --------------------------------------------------------------------------------------


def change(ref: str, field: str, value: str = "") -> MemberChange:
    return MemberChange(
        change_id=new_id(), member_ref=ref, field=field, value=value, base_revision=99, t_ms=1
    )


def push_members(street: Street) -> None:
    changes = [change("m-mine", "name", "x"), change("m-mine", "erase")]
    fields = {"name": "另一人", "phone": "13800138000"}
    joined = change("m-mine", "join", msgspec.json.encode(fields).decode())
    stranger = street.stranger.device
    said = MembersPush(changes=[*changes, joined])
    heard = stranger.post("/v1/members/push", said, MembersPushAnswer)
    # In the stranger's brand nobody of that name is known: erasing them is remembered there, for good.
    assert [v.verdict for v in heard.verdicts] == ["kept", "applied", "kept"]
    (mine,) = street.mine.device.get("/v1/members/pull", MembersPage).rows
    assert (mine.name, mine.phone, mine.erased) == ("王小美", "13800138000", False)


def pull_members(street: Street) -> None:
    assert street.stranger.device.get("/v1/members/pull", MembersPage).rows == []
    # A brand's stores share their members.
    assert street.neighbour.device.get("/v1/members/pull", MembersPage).rows


# --- payments -------------------------------------------------------------------------------------


def create(street: Street) -> None:
    order = street.mine.order()
    shown = street.mine.show(street.shop.client, order)
    for till in street.others:
        assert till.send(street.shop.client, street.mine.intent(order)).status_code == 403
        # An attempt of the same id is another attempt, and says nothing of the first.
        theirs = msgspec.structs.replace(till.order(COAT), attempt_id=order.attempt_id)
        other = till.show(street.shop.client, theirs)
        assert other.view().amount == theirs.total != order.total
        assert shown.token not in other.view().url
        other.cancel()
        # A sale of the same id is another sale.
        theirs = msgspec.structs.replace(till.order(COAT), sale_id=order.sale_id)
        assert till.send(street.shop.client, till.intent(theirs)).status_code == 200
    assert (shown.view().state, shown.view().amount) == ("waiting", order.total)


def show(street: Street) -> None:
    shown = street.mine.show(street.shop.client)
    for till in street.others:
        path = f"/v1/payments/{shown.order.attempt_id}"
        assert till.device.client.get(path, headers=till.headers).status_code == 404


def cancel(street: Street) -> None:
    shown = street.mine.show(street.shop.client)
    for till in street.others:
        path = f"/v1/payments/{shown.order.attempt_id}/cancel"
        assert till.device.client.post(path, headers=till.headers).status_code == 404
    view: PaymentView = shown.view()
    assert view.state == "waiting"


def collect(street: Street) -> None:
    shown = street.mine.show(street.shop.client)
    body = msgspec.json.encode(PaymentCode(code="990000000000000000"))
    for till in street.others:
        path = f"/v1/payments/{shown.order.attempt_id}/code"
        answer = till.device.client.post(path, content=body, headers=till.headers)
        assert answer.status_code == 404
    assert shown.view().state == "waiting"


def provider_qr(street: Street) -> None:
    shown = street.mine.show(street.shop.client)
    body = msgspec.json.encode(ProviderQr(provider="sandbox"))
    for till in street.others:
        path = f"/v1/payments/{shown.order.attempt_id}/qr"
        answer = till.device.client.post(path, content=body, headers=till.headers)
        assert answer.status_code == 404
    assert shown.view().provider == ""


def refund_of(street: Street) -> RefundRequest:
    shown = street.mine.show(street.shop.client)
    street.shop.paying(shown).tap("/approve")
    return RefundRequest(
        number=new_id(),
        attempt_id=shown.order.attempt_id,
        amount=100,
        currency="CNY",
        reason="size",
        document=new_id(),
    )


def give_back(street: Street) -> None:
    asked = refund_of(street)
    for till in street.others:
        assert said(till, "/v1/refunds", asked) == 404
    assert street.mine.device.post("/v1/refunds", asked, RefundView).state == "done"


def show_refund(street: Street) -> None:
    asked = refund_of(street)
    street.mine.device.post("/v1/refunds", asked, RefundView)
    for till in street.others:
        path = f"/v1/refunds/{asked.number}"
        assert till.device.client.get(path, headers=till.headers).status_code == 404


def ways_to_pay(street: Street) -> None:
    """The accounts are the brand's, so every till may know of the same ways, and of no order; what they
    cost it hears of its own store alone."""
    day = datetime.fromtimestamp(street.cloud.clock() / 1_000, SHOP_ZONE).date().isoformat()
    for way, mills in (("qr", 38_000), ("code", 60_000)):
        billed = fee_of(street, provider="sandbox", day=day, no=mills, way=way, fee_mills=mills)
        put = partial(sa.Connection.execute, statement=sa.insert(fee).values(billed))
        street.cloud.db.write(put)
    told = asked(street.mine, "/v1/ways-to-pay")
    assert [each["rate_bp"] for each in told.pop("rates")] == [38, 60]
    for till in street.others:
        heard = asked(till, "/v1/ways-to-pay")
        assert heard.pop("rates") == []
        assert heard == told
    assert set(told) == {"collects", "shows"}


def live(street: Street) -> None:
    """Whoever listens hears of their own store, whatever happens in the others."""
    for till in street.others:
        with street.shop.client.stream("GET", "/v1/live", headers=till.headers) as heard:
            lines = heard.iter_lines()
            assert '"hello"' in next(lines)
            street.mine.show(street.shop.client)
            own = till.show(street.shop.client)
            news = next(line for line in lines if line.startswith("data:"))
            assert own.order.attempt_id in news


# --- tasks ----------------------------------------------------------------------------------------


def a_task(street: Street) -> TaskRow:
    """Let my till send what nobody can read; the neighbours are told of none of it."""
    device = street.mine.device
    device.write("sale", b"not json", rec_id=f"poison {new_id()}")
    device.push()
    (row,) = device.get("/v1/sync/pull", PullAnswer, stream="tasks").rows
    for till in street.others:
        assert till.device.get("/v1/sync/pull", PullAnswer, stream="tasks").rows == []
    return msgspec.json.decode(row.body, type=TaskRow)


def claim(street: Street) -> None:
    task = a_task(street)
    asked = TaskClaim(task_id=task.task_id, claim_id=new_id(), person="x")
    for till in street.others:
        assert said(till, "/v1/tasks/claim", asked) == 404
    held = street.mine.device.post("/v1/tasks/claim", asked, TaskRow)
    assert held.claimed_device == street.mine.device.me.device


def settle(street: Street) -> None:
    task = a_task(street)
    asked = TaskClaim(task_id=task.task_id, claim_id=new_id(), person="x")
    street.mine.device.post("/v1/tasks/claim", asked, TaskRow)
    done = TaskSettlement(task_id=task.task_id, claim_id=asked.claim_id, resolution="seen")
    for till in street.others:
        assert said(till, "/v1/tasks/settle", done) == 404
    assert street.mine.device.post("/v1/tasks/settle", done, TaskRow).state == "settled"


# --- reports --------------------------------------------------------------------------------------


def sales(street: Street) -> None:
    assert asked(street.mine, "/v1/reports/sales", **YEARS)["rows"]
    for till in street.others:
        assert asked(till, "/v1/reports/sales", **YEARS)["rows"] == []


def fees(street: Street) -> None:
    billed = fee_of(street)
    street.cloud.db.write(lambda c: c.execute(sa.insert(fee).values(billed)))
    assert asked(street.mine, "/v1/reports/fees", **YEARS)["rows"]
    for till in street.others:
        assert asked(till, "/v1/reports/fees", **YEARS)["rows"] == []


def fee_of(street: Street, **other: object) -> dict[str, object]:
    """What a bill says of a payment in my store."""
    billed: dict[str, object] = {
        "tenant_id": street.mine.device.me.tenant,
        "store_id": "S001",
        "provider": "alipay",
        "day": "2026-03-01",
        "no": 1,
        "ref": "1",
        "attempt_id": "a",
        "kind": "payment",
        "way": "qr",
        "amount": 10_000,
        "currency": "CNY",
        "fee_mills": 60_000,
    }
    return billed | other


def commissions(street: Street) -> None:
    assert asked(street.mine, "/v1/reports/commissions", **YEARS)["rows"]
    for till in street.others:
        for guide in ("", "g1"):
            found = asked(till, "/v1/reports/commissions", guide=guide, **YEARS)
            assert (found["rows"], found["totals"]) == ([], {})


STORIES: dict[str, Callable[[Street], None]] = {
    "POST /v1/sync/hello": hello,
    "POST /v1/sync/push": push,
    "POST /v1/sync/epoch": epoch,
    "GET /v1/sync/books": books,
    "GET /v1/sync/pull": pull,
    "GET /v1/snapshot/begin": begin_snapshot,
    "GET /v1/snapshot/chunk": chunk,
    "POST /v1/members/push": push_members,
    "GET /v1/members/pull": pull_members,
    "POST /v1/payments": create,
    "GET /v1/payments/{attempt_id}": show,
    "POST /v1/payments/{attempt_id}/cancel": cancel,
    "POST /v1/payments/{attempt_id}/code": collect,
    "POST /v1/payments/{attempt_id}/qr": provider_qr,
    "POST /v1/refunds": give_back,
    "GET /v1/refunds/{number}": show_refund,
    "GET /v1/ways-to-pay": ways_to_pay,
    "GET /v1/live": live,
    "POST /v1/tasks/claim": claim,
    "POST /v1/tasks/settle": settle,
    "GET /v1/reports/sales": sales,
    "GET /v1/reports/commissions": commissions,
    "GET /v1/reports/fees": fees,
}


@pytest.mark.parametrize("door", STORIES)
def test_what_is_anothers_stays_theirs(street: Street, door: str) -> None:
    STORIES[door](street)


def test_every_door_behind_a_token_has_its_story(cloud: Cloud) -> None:
    assert guarded(app_of(cloud)) == set(STORIES)
