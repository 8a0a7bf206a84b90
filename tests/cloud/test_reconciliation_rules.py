"""The worked table of RECONCILIATION.md holds, row by row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cloud.gateways.base import BillKind, BillLine
from cloud.services import reconcile
from cloud.services.reconcile.compare import ACTS, Books, Given, Order, Paid, compare, missing

PAGE = Path(reconcile.__file__).with_name("RECONCILIATION.md")
A, B, NOBODY = "attempt-a", "attempt-b", "attempt-nobody"
ROW = re.compile(r"\| ([^|]+) \| ([^|]+) \| (\w+|–) \| (\w+|–) \|")
_ORDERS = {"of B": B, "of nobody": NOBODY, "of others": ""}


def rows() -> list[tuple[str, ...]]:
    table = PAGE.read_text("utf-8").split("## The table")[1]
    return [found.groups() for found in ROW.finditer(table) if found[1] != "ledger"][1:]


def line(said: str) -> BillLine:
    """Read "P 10000 at S002"."""
    kind, amount, *rest = said.split(" ", 2)
    words = rest[0] if rest else ""
    attempt = _ORDERS.get(words, A)
    is_refund = kind == "R"
    return BillLine(
        kind=BillKind.REFUND if is_refund else BillKind.PAYMENT,
        attempt_id=attempt,
        order_number=attempt or "WEB-1",
        ref="p1",
        amount=int(amount),
        fee_mills=0,
        at_ms=5,
        refund_number="r1" if is_refund else "",
        currency="HKD" if words == "HKD" else "CNY",
        store="S002" if words == "at S002" else "S001",
    )


def books(said: str) -> Books:
    paid, given, twice = {}, {}, set()
    for each in said.split(", ") if said != "–" else []:
        kind, amount, *rest = each.split(" ")
        if kind == "P":
            paid["p1"] = Paid("S001", A, "p1", int(amount), "CNY", 5)
            twice = {"p1"} if rest == ["twice"] else set()
        else:
            no = rest == ["refused"]
            given[A, "r1"] = Given("S001", A, "r1", int(amount), "CNY", not no, 5, no)
    orders = {A: Order("S001", "CNY"), B: Order("S001", "CNY")}
    return Books(paid, given, orders, twice, {"S001", "S002"})


@pytest.mark.parametrize(("ledger", "bill", "reason", "act"), rows())
def test_a_row(ledger: str, bill: str, reason: str, act: str):
    ours = books(ledger)
    lines = [line(each) for each in bill.split(", ")] if bill != "–" else []
    found = compare(lines, ours).findings
    found += missing(
        ours.paid.values(),
        ours.given.values(),
        billed={each.ref for each in lines},
        refunded={(each.attempt_id, each.refund_number) for each in lines},
        could_stand=lambda _at: False,
        refund_could_stand=lambda _at: False,
    )
    wanted = [] if reason == "–" else [(reason, act)]
    assert [(each.reason.value, each.act.value) for each in found] == wanted


def test_the_table_shows_every_reason():
    assert {reason for _, _, reason, _ in rows()} == {"–"} | {each.value for each in ACTS}
