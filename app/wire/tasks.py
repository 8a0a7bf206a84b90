"""Messages about what a person should look at: the store's tasks, on every tablet, done by one.

Stream `tasks` of the feed brings them down. Acting on one is a claim first: of two tablets that claim
at the same moment one gets it, the other hears by whom it is held. Shapes as in `messages`.
"""

from __future__ import annotations

from app.wire.messages import Message

OPEN, CLAIMED, SETTLED = "open", "claimed", "settled"
RECORD, MONEY, PAYMENT = "record", "money", "payment"
KEPT_DAYS = {RECORD: 7, PAYMENT: 1}
"""So long after they were settled rows of these kinds are told and kept. Money is for ever: a till whose
money was given back elsewhere would else take it for waiting again."""

QUARANTINE = "device_revoked"
"""The code of the task that stands for all records of a revoked device until they are released."""
WAITS_FOR_UPDATE = "waits_for_update"
"""The code of the task that stands for records of a till that is newer than the cloud; they are booked, and
it is settled, once the cloud is updated."""
OVERSELL = "oversell"
RETURN_LOST = "return_lost"
"""The code of the task about a return whose money went back and whose document has not come; `subject` is the
return, `other` the attempt."""
LATE, PARTIAL, NO_SALE, OVER = "late", "partial", "no_sale", "over"
"""Codes of money that came after the end, that was less than was due, that no sale was made of, and that
came on top of what was due."""
UNPROVEN = "unproven"
"""The code of a sale that was made on a spoken code, and whose money the cloud has not heard of."""

GOING_BACK, STUCK, NOT_GIVEN_BACK = "refund_pending", "refund_stuck", "refund_refused"
"""Codes of money on its way back, of money the provider cannot give back by itself, and of money that stands
as given back in a till's books although the provider refused it afterwards."""

BELIED = "refund_after_all"
"""The code of money that went back although its provider had called it refused: perhaps it went twice."""

TAKEN_BACK = "taken_back"
"""The code of money that counted as paid, and that its provider has given back without a refund of ours."""

GIVES_BACK = frozenset({LATE, OVER, PARTIAL, NO_SALE, NOT_GIVEN_BACK})
"""Codes of money that can be sent back to where it came from."""

GOODS_FOR = frozenset({LATE, NO_SALE, OVER})
"""Codes of money that came whole and stays, so that its goods may go out. For any other none may: one that
is not named here, because it was thought of later, is no leave to hand something over."""

LEAVES = frozenset({GOING_BACK, STUCK, NOT_GIVEN_BACK, BELIED, TAKEN_BACK})
"""Codes of money that leaves or has left for the customer."""

SEEN, DELIVERED, REFUNDED = "seen", "delivered", "refunded"
RELEASED, CORRECTED, DROPPED = "released", "corrected", "dropped"
BY_ITSELF = "by_itself"
"""The resolution of a task that nobody had to settle: the money became its sale, or went back."""

CLAIM_MINUTES = 15
"""A claim that is not settled by then may be taken over: its tablet may be broken."""


class TaskRow(Message, frozen=True, kw_only=True):
    """Stream `tasks`: one task of the store. No personal data; times are Unix ms.

    `kind` is "record" (something about a journal record or a device; `code` says what), "money" (late,
    over, partial or orphan money; `subject` is the attempt) or "payment" (how an attempt stands, for
    the other tablets; `code` is its state and nobody has anything to do). An attempt has one row, of
    whichever kind it is by now. `subject` is a record id otherwise. `amount` is minor units, 0 where
    none is meant. Claimed tasks name device and person; settled ones say how in `resolution`.
    """

    task_id: str
    kind: str
    code: str
    subject: str
    device: str
    device_code: str = ""
    epoch: str = ""
    seq: int = 0
    receipt_no: str = ""
    other: str = ""
    """What it is about besides the subject: the other receipt of an oversell, the sale of an attempt."""
    detail: str = ""
    amount: int = 0
    created_ms: int = 0
    state: str = OPEN
    claimed_device: str = ""
    claimed_by: str = ""
    claim_until_ms: int = 0
    settled_ms: int = 0
    resolution: str = ""


class TaskClaim(Message, frozen=True, kw_only=True):
    """`POST /v1/tasks/claim`. `claim_id` is made on the device, so a lost answer may be asked for again.

    Answer: the `TaskRow` as it stands; 409 `claimed` where another device holds it or it is settled.
    """

    task_id: str
    claim_id: str
    person: str


class TaskSettlement(Message, frozen=True, kw_only=True):
    """`POST /v1/tasks/settle`, by whoever holds the claim; the same settlement again is fine.

    `resolution` is a word: seen, delivered (of money in `GOODS_FOR` alone), refunded, released (a
    quarantined record goes on the books), corrected, dropped. `person` decides; "" (an older till) is who
    claimed it. Whatever is not `delivered` takes a manager: 403 `not_a_manager`. `amount` is what the
    person saw on the task, in minor units; 0 (an older till) says nothing about it. Money of another
    amount by now is not settled: 409 `task_changed`.
    """

    task_id: str
    claim_id: str
    resolution: str
    person: str = ""
    amount: int = 0
