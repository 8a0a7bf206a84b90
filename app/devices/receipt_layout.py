"""A receipt as rows from top to bottom: what stands where, in which words. Knows no pixel.

The words of a language come from outside; nothing here is written for people to read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto

from app.domain.catalog import LineKind
from app.domain.money import CURRENCIES, MILLS, Currency, plain_amount, show_amount
from app.domain.receipt import Receipt
from app.domain.refund import Refund, RefundLine
from app.domain.sale import Sale, SaleLine, TenderKind
from app.domain.times import SHOP_ZONE
from app.ports import ReceiptWords

_FULL_BP = 100


class Face(Enum):
    """How large and heavy a row is written."""

    SMALL = auto()
    PLAIN = auto()
    BOLD = auto()
    LARGE = auto()


@dataclass(frozen=True, slots=True)
class Pair:
    """Text at the left edge and text at the right edge; the left one gives way and wraps."""

    left: str
    right: str = ""
    face: Face = Face.PLAIN
    indent: bool = False


@dataclass(frozen=True, slots=True)
class Centred:
    """Text in the middle; `inverse` is white on black, which no one overlooks."""

    text: str
    face: Face = Face.PLAIN
    inverse: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A QR symbol in the middle."""

    text: str


Line = Pair | Centred | Rule | Symbol


def lay_out(receipt: Receipt, words: ReceiptWords) -> tuple[Line, ...]:
    """Return the rows of a receipt. The shop's own name of a discount wins over ours."""
    own = {code: words.name(*names) for code, names in receipt.reasons.items() if any(names)}
    return tuple(_rows(receipt, replace(words, reasons={**words.reasons, **own})))


def _rows(receipt: Receipt, words: ReceiptWords) -> Iterator[Line]:
    document = receipt.document
    money = CURRENCIES.get(document.currency, Currency(document.currency, 2, document.currency))
    if receipt.copy:
        yield Centred(words.copy, Face.BOLD, inverse=True)
    yield from _head(receipt, words)
    yield Rule()
    if isinstance(document, Sale):
        for line in document.lines:
            yield from _sale_line(line, money, words)
        yield Rule()
        yield from _sums(document, money, words)
    else:
        for back in document.lines:
            colour = words.name(back.colour, receipt.colours_en.get(back.line_no, ""))
            yield from _refund_line(back, colour, money, words)
        yield Rule()
        yield Pair(words.refund_total, show_amount(-document.total, money), Face.LARGE)
    yield from _tenders(document, money, words)
    if receipt.back is not None and receipt.back in words.backs:
        yield Centred(words.backs[receipt.back], Face.SMALL)
    yield Rule()
    yield Symbol(document.receipt_no)
    yield Centred(document.receipt_no, Face.SMALL)
    yield Centred(words.thanks)


def _head(receipt: Receipt, words: ReceiptWords) -> Iterator[Line]:
    store, document = receipt.store, receipt.document
    names = [store.name, store.name_en]
    first, second = names[::-1] if words.english and store.name_en else names
    yield Centred(first, Face.LARGE)
    for text in (second, store.address, store.phone):
        if text:
            yield Centred(text, Face.SMALL)
    yield Rule()
    yield Centred(words.sale if isinstance(document, Sale) else words.refund, Face.BOLD)
    at = document.at.utc().astimezone(SHOP_ZONE)
    yield Pair(words.number, document.receipt_no)
    yield Pair(words.time, at.strftime("%Y-%m-%d %H:%M:%S"))
    yield Pair(words.guide, words.name(receipt.guide_name, receipt.guide_name_en))


def _sale_line(line: SaleLine, money: Currency, words: ReceiptWords) -> Iterator[Line]:
    yield Pair(words.name(line.name, line.name_en), face=Face.BOLD)
    yield Pair(
        _variant(line, words.name(line.colour, line.colour_en), money, words),
        show_amount(line.gross, money),
        indent=True,
    )
    for reason in line.reasons:
        if not reason.on_order:
            yield _reason(reason.code, reason.rate_bp, reason.amount, money, words, indent=True)


def _refund_line(
    line: RefundLine, colour: str, money: Currency, words: ReceiptWords
) -> Iterator[Line]:
    yield Pair(words.name(line.name, line.name_en), face=Face.BOLD)
    yield Pair(
        _variant(line, colour, money, words),
        show_amount(-line.net, money),
        indent=True,
    )


def _variant(line: SaleLine | RefundLine, colour: str, money: Currency, words: ReceiptWords) -> str:
    kind = " / ".join(filter(None, (colour, words.sizes.get(line.size, line.size))))
    pieces = f"{line.quantity} × {_unit(line.unit_mills, money)}"
    return "   ".join(filter(None, (kind, pieces)))


def _reason(
    code: str, rate_bp: int, amount: int, money: Currency, words: ReceiptWords, *, indent: bool
) -> Pair:
    rate = f" −{_percent(rate_bp)}" if rate_bp else ""
    name = words.reasons.get(code, code)
    return Pair(f"{name}{rate}", show_amount(-amount, money), Face.SMALL, indent=indent)


def _sums(sale: Sale, money: Currency, words: ReceiptWords) -> Iterator[Line]:
    pieces = sum(line.quantity for line in sale.lines if line.kind is LineKind.GOODS)
    yield Pair(words.pieces, str(pieces))
    on_order: dict[tuple[str, int], int] = {}
    for line in sale.lines:
        for reason in line.reasons:
            if reason.on_order:
                key = (reason.code, reason.rate_bp)
                on_order[key] = on_order.get(key, 0) + reason.amount
    if on_order:
        before = sale.total + sum(on_order.values())
        yield Pair(words.subtotal, show_amount(before, money))
        for (code, rate_bp), amount in on_order.items():
            yield _reason(code, rate_bp, amount, money, words, indent=False)
    yield Pair(words.total, show_amount(sale.total, money), Face.LARGE)


def _tenders(document: Sale | Refund, money: Currency, words: ReceiptWords) -> Iterator[Line]:
    sign = 1 if isinstance(document, Sale) else -1
    for tender in document.tenders:
        name = words.tenders.get(tender.provider) or words.tenders.get(tender.kind, tender.kind)
        yield Pair(name, show_amount(sign * tender.amount, money))
        taken = isinstance(document, Sale) and tender.kind is TenderKind.CASH
        if taken and tender.given:
            yield Pair(words.given, show_amount(tender.given, money), Face.SMALL, indent=True)
            yield Pair(words.change, show_amount(tender.change, money), Face.SMALL, indent=True)


def _percent(rate_bp: int) -> str:
    whole, part = divmod(rate_bp, _FULL_BP)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".") + "%"


def _unit(unit_mills: int, money: Currency) -> str:
    """Write a unit price, with the decimals it needs where it is finer than can be paid."""
    if unit_mills % MILLS == 0:
        return show_amount(unit_mills // MILLS, money)
    fine = Currency(money.code, money.exponent + 3, money.symbol)
    sign, plain = ("−", -unit_mills) if unit_mills < 0 else ("", unit_mills)
    return f"{sign}{money.symbol}{plain_amount(plain, fine).rstrip('0')}"
