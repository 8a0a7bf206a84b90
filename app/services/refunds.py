"""Giving money back: lines of earlier sales, or goods without a receipt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from app.domain.catalog import Sku
from app.domain.ids import new_id
from app.domain.money import Currency
from app.domain.people import Person, Role
from app.domain.refund import BlindReturn, Refund, ReturnedPart, SoldLine, make_refund
from app.domain.sale import Tender, TenderKind
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


class Refunds:
    """The job of giving money back. Answers by future; the refund exists only after COMMIT."""

    def __init__(self, store: Store, clock: Clock, currency: Currency) -> None:
        self._store = store
        self._clock = clock
        self._currency = currency

    def of_sale(
        self,
        sale_id: str,
        quantities: Mapping[int, int],
        *,
        reason: str,
        actor: str,
        refund_id: str = "",
    ) -> Future[Refund]:
        """Give lines of one sale back in cash: line number → pieces.

        With a `refund_id` chosen when the return was begun, doing it twice gives the same refund.
        Raises RuleBroken: SALE_UNKNOWN, LINE_UNKNOWN, REFUND_EMPTY, QUANTITY_INVALID,
        REFUND_EXCEEDS_SALE, TEXT_* for a reason that is no code.
        """
        asked = dict(quantities)

        def job(uow: UnitOfWork) -> Refund:
            known = self._store.reader.document(refund_id) if refund_id else None
            if isinstance(known, Refund):
                return known
            sale = uow.sale(sale_id)
            if sale is None:
                raise RuleBroken(Code.SALE_UNKNOWN)
            sold = {line.line.line_no: line for line in uow.sold_lines(sale_id)}
            return self._record(
                uow,
                [ReturnedPart(_line(sold, no), quantity) for no, quantity in asked.items()],
                _Paper(refund_id or new_id(), self._clock.now(), actor, reason, sale.member_ref),
                currency=sale.currency,
            )

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
    ) -> Future[Refund]:
        """Do `of_sale` as the person at the till asks for it. Raises RuleBroken(MANAGER_NEEDED)."""
        if manager.role is not Role.MANAGER:
            raise RuleBroken(Code.MANAGER_NEEDED, max_bp=0)
        return self.of_sale(
            sale_id, quantities, reason=reason, actor=manager.person_id, refund_id=refund_id
        )

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
        refund = make_refund(
            paper.refund_id,
            parts,
            [Tender(new_id(), tender, total, given=given)],
            receipt_no=uow.next_receipt_no(),
            business_date=business_date(paper.at).isoformat(),
            at=paper.at,
            actor=paper.actor,
            currency=currency,
            reason=paper.reason,
            member_ref=paper.member_ref,
            reference=paper.reference,
        )
        uow.record(refund)
        return refund


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
        ):
            return sold
    return None


def _worth(part: ReturnedPart | BlindReturn) -> int:
    return part.sold.value_of(part.quantity) if isinstance(part, ReturnedPart) else part.value
