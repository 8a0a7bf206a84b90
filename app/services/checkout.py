"""Building a cart and turning it into a sale. Every step returns a new priced cart.

The cart's methods never wait: they do bounded look-ups and pure pricing. Only `complete` and the
drafts go to the store thread, and they answer by future.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

from app.domain.cart import Cart, Discount, DiscountKind
from app.domain.catalog import Sku
from app.domain.commission import CommissionPlan
from app.domain.ids import new_id
from app.domain.money import FULL_BP, Currency, share_of
from app.domain.people import GuideShare, Person, Role
from app.domain.pricing import PricedCart, price, reprice
from app.domain.sale import Sale, Tender, TenderKind, make_sale
from app.domain.times import Moment, business_date
from app.errors import Code, RuleBroken
from app.ports import Clock, Draft, Priority, Store, UnitOfWork

OPEN_SLOT = "open"
MEMBER_TIER = "member_tier"


class Checkout:
    """The job of selling."""

    def __init__(self, store: Store, clock: Clock, currency: Currency) -> None:
        self._store = store
        self._clock = clock
        self._currency = currency

    # --- the cart -----------------------------------------------------------------------------

    def open(self, guide_id: str = "", *, reference: str = "") -> PricedCart:
        """Return an empty cart whose id will be the sale's."""
        return price(Cart(new_id(), self._currency.code, guide_id=guide_id, reference=reference))

    def scan(self, priced: PricedCart, code: str) -> PricedCart:
        """Add what a scanned or typed code names. Raises RuleBroken(CODE_UNKNOWN)."""
        sku = self._store.reader.find_code(code)
        if sku is None:
            raise RuleBroken(Code.CODE_UNKNOWN, text=code[:40])
        return self.add(priced, sku)

    def add_sku(self, priced: PricedCart, sku_id: str, quantity: int = 1) -> PricedCart:
        """Add pieces of a SKU by its id. Raises RuleBroken(SKU_UNKNOWN)."""
        sku = self._store.reader.sku(sku_id)
        if sku is None:
            raise RuleBroken(Code.SKU_UNKNOWN, sku_id=sku_id[:40])
        return self.add(priced, sku, quantity)

    def add(
        self,
        priced: PricedCart,
        sku: Sku,
        quantity: int = 1,
        *,
        unit_mills: int | None = None,
        merge: bool = True,
    ) -> PricedCart:
        """Add pieces of a SKU, at its list price unless a unit price (mills) is given."""
        cart = priced.cart.add(sku, quantity, unit_mills=unit_mills, merge=merge)
        return reprice(priced, cart)

    def set_quantity(self, priced: PricedCart, line_no: int, quantity: int) -> PricedCart:
        """Set how many pieces a line has; 0 removes it."""
        return reprice(priced, priced.cart.with_quantity(line_no, quantity))

    def remove(self, priced: PricedCart, line_no: int) -> PricedCart:
        """Remove a line."""
        return reprice(priced, priced.cart.without(line_no))

    def set_guides(
        self, priced: PricedCart, line_no: int, guides: tuple[GuideShare, ...]
    ) -> PricedCart:
        """Set who is credited for a line."""
        return reprice(priced, priced.cart.with_line_guides(line_no, guides))

    def set_guide(self, priced: PricedCart, guide_id: str) -> PricedCart:
        """Set who is credited for lines added from now on."""
        return reprice(priced, priced.cart.with_guide(guide_id))

    def discount_line(
        self, priced: PricedCart, line_no: int, discounts: tuple[Discount, ...], actor: Person
    ) -> PricedCart:
        """Replace a line's discounts. Raises RuleBroken(MANAGER_NEEDED) beyond what a guide may give."""
        after = reprice(priced, priced.cart.with_line_discounts(line_no, discounts))
        gross = next(line.gross for line in after.lines if line.line.line_no == line_no)
        self._check_allowed(discounts, gross, actor)
        return after

    def discount_order(
        self, priced: PricedCart, discounts: tuple[Discount, ...], actor: Person
    ) -> PricedCart:
        """Replace the discounts given by hand on the whole order; a member's tier stays first."""
        tier = tuple(d for d in priced.cart.discounts if d.reason == MEMBER_TIER)
        self._check_allowed(discounts, priced.discountable, actor)
        return reprice(priced, priced.cart.with_discounts(tier + discounts))

    def attach_member(self, priced: PricedCart, member_ref: str) -> PricedCart:
        """Attach a member and give what their tier gives. Raises RuleBroken(MEMBER_UNKNOWN)."""
        member = self._store.reader.member(member_ref)
        if member is None:
            raise RuleBroken(Code.MEMBER_UNKNOWN)
        tiers = {tier.code: tier for tier in self._store.reader.tiers()}
        tier = tiers.get(member.tier)
        given: tuple[Discount, ...] = ()
        if tier is not None and tier.pays_bp < FULL_BP:
            off = FULL_BP - tier.pays_bp
            given = (Discount(DiscountKind.PERCENT_OFF, off, MEMBER_TIER, tier.code),)
        cart = priced.cart.with_member(member_ref, member.tier)
        by_hand = tuple(d for d in cart.discounts if d.reason != MEMBER_TIER)
        return reprice(priced, cart.with_discounts(given + by_hand))

    def detach_member(self, priced: PricedCart) -> PricedCart:
        """Take the member and their tier's discount off the cart."""
        cart = priced.cart.with_member("", "")
        by_hand = tuple(d for d in cart.discounts if d.reason != MEMBER_TIER)
        return reprice(priced, cart.with_discounts(by_hand))

    def _check_allowed(self, discounts: Sequence[Discount], base: int, actor: Person) -> None:
        if actor.role is Role.MANAGER:
            return
        most = {row.code: row.max_bp for row in self._store.reader.discount_reasons()}
        for discount in discounts:
            allowed = share_of(base, most.get(discount.reason, 0))
            if _worth(discount, base) > allowed:
                raise RuleBroken(
                    Code.MANAGER_NEEDED,
                    reason=discount.reason,
                    max_bp=most.get(discount.reason, 0),
                )

    # --- the sale -----------------------------------------------------------------------------

    def cash_tender(self, priced: PricedCart, given: int) -> Tender:
        """Return the cash tender for the whole total. Raises RuleBroken(CASH_NOT_ENOUGH)."""
        if given < priced.total:
            raise RuleBroken(Code.CASH_NOT_ENOUGH, missing=priced.total - given)
        return Tender(
            new_id(), TenderKind.CASH, priced.total, given=given, change=given - priced.total
        )

    def complete(
        self, priced: PricedCart, tenders: Sequence[Tender], actor: str, *, at: Moment | None = None
    ) -> Future[Sale]:
        """Make the sale durable; the future's value exists only after COMMIT.

        Completing the same cart again answers with the sale that is already there. Raises (through
        the future) RuleBroken: CART_EMPTY, SALE_UNBALANCED, REFERENCE_ALREADY_USED and
        PAYMENT_UNRESOLVED while a payment of this cart may still bring money.
        """
        moment = at or self._clock.now()
        plan = self._store.reader.plan()
        return self._store.run(
            lambda uow: record_sale(uow, priced, tenders, plan, moment, actor),
            priority=Priority.SALE,
        )

    # --- drafts -------------------------------------------------------------------------------

    def keep_draft(self, priced: PricedCart, slot: str = OPEN_SLOT) -> Future[None]:
        """Keep the cart across a crash; an empty cart keeps nothing."""
        cart, saved = priced.cart, self._clock.now().wall_ms
        if not cart.lines and not cart.member_ref:
            return self._store.run(lambda uow: uow.drop_draft(slot))
        return self._store.run(lambda uow: uow.save_draft(Draft(slot, cart, saved)))

    def park(self, priced: PricedCart) -> Future[None]:
        """Put the cart aside under its own id and free the screen."""
        cart, saved = priced.cart, self._clock.now().wall_ms

        def job(uow: UnitOfWork) -> None:
            uow.save_draft(Draft(cart.cart_id, cart, saved))
            uow.drop_draft(OPEN_SLOT)

        return self._store.run(job)

    def recall(self, slot: str) -> PricedCart | None:
        """Return a kept cart, priced again, or None."""
        for draft in self._store.reader.drafts():
            if draft.slot == slot:
                return price(draft.cart)
        return None

    def parked(self) -> tuple[Draft, ...]:
        """Return the carts put aside, newest first."""
        drafts = self._store.reader.drafts()
        mine = [d for d in drafts if d.slot != OPEN_SLOT and not d.slot.startswith("pay:")]
        return tuple(sorted(mine, key=lambda d: -d.saved_ms))

    def forget(self, slot: str) -> Future[None]:
        """Drop a kept cart."""
        return self._store.run(lambda uow: uow.drop_draft(slot))


def record_sale(
    uow: UnitOfWork,
    priced: PricedCart,
    tenders: Sequence[Tender],
    plan: CommissionPlan,
    at: Moment,
    actor: str,
) -> Sale:
    """Record the sale of a cart inside a running transaction and drop its drafts; idempotent."""
    known = uow.sale(priced.cart.cart_id)
    if known is not None:
        return known
    _refuse_while_unresolved(uow, priced.cart.cart_id, tenders)
    sale = make_sale(
        priced,
        tenders,
        plan,
        receipt_no="",
        business_date=business_date(at).isoformat(),
        at=at,
        actor=actor,
    )
    sale = replace(sale, receipt_no=uow.next_receipt_no())
    uow.record(sale)
    uow.drop_draft(OPEN_SLOT)
    uow.drop_draft(sale.sale_id)
    return sale


def _refuse_while_unresolved(uow: UnitOfWork, sale_id: str, tenders: Sequence[Tender]) -> None:
    """A cart with an open QR may not be sold another way: the customer could pay twice."""
    settled_by = {tender.attempt_id for tender in tenders}
    for attempt in uow.attempts_of(sale_id):
        if attempt.last.after.is_open and attempt.attempt_id not in settled_by:
            raise RuleBroken(Code.PAYMENT_UNRESOLVED, attempt_id=attempt.attempt_id)


def _worth(discount: Discount, base: int) -> int:
    if discount.kind is DiscountKind.PERCENT_OFF:
        return share_of(base, discount.value)
    if discount.kind is DiscountKind.PRICE:
        return max(base - discount.value, 0)
    return min(discount.value, base)
