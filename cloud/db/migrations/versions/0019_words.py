"""Tasks of money: what people have said of it by settling them"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_DUE = "CAST('0' || detail AS BIGINT)"
_SOLD = (
    "EXISTS (SELECT 1 FROM tender WHERE tender.tenant_id = task.tenant_id"
    " AND tender.store_id = task.store_id AND tender.document_id = task.other"
    " AND tender.attempt_id = task.task_id)"
)
_LATE = (
    "EXISTS (SELECT 1 FROM payment_attempt AS a WHERE a.tenant_id = task.tenant_id"
    " AND a.store_id = task.store_id AND a.attempt_id = task.task_id"
    " AND a.anomalies LIKE '%late%')"
)
_KINDS = {
    "refund_stuck": "stuck",
    "refund_refused": "refused",
    "taken_back": "taken_back",
    "refund_after_all": "belied",
}
_SAID = "kind = 'money' AND state = 'settled' AND resolution IN ('seen', 'delivered', 'refunded')"


def _words(kind: str, amount: str) -> str:
    return f"""'{{"{kind}":' || ({amount}) || ',"said":"' || resolution || '"}}'"""


def _say(words: str, where: str) -> None:
    op.execute(f"UPDATE task SET words = {words} WHERE {where}")  # noqa: S608 - our own text


def upgrade() -> None:
    op.add_column("task", sa.Column("words", sa.Text(), nullable=False, server_default=""))
    for code, kind in _KINDS.items():
        _say(_words(kind, "amount"), f"{_SAID} AND code = '{code}'")
    here = f"{_SAID} AND code IN ('late', 'no_sale', 'partial', 'over')"
    _say(_words("goods", _DUE), f"{here} AND resolution = 'delivered'")
    cash = f"{here} AND resolution <> 'delivered'"
    _say(_words("otherwise", "amount"), f"{cash} AND code <> 'over'")
    _say(_words("otherwise", "amount"), f"{cash} AND code = 'over' AND {_SOLD}")
    # Money without a sale was called a surplus once a word had answered for what was due.
    _say(_words("otherwise", f"amount + {_DUE}"), f"{cash} AND code = 'over' AND NOT {_SOLD}")
    _say(
        _words("otherwise", _DUE),
        f"kind = 'money' AND state <> 'settled' AND code = 'over' AND {_LATE} AND NOT {_SOLD}",
    )


def downgrade() -> None:
    op.drop_column("task", "words")
