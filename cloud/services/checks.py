"""Re-checks the sums of documents that already happened. Says what a person should look at; never
re-prices with today's rules and never refuses."""

from __future__ import annotations

from collections.abc import Iterable

from app.domain.catalog import LineKind
from app.domain.money import FULL_BP, MAX_MINOR, MILLS, share_of
from app.errors import Code
from app.wire.bodies import (
    Body,
    CommissionV1,
    PaymentStepV1,
    RefundStepV1,
    RefundV1,
    SaleV1,
    StockAdjustmentV1,
    TenderV1,
)

UNBALANCED = Code.SALE_UNBALANCED.value
BAD_BODY = "bad_body"
STOCK_MISMATCH = "stock_mismatch"
COMMISSION_MISMATCH = "commission_mismatch"
_GOODS = LineKind.GOODS.value
_MAX_SMALL = 2**31 - 1
"""Asked here: PostgreSQL's driver cuts off what is larger, and SQLite takes it."""


def unfit(body: Body, rec_id: str) -> str:
    """Say why a well-formed body cannot be projected at all, or "".

    Among projections are sums over a shop's history, which one vast figure would break for good.
    """
    if getattr(body, "id", None) != rec_id:
        return "id differs from rec_id"
    if isinstance(body, SaleV1 | RefundV1):
        lines = [line.no for line in body.lines]
        if len(set(lines)) != len(lines):
            return "two lines with one number"
    figures = _figures(body)
    if figures and (max(figures) > MAX_MINOR or min(figures) < -MAX_MINOR):
        return "figure too large"
    numbers = _numbers(body)
    if numbers and (max(numbers) > _MAX_SMALL or min(numbers) < -_MAX_SMALL):
        return "number too large"
    return ""


def _figures(body: Body) -> list[int]:
    """Return every amount and number of pieces of a body. Asked for each record, so in plain lists."""
    if isinstance(body, PaymentStepV1):
        return [body.amount, body.received]
    if isinstance(body, RefundStepV1):
        return [body.amount, body.cash, *(line.quantity for line in body.lines)]
    figures: list[int] = []
    if isinstance(body, SaleV1 | RefundV1 | StockAdjustmentV1):
        figures += [movement.delta for movement in body.movements]
    if isinstance(body, SaleV1):
        figures += [line.gross for line in body.lines]
    if isinstance(body, SaleV1 | RefundV1):
        figures.append(body.total)
        for line in body.lines:
            figures += (line.net, line.quantity, abs(line.unit_mills) // MILLS)
        for tender in body.tenders:
            figures += (tender.amount, tender.given, tender.change)
        for entry in body.commissions:
            figures += (entry.base, entry.amount)
    return figures


def _numbers(body: Body) -> list[int]:
    """Return every position, version and rate of a body: what the columns of 32 bits hold."""
    if isinstance(body, PaymentStepV1):
        return [body.step]
    if isinstance(body, RefundStepV1):
        return [body.step, *(line.no for line in body.lines)]
    numbers: list[int] = []
    if isinstance(body, RefundV1):
        numbers += [line.origin_line for line in body.lines]
    if isinstance(body, SaleV1 | RefundV1):
        numbers += [line.no for line in body.lines]
        for entry in body.commissions:
            numbers += (entry.line, entry.plan_version, entry.rate_bp, entry.weight_bp)
    return numbers


def doubts(body: Body) -> str:
    """Return the code of the first sum that does not hold, or ""."""
    match body:
        case SaleV1():
            return _sale_doubts(body)
        case RefundV1():
            return _refund_doubts(body)
        case _:
            return ""


def _sale_doubts(sale: SaleV1) -> str:
    """The sums of one sale, in one walk over its lines: asked for every sale there is."""
    total = goods = 0
    nets: dict[int, int] = {}
    for line in sale.lines:
        off = line.gross
        for reason in line.reasons:
            off -= reason.amount
        if off != line.net:
            return UNBALANCED
        nets[line.no] = line.net
        total += line.net
        if line.kind == _GOODS:
            goods += line.quantity
    if total != sale.total or not _tenders_hold(sale.tenders, sale.total):
        return UNBALANCED
    for movement in sale.movements:
        goods += movement.delta
    if goods:
        return STOCK_MISMATCH
    return "" if _commissions_hold(sale.commissions, nets) else COMMISSION_MISMATCH


def _refund_doubts(refund: RefundV1) -> str:
    lines = sum(line.net for line in refund.lines)
    if lines != refund.total or not _tenders_hold(refund.tenders, refund.total):
        return UNBALANCED
    goods = sum(line.quantity for line in refund.lines if line.kind == LineKind.GOODS)
    if not 0 <= sum(movement.delta for movement in refund.movements) <= goods:
        return STOCK_MISMATCH  # less than all may come back: damaged goods are not restocked
    return ""


def _tenders_hold(tenders: Iterable[TenderV1], total: int) -> bool:
    amount = 0
    for tender in tenders:
        amount += tender.amount
        if tender.kind == "cash" and tender.given - tender.change != tender.amount:
            return False
    return amount == total


def _commissions_hold(entries: Iterable[CommissionV1], nets: dict[int, int]) -> bool:
    """Every entry stands on a line with that net, and the guides' parts make up the line's whole.

    The rate is the record's own: what it should have been is not asked here.
    """
    wholes: dict[int, int] = {}
    weights: dict[int, int] = {}
    for entry in entries:
        line = entry.line
        if entry.base != nets.get(line):
            return False
        if line not in wholes:
            wholes[line], weights[line] = share_of(entry.base, entry.rate_bp), FULL_BP
        wholes[line] -= entry.amount
        weights[line] -= entry.weight_bp
    return not any(wholes.values()) and not any(weights.values())
