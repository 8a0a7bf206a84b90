"""Building a cart and turning it into a sale. Every step returns a new priced cart.

The cart's methods never wait: they do bounded look-ups and pure pricing. Only `complete` and the
drafts go to the store thread, and they answer by future.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace

from app.domain.cart import Cart, Discount, DiscountKind
from app.domain.catalog import Sku
from app.domain.commission import CommissionPlan
from app.domain.ids import new_id
from app.domain.money import FULL_BP, MAX_MINOR, Currency, share_of
from app.domain.payment import PAID_STATES, State
from app.domain.people import GuideShare, Person, Role
from app.domain.pricing import PricedCart, Reason, price, reprice
from app.domain.sale import Sale, Tender, TenderKind, make_sale
from app.domain.times import Moment, business_date
from app.errors import Code, RuleBroken
from app.ports import Attempt, Clock, Draft, Priority, Reader, Store, UnitOfWork
from app.services.standing import refuse_revoked

OPEN_SLOT = "open"
FROZEN = "pay:"
"""Slots beginning so hold the frozen carts of payment attempts."""

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
        given = _allowed_by(actor, discounts)
        after = reprice(priced, priced.cart.with_line_discounts(line_no, given))
        check_discounts(after, self._store.reader)
        return after

    def discount_order(
        self, priced: PricedCart, discounts: tuple[Discount, ...], actor: Person
    ) -> PricedCart:
        """Replace the discounts given by hand on the whole order; a member's tier stays first."""
        tier = tuple(d for d in priced.cart.discounts if d.rule)
        given = _allowed_by(actor, discounts)
        after = reprice(priced, priced.cart.with_discounts(tier + given))
        check_discounts(after, self._store.reader)
        return after

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
        return reprice(priced, cart.with_discounts(given + _by_hand(cart.discounts)))

    def detach_member(self, priced: PricedCart) -> PricedCart:
        """Take the member and their tier's discount off the cart."""
        cart = priced.cart.with_member("", "")
        return reprice(priced, cart.with_discounts(_by_hand(cart.discounts)))

    # --- the sale -----------------------------------------------------------------------------

    def cash_tender(self, priced: PricedCart, given: int) -> Tender:
        """Return the cash tender for the whole total.

        Raises RuleBroken: CASH_NOT_ENOUGH, AMOUNT_TOO_LARGE, AMOUNT_INVALID for a total below zero
        (money is given back by a refund, never by a sale).
        """
        if priced.total < 0:
            raise RuleBroken(Code.AMOUNT_INVALID, amount=priced.total)
        if given < priced.total:
            raise RuleBroken(Code.CASH_NOT_ENOUGH, missing=priced.total - given)
        if given > MAX_MINOR:
            raise RuleBroken(Code.AMOUNT_TOO_LARGE)
        return Tender(
            new_id(), TenderKind.CASH, priced.total, given=given, change=given - priced.total
        )

    def complete(
        self, priced: PricedCart, tenders: Sequence[Tender], actor: str, *, at: Moment | None = None
    ) -> Future[Sale]:
        """Make the sale durable; the future's value exists only after COMMIT.

        Completing the same cart again answers with the sale that is already there. Raises (through
        the future) RuleBroken: CART_EMPTY, SALE_UNBALANCED, REFERENCE_ALREADY_USED, MANAGER_NEEDED,
        PAYMENT_NOT_CONFIRMED for a QR tender whose attempt is not paid, and PAYMENT_UNRESOLVED while
        a payment of this cart may still bring money, or brought it and waits for a person. Raises
        Trouble(DEVICE_REVOKED) unless the customer has already paid by phone.
        """
        moment = at or self._clock.now()

        def job(uow: UnitOfWork) -> Sale:
            reader = self._store.reader
            check_discounts(priced, reader)
            return record_sale(uow, priced, tenders, reader.plan(), moment, actor)

        return self._store.run(job, priority=Priority.SALE)

    # --- drafts -------------------------------------------------------------------------------

    def keep_draft(self, priced: PricedCart, slot: str = OPEN_SLOT) -> Future[None]:
        """Keep the cart across a crash; an empty cart, or one sold meanwhile, keeps nothing."""
        cart, saved = priced.cart, self._clock.now().wall_ms

        def job(uow: UnitOfWork) -> None:
            if not (cart.lines or cart.member_ref) or uow.sale(cart.cart_id) is not None:
                uow.drop_draft(slot)
            else:
                uow.save_draft(Draft(slot, cart, saved))

        return self._store.run(job)

    def park(self, priced: PricedCart) -> Future[None]:
        """Put the cart aside under its own id and free the screen."""
        cart, saved = priced.cart, self._clock.now().wall_ms

        def job(uow: UnitOfWork) -> None:
            if uow.sale(cart.cart_id) is None:
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
        mine = [d for d in drafts if d.slot != OPEN_SLOT and not d.slot.startswith(FROZEN)]
        return tuple(sorted(mine, key=lambda d: -d.saved_ms))

    def forget(self, slot: str) -> Future[None]:
        """Drop a kept cart."""
        return self._store.run(lambda uow: uow.drop_draft(slot))


def frozen_slot(attempt_id: str) -> str:
    """Return the slot in which the cart of a payment attempt is kept."""
    return FROZEN + attempt_id


def check_discounts(priced: PricedCart, reader: Reader) -> None:
    """Raise RuleBroken(MANAGER_NEEDED) if what guides gave by hand is more than their reasons allow.

    Judged on the amounts really taken off, all together: discounts stack, and an amount that was small
    becomes large when pieces are taken out of the cart. Together they may come to what the most
    generous of their reasons allows, each reason to its own limit.
    """
    lines = [_by_guides(x.line.discounts, x.reasons) for x in priced.lines]
    order = _by_guides(priced.cart.discounts, priced.order_reasons)
    if not (order or any(lines)):
        return
    most = {row.code: row.max_bp for row in reader.discount_reasons()}
    for line, given in zip(priced.lines, lines, strict=True):
        _check_limit(given, line.gross, most)
    _check_limit(order, priced.discountable, most)
    if order:
        everything = [reason for given in lines for reason in given] + order
        goods = sum(line.gross for line in priced.lines if line.gross > 0)
        _check_limit(everything, goods, most, slack=len(everything))


def record_sale(
    uow: UnitOfWork,
    priced: PricedCart,
    tenders: Sequence[Tender],
    plan: CommissionPlan,
    at: Moment,
    actor: str,
) -> Sale:
    """Record the sale of a cart inside a running transaction and drop its drafts; idempotent."""
    sale_id = priced.cart.cart_id
    known = uow.sale(sale_id)
    if known is not None:
        return known
    if not any(tender.attempt_id for tender in tenders):
        refuse_revoked(uow)  # what a customer has paid by phone is recorded all the same
    attempts = uow.attempts_of(sale_id)
    _check_paid(attempts, tenders)
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
    drop_drafts(uow, sale_id, attempts)
    return sale


def drop_drafts(uow: UnitOfWork, sale_id: str, attempts: Sequence[Attempt]) -> None:
    """Drop the carts that became a sale: on screen, parked, frozen for a payment."""
    on_screen = uow.draft(OPEN_SLOT)
    if on_screen is not None and on_screen.cart_id == sale_id:
        uow.drop_draft(OPEN_SLOT)
    for slot in (sale_id, *(frozen_slot(attempt.attempt_id) for attempt in attempts)):
        uow.drop_draft(slot)


def _check_paid(attempts: Sequence[Attempt], tenders: Sequence[Tender]) -> None:
    """A QR tender is only as good as its attempt, and no cart is paid in two ways.

    With a confirmed attempt in hand the sale is always made: what else came for the same cart is
    money on top and waits in the inbox.
    """
    paying = [tender for tender in tenders if tender.kind is TenderKind.QR or tender.attempt_id]
    known = {attempt.attempt_id: attempt.last for attempt in attempts}
    for tender in paying:
        step = known.pop(tender.attempt_id, None)
        paid = step is not None and step.after.state is State.CONFIRMED
        if step is None or not paid or step.amount != tender.amount:
            raise RuleBroken(Code.PAYMENT_NOT_CONFIRMED, attempt_id=tender.attempt_id)
    if paying:
        return
    for attempt_id, step in known.items():
        if step.after.is_open or step.after.state in PAID_STATES - {State.REFUNDED}:
            raise RuleBroken(Code.PAYMENT_UNRESOLVED, attempt_id=attempt_id)


def _allowed_by(actor: Person, discounts: Sequence[Discount]) -> tuple[Discount, ...]:
    """Return discounts as this person gives them: by no rule, with a manager's name if one did."""
    name = actor.person_id if actor.role is Role.MANAGER else ""
    return tuple(replace(d, rule="", allowed_by=name) for d in discounts)


def _by_hand(discounts: Sequence[Discount]) -> tuple[Discount, ...]:
    return tuple(d for d in discounts if not d.rule)


def _by_guides(discounts: Sequence[Discount], reasons: Sequence[Reason]) -> list[Reason]:
    """Return what was taken off by discounts that no rule and no manager gave."""
    pairs = zip(discounts, reasons, strict=True)
    return [reason for given, reason in pairs if not given.rule and not given.allowed_by]


def _check_limit(
    given: Sequence[Reason], base: int, most: Mapping[str, int], slack: int = 0
) -> None:
    """`slack` allows for the rounding of each line when a whole order is looked at."""
    taken: dict[str, int] = {}
    for reason in given:
        taken[reason.code] = taken.get(reason.code, 0) + reason.amount
    widest = max((most.get(code, 0) for code in taken), default=0)
    for code, amount in taken.items():
        if amount > share_of(base, most.get(code, 0)) + slack:
            raise RuleBroken(Code.MANAGER_NEEDED, reason=code, max_bp=most.get(code, 0))
    if sum(taken.values()) > share_of(base, widest) + slack:
        raise RuleBroken(Code.MANAGER_NEEDED, max_bp=widest)
