"""Keeps what was found different: opened once, settled by a person or by itself, never deleted.

Where the store is known its manager sees a difference as a task; whoever settles one settles the other.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.domain.times import SHOP_ZONE
from app.wire.tasks import BY_ITSELF, OPEN, RECORD, SETTLED, TaskRow
from cloud.db.bill_tables import bill_difference
from cloud.db.columns import rows_of
from cloud.db.distribution import across
from cloud.db.feed import next_change
from cloud.db.payment_tables import attempt
from cloud.db.rows import insert_rows
from cloud.db.tables import sale
from cloud.db.task_tables import task
from cloud.errors import Refused
from cloud.services.reconcile.account import Account, chunks
from cloud.services.reconcile.compare import Act, Finding
from cloud.services.tasks import device_code, open_again, settle_without_claim

PREFIX = "bill_"
"""How the codes of tasks about differences begin."""
HEALED = "healed"
"""The resolution of money the ledger did not know and has taken as heard."""
RESOLUTIONS = frozenset({"seen", "corrected"})
"""Words a person settles by; the same as for any record."""
MOST_TASKS = 200
"""With more differences than this in a day something is wrong with the bill or the account, and not with
the stores: they are listed, and no tablet is flooded."""

SILENT_MS = 3 * 86_400_000
"""So long a provider may leave a finding unanswered that nobody has to act on; then a person has to."""

WEEK = 7
"""Days looked back for bills that could not be had or not be compared; older ones are a person's work, and
so is what was found again shortly before."""

Own = tuple[str, str]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Changes:
    """What a comparison changed: how many differences opened and closed, and whose tills should hear."""

    opened: int
    closed: int
    stores: frozenset[Own]


def bring_up_to_date(
    conn: sa.Connection,
    account: Account,
    day: date,
    findings: Sequence[Finding],
    healed: Collection[int],
    now_ms: int,
) -> Changes:
    """Make the differences of a day those of `findings`; where nothing is to be done about lines whose
    numbers are in `healed`, they are settled.

    What a person settled stays settled while it is the same difference. What is no longer found settles by
    itself.
    """
    before = _of_day(conn, account, day)
    found = {row["difference_id"]: row for row in _rows(account, day, findings, healed, now_ms)}
    fresh = [row for name, row in found.items() if name not in before]
    again = [row for name, row in found.items() if name in before and _other(before[name], row)]
    gone = [row for name, row in before.items() if name not in found and row["state"] == OPEN]
    insert_rows(conn, bill_difference, fresh)
    for row in again:
        _write(conn, row, {name: row[name] for name in _SAID})
    for row in gone:
        _write(conn, row, _settlement(BY_ITSELF, "", now_ms))
    opened = [row for row in (*fresh, *again) if row["state"] == OPEN]
    written = {row["difference_id"] for row in (*again, *gone)}
    silent = _left_unanswered(
        conn, [row for name, row in before.items() if name not in written], now_ms
    )
    change = next_change(conn) if fresh or again or gone or silent else 0
    asking = [row for row in opened if row["act"] != Act.NOTHING] + silent
    few = len(opened) + len(silent) <= MOST_TASKS
    stores = _open_tasks(conn, asking, now_ms, change) if few else set()
    closing = [row for row in (*gone, *again) if row not in opened]
    stores |= _close_tasks(conn, closing, now_ms, change)
    return Changes(len(opened), len(gone), frozenset(stores))


_SAID = (
    *("ours", "theirs", "detail", "found_ms", "store_id"),
    *("state", "settled_ms", "settled_by", "resolution"),
)


def _other(old: Mapping[str, Any], new: Row) -> bool:
    """Tell whether a difference is to be written anew: it is another by now, or was thought to be gone."""
    if (old["ours"], old["theirs"]) != (new["ours"], new["theirs"]):
        return True
    if new["state"] == SETTLED:
        return bool(old["state"] == OPEN)
    return bool(old["state"] == SETTLED and old["resolution"] in (BY_ITSELF, HEALED))


def _of_day(conn: sa.Connection, account: Account, day: date) -> dict[str, Row]:
    columns = bill_difference.c
    query = sa.select(bill_difference).where(
        columns.tenant_id == account.tenant,
        columns.account == account.name,
        columns.day == day.isoformat(),
    )
    rows = conn.execute(query.with_for_update()).mappings()
    return {row["difference_id"]: dict(row) for row in rows}


def _rows(
    account: Account, day: date, findings: Iterable[Finding], healed: Collection[int], now_ms: int
) -> Iterable[Row]:
    counted: Counter[tuple[str, str]] = Counter()
    for each in findings:
        counted[each.reason, each.subject] += 1
        nth = counted[each.reason, each.subject]
        settled = each.act is Act.NOTHING and each.no in healed
        yield {
            "tenant_id": account.tenant,
            "account": account.name,
            "difference_id": _id(account, day, each, nth),
            "day": day.isoformat(),
            "reason": each.reason.value,
            "subject": each.subject,
            "act": each.act.value,
            "store_id": each.store,
            "attempt_id": each.attempt_id,
            "ours": each.ours,
            "theirs": each.theirs,
            "detail": each.detail,
            "found_ms": now_ms,
            **(_settlement(HEALED, "", now_ms) if settled else _settlement("", "", 0)),
        }


def _settlement(word: str, person: str, now_ms: int) -> Row:
    state = SETTLED if word else OPEN
    return {"state": state, "settled_ms": now_ms, "settled_by": person, "resolution": word}


def _id(account: Account, day: date, found: Finding, nth: int) -> str:
    """Return the name of a difference: the same whenever it is found again."""
    parts = (account.tenant, account.name, day.isoformat(), found.reason, found.subject, str(nth))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def _write(conn: sa.Connection, row: Mapping[str, Any], values: Row) -> None:
    columns = bill_difference.c
    conn.execute(
        sa.update(bill_difference)
        .where(
            columns.tenant_id == row["tenant_id"],
            columns.account == row["account"],
            columns.difference_id == row["difference_id"],
        )
        .values(**values)
    )


# --- as tasks of a store --------------------------------------------------------------------------


def _open_tasks(conn: sa.Connection, rows: Iterable[Row], now_ms: int, change: int) -> set[Own]:
    by_store: dict[Own, list[Row]] = {}
    for row in rows:
        if row["store_id"]:
            by_store.setdefault((row["tenant_id"], row["store_id"]), []).append(row)
    for own, some in by_store.items():
        devices = _devices(conn, own, {row["attempt_id"] for row in some})
        open_again(conn, [_task(row, devices, now_ms, change) for row in some])
    return set(by_store)


def _left_unanswered(conn: sa.Connection, rows: Iterable[Row], now_ms: int) -> list[Row]:
    """Return those of the differences still found that the ledger was to take as heard, that it could not ask
    about for days, and that nobody is asked about now."""
    waiting = [row for row in rows if row["state"] == OPEN and row["act"] == Act.NOTHING]
    last = datetime.fromtimestamp(now_ms / 1000, SHOP_ZONE).date() - timedelta(WEEK)
    late = [
        row
        for row in waiting
        if now_ms - row["found_ms"] >= SILENT_MS or row["day"] <= last.isoformat()
    ]
    asked: set[str] = set()
    for own, ids in _by_store(late).items():
        # Whoever settled a task settled its difference: what is open now was found anew since.
        for some in chunks(ids):
            there = sa.select(task.c.task_id).where(_tasks_of(own, some), task.c.state != SETTLED)
            asked |= set(conn.scalars(there))
    return [row for row in late if row["store_id"] and row["difference_id"] not in asked]


def _by_store(rows: Iterable[Mapping[str, Any]]) -> dict[Own, list[str]]:
    """Return the names of differences by the store that has them, where it is known."""
    found: dict[Own, list[str]] = {}
    for row in rows:
        if row["store_id"]:
            found.setdefault((row["tenant_id"], row["store_id"]), []).append(row["difference_id"])
    return found


def _task(row: Row, devices: Mapping[str, tuple[str, str, str]], now_ms: int, change: int) -> Row:
    device, code, receipt = devices.get(row["attempt_id"], ("", "", ""))
    return {
        "tenant_id": row["tenant_id"],
        "store_id": row["store_id"],
        "task_id": row["difference_id"],
        "kind": RECORD,
        "code": f"{PREFIX}{row['reason']}",
        "subject": row["attempt_id"],
        "device_id": device,
        "device_code": code,
        "epoch": "",
        "seq": 0,
        "receipt_no": receipt,
        "other": row["account"],
        "detail": row["day"],
        "amount": row["theirs"] - row["ours"],
        "created_ms": now_ms,
        "change": change,
    }


def _devices(
    conn: sa.Connection, own: Own, attempts: Iterable[str]
) -> dict[str, tuple[str, str, str]]:
    """Return of each attempt its till's id and number, and the receipt of its sale."""
    same = sa.and_(
        sale.c.tenant_id == attempt.c.tenant_id,
        sale.c.store_id == attempt.c.store_id,
        sale.c.sale_id == attempt.c.sale_id,
    )
    query = (
        sa.select(attempt.c.attempt_id, attempt.c.device_id, sale.c.receipt_no)
        .outerjoin(sale, same)
        .where(attempt.c.tenant_id == own[0], attempt.c.store_id == own[1])
    )
    found = {}
    codes: dict[str, str] = {}
    for some in chunks(attempts):
        for row in conn.execute(query.where(attempt.c.attempt_id.in_(some))):
            if row.device_id not in codes:
                codes[row.device_id] = device_code(conn, *own, row.device_id)
            of = (row.device_id, codes[row.device_id], row.receipt_no or "")
            found[row.attempt_id] = of
    return found


def _close_tasks(
    conn: sa.Connection, rows: Iterable[Mapping[str, Any]], now_ms: int, change: int
) -> set[Own]:
    by_store = _by_store(rows)
    for own, ids in by_store.items():
        for some in chunks(ids):
            settle_without_claim(conn, _tasks_of(own, some), now_ms, change)
    return set(by_store)


def _tasks_of(own: Own, ids: Sequence[str]) -> sa.ColumnElement[bool]:
    mine = rows_of(task, tenant_id=own[0], store_id=own[1])
    return sa.and_(mine, task.c.task_id.in_(ids))


# --- by a person ----------------------------------------------------------------------------------


def settled_as_task(
    conn: sa.Connection, tenant: str, row: TaskRow, person: str, now_ms: int
) -> None:
    """Settle the difference a task was about, if it was about one."""
    if row.code.startswith(PREFIX):
        key = {"tenant_id": tenant, "account": row.other, "difference_id": row.task_id}
        _write(conn, key, _settlement(row.resolution, person, now_ms))


def settle(
    conn: sa.Connection, tenant: str, difference_id: str, word: str, person: str, now_ms: int
) -> set[Own]:
    """Settle a difference at the command line, with its task; return the stores that should hear.

    Raises Refused: 404, 409 when it is settled already, 422 for another word than `RESOLUTIONS`.
    """
    if word not in RESOLUTIONS:
        raise Refused(422, "malformed", f"resolution: {' or '.join(sorted(RESOLUTIONS))}")
    columns = bill_difference.c
    query = sa.select(bill_difference).where(
        columns.tenant_id == tenant, columns.difference_id == difference_id
    )
    row = conn.execute(across(query, "office")).mappings().first()
    if row is None:
        raise Refused(404, "difference_unknown", difference_id)
    if row["state"] == SETTLED:
        raise Refused(409, "claimed", "settled")
    _write(conn, dict(row), _settlement(word, person, now_ms))
    if not row["store_id"]:
        return set()
    own = (row["tenant_id"], row["store_id"])
    mine = _tasks_of(own, [difference_id])
    settle_without_claim(conn, mine, now_ms, next_change(conn), word, claimed_by=person)
    return {own}


def listed(
    conn: sa.Connection, tenant: str, *, settled: bool = False, account: str = "", day: str = ""
) -> Sequence[sa.RowMapping]:
    """Return the differences of a brand, only those still open unless `settled`; oldest first."""
    columns = bill_difference.c
    query = sa.select(bill_difference).where(
        columns.tenant_id == tenant,
        *([] if settled else [columns.state == OPEN]),
        *([columns.account == account] if account else []),
        *([columns.day == day] if day else []),
    )
    order = (columns.day, columns.account, columns.reason, columns.subject)
    return conn.execute(across(query.order_by(*order), "office")).mappings().all()
