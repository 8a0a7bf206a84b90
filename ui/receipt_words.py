"""The words of a receipt in one language, from the same sentences the screens use."""

from __future__ import annotations

from app.ports import ReceiptWords
from ui.text import LANGUAGES, sentences


def receipt_words(language: str) -> ReceiptWords:
    """Return what a receipt says in a language of `LANGUAGES`."""
    place = LANGUAGES.index(language)

    def say(key: str) -> str:
        return sentences()[key][place]

    def named(prefix: str) -> dict[str, str]:
        return {
            key.removeprefix(prefix): both[place]
            for key, both in sentences().items()
            if key.startswith(prefix)
        }

    return ReceiptWords(
        english=language == "en",
        sale=say("receipt.sale"),
        refund=say("receipt.refund"),
        copy=say("receipt.copy"),
        number=say("receipt.number"),
        time=say("receipt.time"),
        guide=say("receipt.guide"),
        subtotal=say("receipt.subtotal"),
        total=say("receipt.total"),
        refund_total=say("receipt.refund_total"),
        given=say("receipt.given"),
        change=say("receipt.change"),
        pieces=say("receipt.pieces"),
        thanks=say("receipt.thanks"),
        reasons=named("reason."),
        tenders=named("tender."),
        sizes=named("size."),
        backs=named("receipt.back."),  # a customer is not told whom the store waits for
    )
