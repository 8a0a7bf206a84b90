"""What can differ between a bill and our ledger, one way each; see `billing`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from cloud.services.reconcile.compare import Reason

if TYPE_CHECKING:
    from tests.cloud.billing import Account, Billed, Payment

STORES = ("S001", "S002", "S003")

Plant: TypeAlias = "Callable[[Account, Billed, Payment], list[Payment]]"
"""Puts one difference into a day; returns what our ledger heard."""


def plant_unknown_here(_account: Account, billed: Billed, each: Payment) -> list[Payment]:
    billed.entries.append(each.entry)
    billed.plant(Reason.UNKNOWN_HERE, each.ref)
    return []


def plant_missing_there(_account: Account, billed: Billed, each: Payment) -> list[Payment]:
    billed.plant(Reason.MISSING_THERE, each.ref)
    return [replace(each, back=0)]


def plant_amount(account: Account, billed: Billed, each: Payment) -> list[Payment]:
    off = account.dice.choice((1, 100, 12_345))
    billed.entries += [replace(each.entries[0], amount=each.amount + off), *each.entries[1:]]
    billed.plant(Reason.AMOUNT_DIFFERS, each.ref)
    return [each]


def plant_currency(_account: Account, billed: Billed, each: Payment) -> list[Payment]:
    billed.entries.append(replace(each.entry, currency="HKD"))
    billed.plant(Reason.CURRENCY_DIFFERS, each.ref)
    return [replace(each, back=0)]


def plant_order(account: Account, billed: Billed, each: Payment) -> list[Payment]:
    other = f"{account.dice.getrandbits(128):032x}"
    billed.entries.append(replace(each.entry, order=other))
    billed.plant(Reason.ORDER_DIFFERS, each.ref)
    return [replace(each, back=0)]


def plant_store(_account: Account, billed: Billed, each: Payment) -> list[Payment]:
    other = STORES[(STORES.index(each.store) + 1) % len(STORES)]
    billed.entries.append(replace(each.entry, store=other))
    billed.plant(Reason.STORE_DIFFERS, each.ref)
    return [replace(each, back=0)]


def plant_twice_there(_account: Account, billed: Billed, each: Payment) -> list[Payment]:
    billed.entries += [*each.entries, each.entry]
    billed.plant(Reason.TWICE_THERE, each.ref)
    return [each]


def plant_booked_twice(_account: Account, billed: Billed, each: Payment) -> list[Payment]:
    billed.entries.append(replace(each.entry, store=""))
    billed.plant(Reason.BOOKED_TWICE, each.ref)
    return [replace(each, back=0), replace(each, back=0, store="S009")]


def plant_order_unknown(account: Account, billed: Billed, each: Payment) -> list[Payment]:
    entry = replace(each.entry, order=f"{account.dice.getrandbits(128):032x}")
    stranger = replace(entry, ref=f"9{entry.ref[1:]}x")
    billed.entries += [*each.entries, stranger]
    billed.plant(Reason.ORDER_UNKNOWN, stranger.ref)
    return [each]


def plant_not_ours(account: Account, billed: Billed, each: Payment) -> list[Payment]:
    name = account.dice.choice(("=1+1", "@SUM(A1)", "WEB-20260301-17", "-2+3", "order no 5"))
    stranger = replace(each.entry, order=name, ref=f"8{each.ref[1:]}x", store="")
    billed.entries += [*each.entries, stranger]
    billed.plant(Reason.NOT_OURS, stranger.ref)
    return [each]


def plant_refund_unknown(account: Account, billed: Billed, each: Payment) -> list[Payment]:
    number = f"console{account.dice.getrandbits(40)}"
    stranger = replace(each.entry, amount=1, refund_number=number)
    billed.entries += [*each.entries, stranger]
    billed.plant(Reason.REFUND_UNKNOWN, number)
    return [each]


def plant_refund_missing(account: Account, billed: Billed, each: Payment) -> list[Payment]:
    each = replace(each, back=1, number=f"m{account.dice.getrandbits(60)}")
    billed.entries.append(each.entry)
    billed.plant(Reason.REFUND_MISSING, each.number)
    return [each]


def plant_refund_amount(account: Account, billed: Billed, each: Payment) -> list[Payment]:
    each = replace(each, back=each.amount, number=f"a{account.dice.getrandbits(60)}")
    wrong = replace(each.entry, amount=each.amount + 1, refund_number=each.number)
    billed.entries += [each.entry, wrong]
    billed.plant(Reason.REFUND_AMOUNT_DIFFERS, each.number)
    return [each]


PLANTS: tuple[Plant, ...] = (
    plant_unknown_here,
    plant_missing_there,
    plant_amount,
    plant_currency,
    plant_order,
    plant_store,
    plant_twice_there,
    plant_booked_twice,
    plant_order_unknown,
    plant_not_ours,
    plant_refund_unknown,
    plant_refund_missing,
    plant_refund_amount,
)
"""One of every reason."""
