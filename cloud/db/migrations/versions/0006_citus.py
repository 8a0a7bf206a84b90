"""Distribution: payments keyed by store, changes of members by member, devices' homes"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from cloud.db.migrations.append_only import allow_changes, refuse_changes

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_OPEN = "state IN ('created', 'unknown', 'waiting')"
_APPEND_ONLY = ("payment_event", "payment_money", "sandbox_money")

_OF_ATTEMPT = (
    "SELECT a.tenant AS tenant_id, a.store AS store_id, x.* FROM {} AS x "
    "JOIN payment_attempt AS a ON a.attempt_id = x.attempt_id"
)
_OF_ORDER = (
    "COALESCE(a.tenant, '') AS tenant_id, COALESCE(a.store, '') AS store_id, "
    "COALESCE(a.tenant, '') || '.' || COALESCE(a.store, '') || '.' || o.payment_id AS payment_id "
    "FROM sandbox_order AS o LEFT JOIN payment_attempt AS a ON a.attempt_id = o.attempt_id"
)
"""A payment's number begins with its store from now on (see the sandbox)."""

_ROWS = {
    "sandbox_money": "SELECT m.ref, m.amount, m.at_ms, "
    + _OF_ORDER
    + " JOIN sandbox_money AS m ON m.payment_id = o.payment_id",
    "sandbox_order": "SELECT o.attempt_id, o.merchant, o.amount, o.currency, o.expires_ms, o.back, "
    "o.standing, o.silent, " + _OF_ORDER,
    "order_claim": _OF_ATTEMPT.format("order_claim"),
    "payment_money": _OF_ATTEMPT.format("payment_money"),
    "payment_event": _OF_ATTEMPT.format("payment_event"),
    "payment_attempt": "SELECT tenant AS tenant_id, store AS store_id, attempt_id, device AS device_id, "
    "sale_id, token, order_bytes, amount, currency, created_ms, expires_ms, state, anomalies, received, "
    "provider, provider_ref, looked_ms, paid_ms, changed_ms, version FROM payment_attempt",
    "member_change": "SELECT * FROM member_change",
}
"""The rows as they are to be, by table; who refers to another comes before it."""


def upgrade() -> None:
    for name, query in _ROWS.items():
        op.execute(f"CREATE TABLE moved_{name} AS {query}")
    for name in _APPEND_ONLY:
        allow_changes(name)
    for name in _ROWS:
        op.drop_table(name)
    for table in (_attempt(), _event(), _money(), _claim(), *_sandbox(), _member_change()):
        _take_back(table)
    for name in _APPEND_ONLY:
        refuse_changes(name)
    _homes()


def _take_back(table: sa.Table) -> None:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    moved = f"moved_{table.name}"
    op.execute(f'INSERT INTO "{table.name}" ({names}) SELECT {names} FROM {moved}')  # noqa: S608
    op.drop_table(moved)


def _texts(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _key(table: str, *names: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("tenant_id", "store_id", *names, name=op.f(f"pk_{table}"))


def _leads_to(target: str, name: str, table: str) -> sa.ForeignKeyConstraint:
    columns = ["tenant_id", "store_id", name]
    return sa.ForeignKeyConstraint(
        columns,
        [f"{target}.{column}" for column in columns],
        name=op.f(f"fk_{table}_{'_'.join(columns)}_{target}"),
    )


def _attempt() -> sa.Table:
    table = op.create_table(
        "payment_attempt",
        *_texts("tenant_id", "store_id", "attempt_id", "device_id", "sale_id", "token"),
        sa.Column("order_bytes", sa.LargeBinary(), nullable=False),
        *_numbers("amount"),
        *_texts("currency"),
        *_numbers("created_ms", "expires_ms"),
        *_texts("state", "anomalies"),
        *_numbers("received"),
        *_texts("provider", "provider_ref"),
        *_numbers("looked_ms", "paid_ms", "changed_ms"),
        sa.Column("version", sa.Integer(), nullable=False),
        _key("payment_attempt", "attempt_id"),
    )
    op.create_index(
        "uq_payment_attempt_open_sale",
        "payment_attempt",
        ["tenant_id", "store_id", "sale_id"],
        unique=True,
        sqlite_where=sa.text(_OPEN),
        postgresql_where=sa.text(_OPEN),
    )
    op.create_index("ix_payment_attempt_due", "payment_attempt", ["state", "expires_ms"])
    op.create_index(
        "ix_payment_attempt_sale", "payment_attempt", ["tenant_id", "store_id", "sale_id"]
    )
    return table


def _event() -> sa.Table:
    return op.create_table(
        "payment_event",
        *_texts("tenant_id", "store_id", "attempt_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        *_texts("event", "source", "state", "anomalies"),
        *_numbers("received"),
        *_texts("provider", "provider_ref"),
        *_numbers("at_ms"),
        _key("payment_event", "attempt_id", "version"),
        _leads_to("payment_attempt", "attempt_id", "payment_event"),
    )


def _money() -> sa.Table:
    table = op.create_table(
        "payment_money",
        *_texts("tenant_id", "store_id", "provider", "ref", "attempt_id"),
        *_numbers("amount", "at_ms"),
        _key("payment_money", "provider", "ref"),
        _leads_to("payment_attempt", "attempt_id", "payment_money"),
    )
    op.create_index(
        "ix_payment_money_attempt_id", "payment_money", ["tenant_id", "store_id", "attempt_id"]
    )
    return table


def _claim() -> sa.Table:
    table = op.create_table(
        "order_claim",
        *_texts("tenant_id", "store_id", "attempt_id", "phone_hash"),
        *_numbers("taken_ms"),
        _key("order_claim", "attempt_id"),
        _leads_to("payment_attempt", "attempt_id", "order_claim"),
    )
    op.create_index(
        "ix_order_claim_phone_hash", "order_claim", ["tenant_id", "store_id", "phone_hash"]
    )
    return table


def _sandbox() -> tuple[sa.Table, sa.Table]:
    orders = op.create_table(
        "sandbox_order",
        *_texts("tenant_id", "store_id", "payment_id", "attempt_id", "merchant"),
        *_numbers("amount"),
        *_texts("currency"),
        *_numbers("expires_ms"),
        *_texts("back", "standing"),
        sa.Column("silent", sa.Boolean(), nullable=False),
        _key("sandbox_order", "payment_id"),
        sa.UniqueConstraint(
            "tenant_id",
            "store_id",
            "attempt_id",
            name=op.f("uq_sandbox_order_tenant_id_store_id_attempt_id"),
        ),
    )
    money = op.create_table(
        "sandbox_money",
        *_texts("tenant_id", "store_id", "ref", "payment_id"),
        *_numbers("amount", "at_ms"),
        _key("sandbox_money", "ref"),
        _leads_to("sandbox_order", "payment_id", "sandbox_money"),
    )
    op.create_index(
        "ix_sandbox_money_payment_id", "sandbox_money", ["tenant_id", "store_id", "payment_id"]
    )
    return orders, money


def _member_change() -> sa.Table:
    return op.create_table(
        "member_change",
        *_texts("tenant_id", "member_ref", "change_id", "field", "before", "value"),
        sa.Column("base_revision", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        *_texts("verdict", "store_id", "device_id"),
        *_numbers("t_ms", "received_ms"),
        sa.PrimaryKeyConstraint(
            "tenant_id", "member_ref", "change_id", name=op.f("pk_member_change")
        ),
    )


def _homes() -> None:
    op.create_table(
        "device_home",
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("store_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_home")),
    )
    op.execute(
        "INSERT INTO device_home (device_id, tenant_id, store_id) "
        "SELECT device_id, tenant_id, store_id FROM device"
    )
    op.drop_index("ix_device_device_id", table_name="device")


def downgrade() -> None:
    raise NotImplementedError("the way back is the backup that was made before")
