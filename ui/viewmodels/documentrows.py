"""Turns a sale or refund into rows of words: lines, why each price, how paid, who earned what.

Pure but for the words. Each commission explains itself: base × rate × share = amount.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.domain.commission import Commission
from app.domain.facts import RefundStep
from app.domain.money import FULL_BP, MILLS, half_away
from app.domain.pricing import Reason
from app.domain.refund import Refund, RefundLine
from app.domain.sale import Sale, SaleLine, Tender, TenderKind
from ui.bridge import Row
from ui.text import Words
from ui.viewmodels.feewords import wallet_words
from ui.viewmodels.naming import Naming
from ui.viewmodels.waysback import standing_line

PART_ROLES = ("key", "kind", "text", "detail", "amount")
"""`kind` is head, line, reason, total, tender or commission."""

Document = Sale | Refund


def document_rows(
    document: Document,
    words: Words,
    naming: Naming,
    *,
    for_customer: bool = False,
    back: RefundStep | None = None,
    sold: Sale | None = None,
) -> list[Row]:
    """Return a document as rows in reading order; a customer's copy says nothing of commission. `back` is
    where the money stands that goes back by the way it came, `sold` the sale of a return."""
    rows = [*_line_rows(document, words, naming.reasons(), sold)]
    refund = isinstance(document, Refund)
    if isinstance(document, Refund) and document.reason:
        why = words.reason(document.reason)
        rows.append(_row("why", "tender", words.say("history.reason"), why))
    total = -document.total if refund else document.total
    said = words.say("history.refunded_total" if refund else "history.total")
    rows.append(_row("total", "total", said, amount=words.amount(total)))
    for tender in document.tenders:
        rows.append(_tender_row(tender, words, refund=refund))
    if back is not None:
        rows.append(_row("back", "tender", standing_line(words, back), back.word))
    if isinstance(document, Refund) and document.cash_reason:
        why = words.reason(document.cash_reason)
        rows.append(_row("cash_why", "tender", words.say("history.cash_reason"), why))
    if not for_customer:
        rows += _commission_rows(document, words, naming.people())
    return rows


def explain(entry: Commission, words: Words) -> str:
    """Return an entry's own sum: "¥129.00 × 3% × 50% = ¥1.94"."""
    return explained(entry.base, entry.rate_bp, entry.weight_bp, entry.amount, words)


def explained(base: int, rate_bp: int, weight_bp: int, amount: int, words: Words) -> str:
    """Return a commission's sum in words, with the fen that splitting it left over, if any."""
    key = "commission.explained_alone" if weight_bp == FULL_BP else "commission.explained"
    said = words.say(key, base=base, rate=rate_bp, weight=weight_bp, amount=amount)
    exact = half_away(base * rate_bp * weight_bp, FULL_BP * FULL_BP)
    if exact == amount:
        return said
    return said + words.say("commission.remainder", rest=amount - exact)


def _line_rows(
    document: Document, words: Words, reasons: Mapping[str, str], sold: Sale | None
) -> Iterator[Row]:
    # A return's own lines know their colours in Chinese alone.
    colours = {line.colour: line.colour_en for line in sold.lines} if sold else {}
    yield _row("head:lines", "head", words.say("history.lines"))
    for line in document.lines:
        sign = -1 if isinstance(line, RefundLine) else 1
        yield _row(
            f"line:{line.line_no}",
            "line",
            words.name(line.name, line.name_en),
            _line_detail(line, words, colours),
            words.amount(sign * line.net),
        )
        if isinstance(line, SaleLine):
            for number, reason in enumerate(line.reasons):
                yield _reason_row(line.line_no, number, reason, words, reasons)


def _line_detail(line: SaleLine | RefundLine, words: Words, colours: Mapping[str, str]) -> str:
    own = line.colour_en if isinstance(line, SaleLine) else colours.get(line.colour, "")
    colour = words.name(line.colour, own)
    price = words.amount(half_away(line.unit_mills, MILLS))
    pieces = words.say("history.pieces_at", n=line.quantity, price=price)
    rounded = words.say("history.unit_rounded") if line.rounded else ""
    return words.join(colour, words.size(line.size), pieces + rounded)


def _reason_row(
    line_no: int, number: int, reason: Reason, words: Words, names: Mapping[str, str]
) -> Row:
    name = words.reason(reason.code, names.get(reason.code, ""), names.get(reason.code, ""))
    rate = words.rate_off(reason.rate_bp) if reason.rate_bp else ""
    whole = words.say("history.order_part") if reason.on_order else ""
    return _row(
        f"reason:{line_no}:{number}",
        "reason",
        words.join(name, rate, whole),
        amount=words.amount(-reason.amount),
    )


def _tender_row(tender: Tender, words: Words, *, refund: bool) -> Row:
    detail = ""
    if tender.kind is TenderKind.CASH and tender.change:
        detail = words.say("history.cash_detail", given=tender.given, change=tender.change)
    amount = -tender.amount if refund else tender.amount
    return _row(
        f"tender:{tender.tender_id}",
        "tender",
        words.say(f"tender.{tender.kind.value}"),
        detail or wallet_words(tender.provider, "", words),
        words.amount(amount),
    )


def _commission_rows(document: Document, words: Words, people: Mapping[str, str]) -> Iterator[Row]:
    yield _row("head:commission", "head", words.say("history.commission"))
    if not document.commissions:
        yield _row("commission:none", "commission", words.say("history.no_commission"))
    names = {line.line_no: words.name(line.name, line.name_en) for line in document.lines}
    for number, entry in enumerate(document.commissions):
        yield _row(
            f"commission:{number}",
            "commission",
            words.join(people.get(entry.guide_id, entry.guide_id), names.get(entry.line_no, "")),
            explain(entry, words),
            words.amount(entry.amount),
        )


def _row(key: str, kind: str, text: str, detail: str = "", amount: str = "") -> Row:
    return {"key": key, "kind": kind, "text": text, "detail": detail, "amount": amount}
