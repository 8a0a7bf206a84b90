"""Stock at the till: the matrix of own and other stores, and movements that belong to no sale."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from app.domain.cart import MAX_QUANTITY, Cart
from app.domain.catalog import Matrix, Sku
from app.domain.ids import new_id
from app.domain.stock import MovementKind, StockAdjustment, StockMovement
from app.domain.text import check_reason, check_reference
from app.domain.times import Moment, business_date
from app.errors import Code, RuleBroken
from app.ports import Clock, Reader, Store, UnitOfWork
from app.services.standing import refuse_revoked

_SIGNS = {MovementKind.WRITE_OFF: -1, MovementKind.FOUND: 1, MovementKind.RECEIVED: 1}


@dataclass(frozen=True, slots=True)
class Shortage:
    """Goods of which more are wanted than are here; `here` may be below zero."""

    sku: Sku
    wanted: int
    here: int


def shortages(reader: Reader, cart: Cart) -> tuple[Shortage, ...]:
    """Return of which goods of a cart too few are here, as far as this till knows figures of them."""
    wanted: dict[str, int] = {}
    for line in cart.lines:
        wanted[line.sku.sku_id] = wanted.get(line.sku.sku_id, 0) + line.quantity
    here = reader.own_stock(list(wanted))
    skus = {line.sku.sku_id: line.sku for line in cart.lines}
    return tuple(
        Shortage(skus[sku_id], pieces, here[sku_id])
        for sku_id, pieces in wanted.items()
        if here.get(sku_id, pieces) < pieces
    )


class Stock:
    """The job of telling what is there."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def matrix(self, style_no: str) -> Matrix:
        """Return a style's colour × size matrix. Raises RuleBroken(STYLE_UNKNOWN)."""
        matrix = self._store.reader.matrix(style_no)
        if matrix is None:
            raise RuleBroken(Code.STYLE_UNKNOWN)
        return matrix

    def adjust(
        self,
        moves: Sequence[tuple[str, int]],
        *,
        kind: MovementKind,
        reason: str,
        actor: str,
        reference: str = "",
        at: Moment | None = None,
    ) -> Future[StockAdjustment]:
        """Record pieces that moved without a sale: (SKU id, signed pieces).

        Raises RuleBroken: QUANTITY_INVALID for nothing, for too much, and for a sign that does not fit
        the kind (written off is minus, found and received plus; sale and return are never adjusted),
        TEXT_* for a reason that is no code or a reference that cannot be kept.
        """
        sign = _SIGNS.get(kind, 0)
        if not moves or any(not 1 <= delta * sign <= MAX_QUANTITY for _, delta in moves):
            raise RuleBroken(Code.QUANTITY_INVALID, kind=kind.value)
        check_reason(reason)
        check_reference(reference)
        moment = at or self._clock.now()
        fact = StockAdjustment(
            adjustment_id=new_id(),
            at=moment,
            business_date=business_date(moment).isoformat(),
            actor=actor,
            reason=reason,
            movements=tuple(StockMovement(sku, delta, kind) for sku, delta in moves),
            reference=reference,
        )

        def job(uow: UnitOfWork) -> StockAdjustment:
            refuse_revoked(uow)
            uow.record(fact)
            return fact

        return self._store.run(job)
