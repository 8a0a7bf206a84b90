"""Says how a provider's bill of a day and our ledger differ. The rules in words are in RECONCILIATION.md.

Pure: knows no table and no provider. Amounts are minor units, times Unix milliseconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cloud.gateways.base import BillKind, BillLine


class Reason(StrEnum):
    """How bill and ledger differ."""

    UNKNOWN_HERE = "unknown_here"
    """Paid there for an order of ours; the ledger has not heard of it."""
    MISSING_THERE = "missing_there"
    """In the ledger, and on no bill that could have it."""
    AMOUNT_DIFFERS = "amount_differs"
    CURRENCY_DIFFERS = "currency_differs"
    ORDER_DIFFERS = "order_differs"
    """The same payment stands for another order there."""
    STORE_DIFFERS = "store_differs"
    """The same payment stands under another of our stores there."""
    TWICE_THERE = "twice_there"
    """The same payment or refund stands on the bill again, or on an earlier day's, too."""
    BOOKED_TWICE = "booked_twice"
    """The same payment stands in the books of two of our stores."""
    ORDER_UNKNOWN = "order_unknown"
    """An order number in our form that no store has."""
    NOT_OURS = "not_ours"
    """Another system's order on this account."""
    REFUND_UNKNOWN = "refund_unknown"
    """Given back there, and not by us."""
    REFUND_REFUSED = "refund_refused"
    """Given back there under a number that our ledger calls refused."""
    REFUND_MISSING = "refund_missing"
    """Given back by our ledger, and on no bill that could have it."""
    REFUND_AMOUNT_DIFFERS = "refund_amount_differs"


class Act(StrEnum):
    """What a person is advised to do."""

    NOTHING = "nothing"
    """The ledger takes it as heard, and the store's inbox asks what to do where somebody has to."""
    ASK_PROVIDER = "ask_provider"
    """Show both numbers to the provider and ask which is right."""
    FIND_ORDER = "find_order"
    """Look for the order in backups and other clouds of the brand."""
    FIND_SYSTEM = "find_system"
    """Find out who else collects on this account, or say that the account is shared."""
    FIND_REFUNDER = "find_refunder"
    """Ask who gave it back in the provider's console, and book the return."""
    CLAIM_BACK = "claim_back"
    """Ask the provider to take back what was charged or paid out twice."""
    CORRECT_BOOKS = "correct_books"
    """Correct the books of the store that should not have it."""


ACTS: Mapping[Reason, Act] = {
    Reason.UNKNOWN_HERE: Act.NOTHING,
    Reason.MISSING_THERE: Act.ASK_PROVIDER,
    Reason.AMOUNT_DIFFERS: Act.ASK_PROVIDER,
    Reason.CURRENCY_DIFFERS: Act.ASK_PROVIDER,
    Reason.ORDER_DIFFERS: Act.ASK_PROVIDER,
    Reason.STORE_DIFFERS: Act.CORRECT_BOOKS,
    Reason.TWICE_THERE: Act.CLAIM_BACK,
    Reason.BOOKED_TWICE: Act.CORRECT_BOOKS,
    Reason.ORDER_UNKNOWN: Act.FIND_ORDER,
    Reason.NOT_OURS: Act.FIND_SYSTEM,
    Reason.REFUND_UNKNOWN: Act.FIND_REFUNDER,
    Reason.REFUND_REFUSED: Act.NOTHING,
    Reason.REFUND_MISSING: Act.ASK_PROVIDER,
    Reason.REFUND_AMOUNT_DIFFERS: Act.ASK_PROVIDER,
}


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment as our ledger heard it; `ref` is the provider's number."""

    store: str
    attempt_id: str
    ref: str
    amount: int
    currency: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Given:
    """A refund as our ledger has it; `number` is ours. `done`: the provider has confirmed it; `refused`: it
    has said no, so that nothing should have moved."""

    store: str
    attempt_id: str
    number: str
    amount: int
    currency: str
    done: bool
    at_ms: int
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """An attempt of ours, whether it was paid or not."""

    store: str
    currency: str


RefundKey = tuple[str, str]
"""Attempt and number of a refund."""


@dataclass(frozen=True, slots=True)
class Books:
    """What our ledger knows about everything a bill speaks of."""

    paid: Mapping[str, Paid] = field(default_factory=dict)
    """By the provider's number."""
    given: Mapping[RefundKey, Given] = field(default_factory=dict)
    orders: Mapping[str, Order] = field(default_factory=dict)
    """By attempt; those of payments found in `paid` need not be here."""
    booked_twice: Collection[str] = frozenset()
    stores: Collection[str] = frozenset()
    """Codes of our stores: what a provider writes as a store may be a number of its own."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference. `subject` is the number it is about, `ours` and `theirs` the two amounts, 0 for
    none; `no` the line of the bill, -1 for what has none."""

    reason: Reason
    subject: str
    store: str
    attempt_id: str
    ours: int
    theirs: int
    detail: str = ""
    no: int = -1

    @property
    def act(self) -> Act:
        """What is advised."""
        return ACTS[self.reason]


LineKey = tuple[str, str, str]


def key_of(line: BillLine) -> LineKey:
    """Return what makes two lines the same movement of money."""
    return line.kind.value, line.ref, line.refund_number


@dataclass(slots=True)
class Comparison:
    """What comparing a bill's lines with the ledger gave."""

    findings: list[Finding] = field(default_factory=list)
    placed: list[tuple[int, str]] = field(default_factory=list)
    """Number and store of each line that moved money of an order of ours, once."""
    foreign: int = 0


def compare(
    lines: Sequence[BillLine],
    books: Books,
    *,
    earlier: Collection[LineKey] = frozenset(),
    shared: bool = False,
) -> Comparison:
    """Compare every line of a bill with the ledger.

    `earlier` are lines that stand on another day's bill before this one; on a `shared` account orders of
    other systems are expected and only counted.
    """
    out = Comparison()
    reversed_here = _reversed(lines, books)
    seen: set[LineKey] = set()
    for no, line in enumerate(lines):
        key, named = key_of(line), line.kind is BillKind.PAYMENT or bool(line.refund_number)
        if named and (key in seen or key in earlier):
            out.findings.append(_twice(no, line, books))
            continue
        seen.add(key)
        if not line.attempt_id and line.ref not in books.paid:
            out.foreign += 1
            if not shared:
                out.findings.append(_finding(Reason.NOT_OURS, no, line, "", 0))
        elif line.order_number not in reversed_here:
            _place(out, no, line, books)
    return out


def _place(out: Comparison, no: int, line: BillLine, books: Books) -> None:
    """Compare a line of an order of ours."""
    store = _store_of(line, books)
    if store is None:
        # Its provider was told the store, so that store's manager hears of it.
        told = line.store if line.store in books.stores else ""
        out.findings.append(_finding(Reason.ORDER_UNKNOWN, no, line, told, 0))
        return
    out.placed.append((no, store))
    judge = _payment if line.kind is BillKind.PAYMENT else _refund
    out.findings += judge(no, line, store, books)
    if line.store in books.stores and line.store != store:
        found = _finding(Reason.STORE_DIFFERS, no, line, store, line.amount, line.store)
        out.findings.append(found)


def _store_of(line: BillLine, books: Books) -> str | None:
    paid = books.paid.get(line.ref) if line.kind is BillKind.PAYMENT else None
    order = paid or books.orders.get(line.attempt_id)
    return order.store if order else None


def _payment(no: int, line: BillLine, store: str, books: Books) -> list[Finding]:
    ours = books.paid.get(line.ref)
    if ours is None:
        return [_finding(Reason.UNKNOWN_HERE, no, line, store, 0)]
    found = []
    if ours.attempt_id != line.attempt_id:
        found.append(_finding(Reason.ORDER_DIFFERS, no, line, store, ours.amount))
    if ours.currency != line.currency:
        words = f"{ours.currency} here, {line.currency} there"
        found.append(_finding(Reason.CURRENCY_DIFFERS, no, line, store, ours.amount, words))
    elif ours.amount != line.amount:
        found.append(_finding(Reason.AMOUNT_DIFFERS, no, line, store, ours.amount))
    if line.ref in books.booked_twice:
        found.append(_finding(Reason.BOOKED_TWICE, no, line, store, ours.amount))
    return found


def _refund(no: int, line: BillLine, store: str, books: Books) -> list[Finding]:
    ours = books.given.get((line.attempt_id, line.refund_number))
    if ours is None:
        return [_finding(Reason.REFUND_UNKNOWN, no, line, store, 0)]
    found = [_finding(Reason.REFUND_REFUSED, no, line, store, 0)] if ours.refused else []
    if ours.currency != line.currency:
        words = f"{ours.currency} here, {line.currency} there"
        found.append(_finding(Reason.CURRENCY_DIFFERS, no, line, store, ours.amount, words))
    elif ours.amount != line.amount:
        found.append(_finding(Reason.REFUND_AMOUNT_DIFFERS, no, line, store, ours.amount))
    return found


def _twice(no: int, line: BillLine, books: Books) -> Finding:
    return _finding(Reason.TWICE_THERE, no, line, _store_of(line, books) or "", line.amount)


def _finding(
    reason: Reason, no: int, line: BillLine, store: str, ours: int, detail: str = ""
) -> Finding:
    subject = line.refund_number or line.ref
    return Finding(reason, subject, store, line.attempt_id, ours, line.amount, detail, no)


def _reversed(lines: Sequence[BillLine], books: Books) -> set[str]:
    """Return orders that were paid and wholly given back on this bill, and our ledger knows neither: an
    attempt in doubt that the provider reversed at our wish. Nobody has anything there any more."""
    unheard = {
        line.order_number
        for line in lines
        if line.kind is BillKind.PAYMENT and line.attempt_id and line.ref not in books.paid
    }
    left: dict[str, int] = defaultdict(int)
    went: set[str] = set()
    for line in lines:
        if line.order_number not in unheard:
            continue
        if line.kind is BillKind.PAYMENT:
            left[line.order_number] += 0 if line.ref in books.paid else line.amount
        elif (line.attempt_id, line.refund_number) not in books.given:
            left[line.order_number] -= line.amount
            went.add(line.order_number)
    return {order for order in went if left[order] == 0}


def missing(
    paid: Iterable[Paid],
    given: Iterable[Given],
    *,
    billed: Collection[str],
    refunded: Collection[RefundKey],
    could_stand: Callable[[int], bool],
    refund_could_stand: Callable[[int], bool],
) -> list[Finding]:
    """Return what our ledger has and no bill.

    `billed` and `refunded` are what stands on any bill; a movement counts as missing once no bill that is
    still to come could have it, which `could_stand` tells by its time.
    """
    found = [
        Finding(Reason.MISSING_THERE, each.ref, each.store, each.attempt_id, each.amount, 0)
        for each in paid
        if each.ref not in billed and not could_stand(each.at_ms)
    ]
    found += [
        Finding(Reason.REFUND_MISSING, each.number, each.store, each.attempt_id, each.amount, 0)
        for each in given
        if each.done
        and (each.attempt_id, each.number) not in refunded
        and not refund_could_stand(each.at_ms)
    ]
    return found
