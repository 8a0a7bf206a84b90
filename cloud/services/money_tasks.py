"""Money that waits for a person, as tasks of its store: what providers and tills know of one attempt
becomes one row, told to every tablet, and it settles by itself when the money became its sale.

An attempt nobody need act on has its row too, so that a guide at another tablet can see how it stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from app.domain.money_back import Back
from app.domain.payment import Anomaly, State
from app.wire.bodies import PaymentStepV1, RefundStepV1, SaleV1
from app.wire.tasks import (
    BY_ITSELF,
    GIVES_BACK,
    MONEY,
    NOT_GIVEN_BACK,
    OPEN,
    REFUNDED,
    SETTLED,
)
from app.wire.tokens import PORTABLE_HEAD
from cloud.db import payment_tables
from cloud.db.distribution import across
from cloud.db.feed import next_change
from cloud.db.rows import upsert
from cloud.db.tables import tender
from cloud.db.task_tables import task
from cloud.gateways.base import AttemptKey
from cloud.services.answered import (
    MONEY_HERE,
    NO_WORDS,
    Words,
    is_about_money,
    kept_words,
    read_words,
)
from cloud.services.judging import Finding, judge, still_good
from cloud.services.money_facts import Known, Own, Sold, in_store, known_of, sales_of
from cloud.services.projection import Arrival, Projectable
from cloud.services.tasks import TaskColumns, device_code

_SURE = {Anomaly.PROVED.value}
"""The mark of a step nobody need look at: our own signature."""


def note_changes(connection: sa.Connection, touched: Iterable[AttemptKey], now_ms: int) -> set[Own]:
    """Review attempts that were just changed; return the stores whose tills should hear at once."""
    by_store: dict[Own, set[str]] = {}
    for key in touched:
        by_store.setdefault((key.tenant, key.store), set()).add(key.attempt_id)
    return {own for own, ids in by_store.items() if review(connection, own, ids, now_ms)}


def note_arrivals(
    connection: sa.Connection, arrival: Arrival, records: Iterable[Projectable]
) -> None:
    """Review attempts of which just projected records say something a task may hang on."""
    odd, paid = set(), set()
    for record in records:
        match record.body:
            case PaymentStepV1() as step if set(step.anomalies) - _SURE:
                odd.add(step.attempt)
            case RefundStepV1() as back if back.standing == Back.DONE and not back.refund:
                odd.add(back.attempt)
            case SaleV1() as sold:
                paid |= {part.attempt for part in sold.tenders if part.attempt}
    own = (arrival.tenant, arrival.store)
    if paid:
        waiting = sa.select(task.c.task_id).where(
            in_store(task.c.tenant_id, task.c.store_id, own),
            task.c.task_id.in_(paid),
            task.c.state != SETTLED,
        )
        odd |= set(connection.scalars(waiting))
    if odd:
        review(connection, own, odd, arrival.received_ms)


def review(connection: sa.Connection, own: Own, attempt_ids: Collection[str], now_ms: int) -> bool:
    """Bring the rows of these attempts of one store up to what is known; tell whether a person should
    hear of it at once. What a person settled stays settled until other money comes."""
    query = (
        sa.select(task)
        .where(in_store(task.c.tenant_id, task.c.store_id, own), task.c.task_id.in_(attempt_ids))
        .order_by(task.c.task_id)
    )
    # The lock first: whoever changes a row meanwhile has read newer facts than we had.
    before = {row["task_id"]: row for row in connection.execute(query.with_for_update()).mappings()}
    known = known_of(connection, own, attempt_ids)
    if not known:
        return False
    sales = sales_of(connection, own, known)
    rows, urgent = [], False
    for attempt_id in sorted(known):
        facts, sold = known[attempt_id], sales.get(attempt_id)
        old = before.get(attempt_id)
        found, words = _judged(facts, sold, old, now_ms)
        values = _values(facts, sold, found, words, old, now_ms)
        if old is not None and all(old[name] == value for name, value in values.items()):
            continue
        urgent |= found.kind == MONEY or found.code == State.UNKNOWN or _was_money(old)
        code = device_code(connection, *own, facts.device) if old is None else old["device_code"]
        rows.append({"tenant_id": own[0], "store_id": own[1], "device_code": code} | values)
    if rows:
        change = next_change(connection)
        upsert(connection, task, [row | {"change": change} for row in rows])
    return urgent


def waiting(connection: sa.Connection, key: AttemptKey, now_ms: int) -> tuple[int, str]:
    """Return how much of an attempt's money a person may send back now, and for which document: "" where
    no sale was made of it, else the refund whose money the provider refused after all."""
    own = (key.tenant, key.store)
    known = known_of(connection, own, [key.attempt_id])
    facts = known.get(key.attempt_id)
    if facts is None:
        return 0, ""
    sold = sales_of(connection, own, known).get(key.attempt_id)
    query = sa.select(task).where(
        in_store(task.c.tenant_id, task.c.store_id, own), task.c.task_id == key.attempt_id
    )
    old = connection.execute(query).mappings().one_or_none()
    found, _ = _judged(facts, sold, old, now_ms)
    if not found.waits or found.code not in GIVES_BACK:
        return 0, ""
    return found.amount, facts.given.owed_for if found.code == NOT_GIVEN_BACK else ""


def _judged(
    facts: Known, sold: Sold | None, old: TaskColumns | None, now_ms: int
) -> tuple[Finding, Words]:
    words = NO_WORDS if old is None else still_good(read_words(old["words"]), facts, sold)
    found = judge(facts, sold, words, now_ms)
    if found.answered and old and old["state"] == SETTLED and is_about_money(old["code"]):
        found = replace(found, code=old["code"], amount=old["amount"])  # as it was when it was said
    return found, words


def _values(
    facts: Known,
    sold: Sold | None,
    found: Finding,
    words: Words,
    old: TaskColumns | None,
    now_ms: int,
) -> dict[str, Any]:
    """Return the columns of an attempt's row; `detail` is what was due, `other` the sale."""
    turned = _was_money(old) != (found.kind == MONEY)
    kept = old is not None and not (turned and found.kind == MONEY)
    values: dict[str, Any] = {
        "task_id": facts.attempt_id,
        "kind": MONEY if _was_money(old) else found.kind,
        "code": found.code,
        "subject": facts.attempt_id,
        "device_id": facts.device,
        "epoch": "",
        "seq": 0,
        "receipt_no": sold.receipt_no if sold else "",
        "other": facts.sale_id,
        "detail": str(facts.due),
        "amount": found.amount,
        "words": kept_words(words),
        "created_ms": old["created_ms"] if kept and old else _began(facts, found, now_ms),
    }
    return values | _standing(found, words, old, now_ms)


def _began(facts: Known, found: Finding, now_ms: int) -> int:
    return now_ms if found.kind == MONEY else facts.created_ms


def _standing(found: Finding, words: Words, old: TaskColumns | None, now_ms: int) -> dict[str, Any]:
    """Return state, claim and settlement: kept as they are unless what is known says otherwise."""
    names = (
        "state",
        "claimed_device",
        "claimed_by",
        "claim_id",
        "claim_until_ms",
        "settled_ms",
        "resolution",
    )
    fresh = dict(zip(names, (OPEN, "", "", "", 0, 0, ""), strict=True))
    standing = {name: old[name] for name in names} if old else fresh
    if found.settled:
        if standing["state"] != SETTLED:
            by_a_word = words.said if found.answered else ""
            how = REFUNDED if found.code == REFUNDED else by_a_word or BY_ITSELF
            standing |= {"state": SETTLED, "settled_ms": now_ms, "resolution": how}
        return standing
    if old and old["state"] == SETTLED:
        # What is named of an amount that words answer for is beyond every word that was said.
        same = (old["code"], old["amount"]) == (found.code, found.amount) and _was_money(old)
        return standing if same and not is_about_money(found.code) else fresh
    if old and {old["code"], found.code} <= MONEY_HERE and found.amount > old["amount"]:
        return fresh  # nobody has claimed what came since
    return standing


def _was_money(old: TaskColumns | None) -> bool:
    return old is not None and old["kind"] == MONEY


def unsold(
    connection: sa.Connection, after_ms: int, until_ms: int, limit: int, *, portable: bool = False
) -> list[tuple[Own, str, int]]:
    """Return (store, attempt, end) of paid attempts that ended in this span and have no sale of theirs,
    the oldest first; `portable`: only those whose order travelled in the QR."""
    columns = payment_tables.attempt.c
    theirs = sa.exists().where(
        tender.c.tenant_id == columns.tenant_id,
        tender.c.store_id == columns.store_id,
        tender.c.document_id == columns.sale_id,
        tender.c.attempt_id == columns.attempt_id,
    )
    query = (
        sa.select(columns.tenant_id, columns.store_id, columns.attempt_id, columns.expires_ms)
        .where(
            columns.state == State.CONFIRMED.value,
            columns.expires_ms > after_ms,
            columns.expires_ms <= until_ms,
            ~theirs,
            columns.token.startswith(PORTABLE_HEAD) if portable else sa.true(),
        )
        .order_by(columns.expires_ms)
        .limit(limit)
    )
    rows = connection.execute(across(query, "sweep"))
    return [((row.tenant_id, row.store_id), row.attempt_id, row.expires_ms) for row in rows]
