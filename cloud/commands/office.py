"""Commands of `guidepos-cloud` about tills and tasks: devices, revoke, reinstate, tasks, settle.

Knows arguments and output only; the work is in services.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from app.errors import Code
from app.wire.tasks import SETTLED, TaskRow
from cloud.bootstrap import Cloud, open_cloud
from cloud.db.distribution import across
from cloud.db.state import ensure_tenant
from cloud.db.task_tables import task
from cloud.errors import Refused
from cloud.services import devices, release, tasks
from cloud.settings import Settings

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_DEVICE = "{device_id}  {store_id}/{device_code}  {standing:<8}  seen {seen}  {platform}"
_TASK = "{task_id}  {store_id}  {state:<7}  {code:<22}  till {device_code}  {receipt_no}  {detail}"


def add_commands(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add these commands to the program's parser."""
    listed = commands.add_parser("devices", parents=[common], help="every till ever enrolled")
    listed.set_defaults(run=_devices)
    for name, run, what in (
        ("revoke", _revoke, "let a till send what it has and do nothing else"),
        ("reinstate", _reinstate, "let a revoked till work again"),
    ):
        command = commands.add_parser(name, parents=[common], help=what)
        command.add_argument("device", metavar="DEVICE", help="its id, as `devices` shows it")
        command.set_defaults(run=run)
    waiting = commands.add_parser("tasks", parents=[common], help="what waits for a person")
    waiting.add_argument("--store", default="", metavar="CODE", help="of one store only")
    waiting.set_defaults(run=_tasks)
    settle = commands.add_parser("settle", parents=[common], help="settle a task for its store")
    settle.add_argument("task", metavar="TASK", help="its id, as `tasks` shows it")
    settle.add_argument(
        "--resolution",
        required=True,
        metavar="WORD",
        help="seen, corrected, delivered, refunded, released or dropped",
    )
    settle.set_defaults(run=_settle)


def _devices(options: argparse.Namespace, settings: Settings) -> int:
    def work(_cloud: Cloud, connection: sa.Connection, tenant: str) -> list[dict[str, Any]]:
        return [dict(row) for row in devices.all_devices(connection, tenant)]

    for row in _run(settings, work):
        line = row | {
            "standing": "revoked" if row["revoked_ms"] else "current",
            "seen": datetime.fromtimestamp(row["seen_ms"] / 1000, UTC).isoformat(" ", "minutes"),
        }
        print(json.dumps(row) if options.json else _DEVICE.format(**line))
    return 0


def _revoke(options: argparse.Namespace, settings: Settings) -> int:
    def work(cloud: Cloud, connection: sa.Connection, tenant: str) -> None:
        devices.revoke(connection, tenant, options.device, now_ms=cloud.clock())

    _run(settings, work)
    print(f"{options.device} is revoked: it may send what it has and do nothing else")
    return 0


def _reinstate(options: argparse.Namespace, settings: Settings) -> int:
    def work(_cloud: Cloud, connection: sa.Connection, tenant: str) -> None:
        devices.reinstate(connection, tenant, options.device)

    _run(settings, work)
    print(f"{options.device} works again with its next hello")
    return 0


def _tasks(options: argparse.Namespace, settings: Settings) -> int:
    def work(_cloud: Cloud, connection: sa.Connection, tenant: str) -> list[dict[str, Any]]:
        return [dict(row) for row in tasks.unsettled(connection, tenant, options.store)]

    for row in _run(settings, work):
        line = msgspec.to_builtins(tasks.task_row(row)) | {"store": row["store_id"]}
        print(json.dumps(line) if options.json else _TASK.format(**row).rstrip())
    return 0


def _settle(options: argparse.Namespace, settings: Settings) -> int:
    def work(cloud: Cloud, connection: sa.Connection, tenant: str) -> TaskRow:
        query = sa.select(task.c.store_id).where(
            task.c.tenant_id == tenant, task.c.task_id == options.task
        )
        store = connection.scalar(across(query, "office"))
        if store is None:
            raise Refused(404, Code.TASK_UNKNOWN, options.task)
        return release.settle_as_operator(
            connection, tenant, store, options.task, options.resolution, now_ms=cloud.clock()
        )

    row: TaskRow = _run(settings, work)
    if row.state == SETTLED:
        print(f"{options.task} is settled: {options.resolution}")
    else:
        print(f"{options.task} is open: {options.resolution} is noted, {row.amount} still waits")
    return 0


def _run(settings: Settings, work: Callable[[Cloud, sa.Connection, str], Any]) -> Any:
    """Do `work` in one transaction of the cloud that the settings describe."""
    cloud = open_cloud(settings)
    try:
        return cloud.db.write(
            lambda connection: work(cloud, connection, ensure_tenant(connection, cloud.clock()))
        )
    finally:
        cloud.close()
