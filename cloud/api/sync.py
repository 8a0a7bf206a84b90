"""The journal upwards and reference data downwards."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
import zstandard
from fastapi import APIRouter, Depends, Request, Response

from app.wire.messages import HelloAnswer, HelloRequest, News, PushAnswer, PushRequest
from app.wire.upkeep import BooksAnswer, EpochAnswer, EpochRequest
from cloud.api.auth import AnyDevice, CloudDep, CurrentDevice, NamedDevice
from cloud.api.contract import answer, body_of, contract, decoded, read
from cloud.api.row_schema import ROW_BODIES, described_page
from cloud.bootstrap import Cloud
from cloud.db.feed import changes_so_far
from cloud.desk import Desk, DeskDep
from cloud.errors import Refused
from cloud.services.envelope import Received, verify
from cloud.services.feed import pull
from cloud.services.ingest import ingest, moved_stock
from cloud.services.live import store_topic
from cloud.services.standing import books, hello, open_epoch
from cloud.services.tasks import changed
from cloud.services.tasks import tell as tell_of_tasks
from cloud.services.tokens import DevicePrincipal

T = TypeVar("T")

router = APIRouter(tags=["sync"])
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
MAX_WINDOW = 8 * 1024 * 1024


@router.post(
    "/v1/sync/hello",
    **contract(
        "Where the cloud stands in a till's journal",
        request=HelloRequest,
        answer=HelloAnswer,
        errors=(401, 403),
    ),
)
async def say_hello(
    request: Request, cloud: CloudDep, desk: DeskDep, device: AnyDevice
) -> Response:
    """At start, on reconnect and hourly; open to revoked devices, which may still drain."""
    asked = await read(request, HelloRequest)
    keys = cloud.keys.published().signing
    return answer(
        await _telling(
            cloud,
            desk,
            device,
            lambda connection: hello(connection, device, asked, keys, now_ms=cloud.clock()),
        )
    )


@router.post(
    "/v1/sync/epoch",
    **contract(
        "Open another epoch of a till's journal",
        request=EpochRequest,
        answer=EpochAnswer,
        errors=(401, 403, 413),
    ),
)
async def another_epoch(
    request: Request, cloud: CloudDep, desk: DeskDep, device: AnyDevice
) -> Response:
    """After a fork, a restored till or a restored cloud; the same `request_id` gets the same epoch."""
    asked = await read(request, EpochRequest)
    return answer(
        await _telling(
            cloud,
            desk,
            device,
            lambda connection: open_epoch(connection, device, asked, now_ms=cloud.clock()),
        )
    )


@router.get(
    "/v1/sync/books",
    **contract("What is on the books from a till", answer=BooksAnswer, errors=(401, 403)),
)
async def see_books(cloud: CloudDep, device: CurrentDevice, since: str) -> Response:
    """Documents and their sums per business date and kind, from a date on (YYYY-MM-DD)."""
    return answer(await cloud.db.aread(lambda connection: books(connection, device, since)))


async def a_place(cloud: CloudDep) -> None:
    """Before anything is asked of the database: a full house costs nobody anything. Raises Refused 503."""
    cloud.admission.refuse_when_full()


@router.post(
    "/v1/sync/push",
    dependencies=[Depends(a_place)],
    **contract(
        "Push consecutive journal records",
        request=PushRequest,
        answer=PushAnswer,
        errors=(401, 403, 409),
        zstd=True,
    ),
)
async def push(request: Request, cloud: CloudDep, desk: DeskDep, name: NamedDevice) -> Response:
    """200 once the records are durable, each with its verdict; 409 `gap` or `fork` with our mark.

    The other tills of the store hear on their streams that the stock is another, and all of them that
    there is something to look at.
    """
    limit = cloud.settings.max_body
    with cloud.admission.upload():
        body = await body_of(request, limit)

    def take() -> tuple[list[Received], PushAnswer, bool]:
        device = cloud.devices.device(cloud.db, name)
        epoch, records = _read_push(body, limit, device)

        def work(connection: sa.Connection) -> PushAnswer:
            sender = cloud.devices.again(connection, device)
            return ingest(connection, sender, epoch, records, now_ms=cloud.clock())

        return records, *cloud.db.write(_watched(device, work))

    try:
        records, taken, tasks_changed = await cloud.admission.push(name.device, take)
    except Refused as refused:
        cloud.metrics.push(refused.problem.code)
        raise
    cloud.metrics.push("taken", (result.verdict for result in taken.results))
    topic = store_topic(name.tenant, name.store)
    if tasks_changed:
        tell_of_tasks(desk.newsroom, [(name.tenant, name.store)])
    if moved_stock(records, taken):
        desk.newsroom.publish([topic], News(kind="reference", subject="stock"), but=name.device)
    return answer(taken)


@router.get(
    "/v1/sync/pull",
    **contract(
        "A page of a reference stream",
        answer=described_page(),
        errors=(401, 403, 404, 410, 426),
        also=ROW_BODIES,
    ),
)
async def pull_page(
    cloud: CloudDep,
    device: CurrentDevice,
    stream: str,
    cursor: str = "",
    limit: int = 500,
    check: bool = False,
    epoch: str = "",
) -> Response:
    """Streams: config, people, catalog, stock, tasks. An empty cursor begins; 410: take a snapshot.

    `check` asks for the checksum of the whole stream, which comes with its last page. `epoch` is the one
    the till's journal is in: stock figures say up to which of its records they count.
    """
    page = await cloud.db.aread(
        lambda connection: pull(
            connection,
            device,
            stream,
            cursor,
            limit,
            now_ms=cloud.clock(),
            check=check,
            epoch=epoch,
        )
    )
    return answer(page)


async def _telling(
    cloud: Cloud, desk: Desk, device: DevicePrincipal, work: Callable[[sa.Connection], T]
) -> T:
    """Do it in a transaction; when something of the store needs a person now, its tills hear of it."""
    result, tasks_changed = await cloud.db.awrite(_watched(device, work))
    if tasks_changed:
        tell_of_tasks(desk.newsroom, [(device.tenant, device.store)])
    return result


def _watched(
    device: DevicePrincipal, work: Callable[[sa.Connection], T]
) -> Callable[[sa.Connection], tuple[T, bool]]:
    """Return `work` so that it tells also whether it changed a task of the device's store."""

    def watched(connection: sa.Connection) -> tuple[T, bool]:
        since = changes_so_far(connection)
        result = work(connection)
        return result, changed(connection, device.tenant, device.store, since)

    return watched


def _read_push(body: bytes, limit: int, sender: DevicePrincipal) -> tuple[str, list[Received]]:
    pushed = decoded(_plain(body, limit), PushRequest)
    return pushed.epoch, verify(pushed, sender)


def _plain(body: bytes, limit: int) -> bytes:
    """Return the body decompressed; a bomb is stopped at the limit."""
    if not body.startswith(ZSTD_MAGIC):
        return body
    reader = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).stream_reader(io.BytesIO(body))
    try:
        plain = reader.read(limit + 1)
    except zstandard.ZstdError as error:
        raise Refused(422, "malformed", "zstd") from error
    if len(plain) > limit:
        raise Refused(413, "too_big")
    return plain
