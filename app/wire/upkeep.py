"""Messages that mend a journal's standing at the cloud: another epoch after a fork or a restore, and the
comparison of both sides' books. Rules: SYNC in ARCHITECTURE.md; shapes as in `messages`.
"""

from __future__ import annotations

from app.wire.messages import Message


class EpochMark(Message, frozen=True, kw_only=True):
    """A place in one epoch of a device's journal; `hash` is hex, "" for seq 0."""

    epoch: str
    seq: int
    hash: str = ""


class EpochRequest(Message, frozen=True, kw_only=True):
    """`POST /v1/sync/epoch`: the till cannot go on in its epoch and asks for another.

    `request_id` makes it idempotent: a lost answer is asked for again with the same one. `reason` is
    "forked" (the cloud holds another history under our name), "restored" (this file came back from a
    backup) or "unknown" (the cloud never heard of the epoch). `marks` are the till's acknowledged
    places, the newest epoch first; `head` is where its journal ends. `ordinal` is the one its receipts
    bear now: the new one is higher, also at a cloud that was restored and does not know it. `timeline`
    is the cloud's as the till last knew it.
    """

    request_id: str
    reason: str
    head: EpochMark
    marks: list[EpochMark]
    ordinal: int = 0
    timeline: str = ""


class HeldMark(Message, frozen=True, kw_only=True):
    """What the cloud holds of one epoch: its mark, and its hash at the seq the till named.

    `at_mark` is "" where the cloud's journal of that epoch ends before that seq.
    """

    epoch: str
    hwm: int
    hwm_hash: str
    at_mark: str = ""


class EpochAnswer(Message, frozen=True, kw_only=True):
    """The new epoch, with the ordinal that stands in receipt numbers, and what is held of the old ones.

    Epochs the cloud does not know are left out of `held`. The till journals again, under their own
    ids, all records that `held` does not prove to be there.
    """

    epoch: str
    ordinal: int
    timeline: str
    held: list[HeldMark]


class DayBooks(Message, frozen=True, kw_only=True):
    """One kind of document of one business date: how many, and their sum in minor units."""

    business_date: str
    kind: str
    """"sale" or "refund"."""
    documents: int
    total: int


class BooksAnswer(Message, frozen=True, kw_only=True):
    """`GET /v1/sync/books?since=YYYY-MM-DD`: what the cloud has on its books from the asking device.

    All epochs of the device together. `set_aside` counts records of the device that were kept but could
    not be read into the books; while there are any, less here than at the till is explained.
    """

    days: list[DayBooks]
    set_aside: int = 0
