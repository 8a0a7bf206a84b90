"""Giving money back: lines of earlier sales, or goods without a receipt.

Whatever goes back by the way it came is recorded here too, once its provider has accepted (`giving_back`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from app.domain.catalog import Sku
from app.domain.facts import RefundStep
from app.domain.ids import new_id
from app.domain.money import Currency
from app.domain.money_back import Back
from app.domain.people import Person, Role
from app.domain.refund import (
    BlindReturn,
    Refund,
    ReturnedPart,
    SoldLine,
    make_refund,
    way_back,
)
from app.domain.sale import Sale, Tender, TenderKind
from app.domain.times import Moment, business_date
from app.errors import Code, RuleBroken
from app.ports import Clock, Priority, Store, UnitOfWork
from app.services.standing import refuse_revoked


@dataclass(frozen=True, slots=True)
class WantedReturn:
    """What the customer brings back: pieces of a SKU, at what unit price in mills."""

    sku: Sku
    quantity: int
    unit_mills: int


@dataclass(frozen=True, slots=True)
class _Paper:
    """What stands on a refund besides its lines and tenders."""

    refund_id: str
    at: Moment
    actor: str
    reason: str
    member_ref: str
    reference: str = ""
    cash_reason: str = ""


class Refunds:
    """The job of giving money back. Answers by future; the refund exists only after COMMIT."""

    def __init__(self, store: Store, clock: Clock, currency: Currency) -> None:
        self._store = store
        self._clock = clock
        self._currency = currency

    @property
    def currency(self) -> str:
        """The code of the currency this till gives back in."""
        return self._currency.code

    def of_sale(
        self,
        sale_id: str,
        quantities: Mapping[int, int],
        *,
        reason: str,
        actor: str,
        refund_id: str = "",
        cash_reason: str = "",
    ) -> Future[Refund]:
        """Give lines of one sale back in cash: line number → pieces.

        With a `refund_id` chosen when the return was begun, doing it twice gives the same refund. Where
        money could go back by the way it came, cash needs a `cash_reason`.
        Raises RuleBroken: SALE_UNKNOWN, LINE_UNKNOWN, REFUND_EMPTY, QUANTITY_INVALID,
        REFUND_EXCEEDS_SALE, REFUND_UNDER_WAY, CASH_NEEDS_REASON, TEXT_* for a reason that is no code.
        """
        asked = dict(quantities)

        def job(uow: UnitOfWork) -> Refund:
            known = self._store.reader.document(refund_id) if refund_id else None
            if isinstance(known, Refund):
                return known
            sale, parts = returned_parts(uow, sale_id, asked)
            refuse_second_way(uow, sale_id)
            total = sum(_worth(part) for part in parts)
            way = way_back(total, sale, gone_of(uow, sale))
            if way.wallet and not cash_reason:
                raise RuleBroken(Code.CASH_NEEDS_REASON)
            at = self._clock.now()
            paper = _Paper(refund_id or new_id(), at, actor, reason, sale.member_ref)
            paper = replace(paper, cash_reason=cash_reason)
            return self._record(uow, parts, paper, currency=sale.currency)

        return self._store.run(job, priority=Priority.SALE)

    def returnable(self, sale_id: str) -> Future[tuple[SoldLine, ...]]:
        """Return the lines of a sale with what has already come back of each; empty if unknown."""
        return self._store.run(lambda uow: uow.sold_lines(sale_id))

    def at_the_counter(
        self,
        sale_id: str,
        quantities: Mapping[int, int],
        *,
        reason: str,
        manager: Person,
        refund_id: str,
        cash_reason: str = "",
    ) -> Future[Refund]:
        """Do `of_sale` as the person at the till asks for it: the original tender first, cash instead
        for a reason. Raises RuleBroken(MANAGER_NEEDED)."""
        if manager.role is not Role.MANAGER:
            raise RuleBroken(Code.MANAGER_NEEDED, max_bp=0)
        return self.of_sale(
            sale_id,
            quantities,
            reason=reason,
            actor=manager.person_id,
            refund_id=refund_id,
            cash_reason=cash_reason,
        )

    def record_accepted(self, uow: UnitOfWork, step: RefundStep) -> Refund:
        """Record the refund of a sale whose provider has accepted to give its part back."""
        sale, parts = returned_parts(uow, step.sale_id, dict(step.lines))
        tenders = [
            Tender(new_id(), TenderKind.QR, step.amount, 0, 0, step.attempt_id, step.provider)
        ]
        if step.cash:
            tenders.append(Tender(new_id(), TenderKind.CASH, step.cash, given=step.cash))
        paper = _Paper(step.refund_id, step.at, step.actor, step.reason, sale.member_ref)
        return self._write(uow, parts, paper, tenders, sale.currency)

    def bring_back(
        self,
        wanted: Sequence[WantedReturn],
        *,
        reason: str,
        actor: str,
        member_ref: str = "",
        reference: str = "",
        tender: TenderKind = TenderKind.CASH,
        at: Moment | None = None,
    ) -> Future[Refund]:
        """Give back what a known customer returns without naming the receipt.

        Each wanted line is matched with the newest sale of that SKU to this member at the same unit
        price that still holds as many pieces and is worth exactly that; what matches none is a
        return without receipt. Without a member nothing is matched.
        """

        paper = _Paper(new_id(), at or self._clock.now(), actor, reason, member_ref, reference)
        items = tuple(wanted)

        def job(uow: UnitOfWork) -> Refund:
            used: set[tuple[str, int]] = set()
            found: list[ReturnedPart | BlindReturn] = []
            for item in items:
                match = _matching(uow, item, member_ref, used)
                if match is None:
                    found.append(BlindReturn(item.sku, item.quantity, item.unit_mills))
                else:
                    used.add((match.sale_id, match.line.line_no))
                    found.append(ReturnedPart(match, item.quantity))
            return self._record(uow, found, paper, currency=self._currency.code, tender=tender)

        return self._store.run(job, priority=Priority.SALE)

    def _record(
        self,
        uow: UnitOfWork,
        parts: Sequence[ReturnedPart | BlindReturn],
        paper: _Paper,
        *,
        currency: str,
        tender: TenderKind = TenderKind.CASH,
    ) -> Refund:
        refuse_revoked(uow)
        total = sum(_worth(part) for part in parts)
        given = total if tender is TenderKind.CASH else 0
        tenders = [Tender(new_id(), tender, total, given=given)]
        return self._write(uow, parts, paper, tenders, currency)

    def _write(
        self,
        uow: UnitOfWork,
        parts: Sequence[ReturnedPart | BlindReturn],
        paper: _Paper,
        tenders: Sequence[Tender],
        currency: str,
    ) -> Refund:
        refund = make_refund(
            paper.refund_id,
            parts,
            tenders,
            receipt_no=uow.next_receipt_no(),
            business_date=business_date(paper.at).isoformat(),
            at=paper.at,
            actor=paper.actor,
            currency=currency,
            reason=paper.reason,
            member_ref=paper.member_ref,
            reference=paper.reference,
            cash_reason=paper.cash_reason,
        )
        uow.record(refund)
        return refund


def returned_parts(
    uow: UnitOfWork, sale_id: str, pieces: Mapping[int, int]
) -> tuple[Sale, list[ReturnedPart]]:
    """Return a sale and what is to come back of it. Raises RuleBroken: SALE_UNKNOWN, LINE_UNKNOWN."""
    sale = uow.sale(sale_id)
    if sale is None:
        raise RuleBroken(Code.SALE_UNKNOWN)
    sold = {line.line.line_no: line for line in uow.sold_lines(sale_id)}
    return sale, [ReturnedPart(_line(sold, no), quantity) for no, quantity in pieces.items()]


def worth(parts: Sequence[ReturnedPart]) -> int:
    """Return what giving these back is worth, in minor units."""
    return sum(_worth(part) for part in parts)


def gone_of(uow: UnitOfWork, sale: Sale) -> dict[str, int]:
    """Return what documents say has gone back of a sale so far, by attempt."""
    return {
        tender.attempt_id: uow.gone_back(tender.attempt_id)
        for tender in sale.tenders
        if tender.attempt_id
    }


def refuse_second_way(uow: UnitOfWork, sale_id: str) -> None:
    """Raise RuleBroken(REFUND_UNDER_WAY) while a refund of a sale has no answer: what it took may be
    given back, so nothing of the sale is given back a second time."""
    for step in uow.money_back_of_sale(sale_id):
        if step.refund_id and step.standing is Back.UNKNOWN:
            raise RuleBroken(Code.REFUND_UNDER_WAY, number=step.number)


def _line(sold: dict[int, SoldLine], line_no: int) -> SoldLine:
    if line_no not in sold:
        raise RuleBroken(Code.LINE_UNKNOWN, line_no=line_no)
    return sold[line_no]


def _matching(
    uow: UnitOfWork, item: WantedReturn, member_ref: str, used: set[tuple[str, int]]
) -> SoldLine | None:
    if not member_ref:
        return None
    asked = BlindReturn(item.sku, item.quantity, item.unit_mills)
    for sold in uow.sold_of_sku(item.sku.sku_id, member_ref):
        left = sold.line.quantity - sold.quantity_returned
        if (
            sold.line.unit_mills == item.unit_mills
            and left >= item.quantity
            and (sold.sale_id, sold.line.line_no) not in used
            and sold.value_of(item.quantity) == asked.value
            and not _under_way(uow, sold.sale_id)
        ):
            return sold
    return None


def _under_way(uow: UnitOfWork, sale_id: str) -> bool:
    try:
        refuse_second_way(uow, sale_id)
    except RuleBroken:
        return True
    return False


def _worth(part: ReturnedPart | BlindReturn) -> int:
    return part.sold.value_of(part.quantity) if isinstance(part, ReturnedPart) else part.value
