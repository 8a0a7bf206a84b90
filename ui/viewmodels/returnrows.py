"""A sold line as the return shows it: what it was, how many pieces come back, what they are worth."""

from __future__ import annotations

from app.domain.refund import SoldLine
from ui.bridge import Row
from ui.text import Words

LINE_ROLES = ("lineNo", "name", "detail", "picked", "amount", "canMore", "canFewer")


def left_of(sold: SoldLine) -> int:
    """Return how many pieces can still come back."""
    return max(sold.line.quantity - sold.quantity_returned, 0)


def value_of(sold: SoldLine, pieces: int) -> int:
    """Return what so many pieces are worth, in minor units; nothing for none or more than are left."""
    return sold.value_of(pieces) if 0 < pieces <= left_of(sold) else 0


def line_row(words: Words, sold: SoldLine, pieces: int) -> Row:
    """Return a line of which so many pieces were picked."""
    line = sold.line
    came = sold.quantity_returned
    return {
        "lineNo": str(line.line_no),
        "name": words.name(line.name, line.name_en),
        "detail": words.join(
            words.name(line.colour, line.colour_en),
            words.size(line.size),
            words.say("return.bought", n=line.quantity),
            words.say("return.came_back", n=came) if came else "",
        ),
        "picked": f"{pieces:,}",
        "amount": words.amount(value_of(sold, pieces)) if pieces else "",
        "canMore": pieces < left_of(sold),
        "canFewer": pieces > 0,
    }


def reason_row(words: Words, code: str) -> Row:
    """Return a reason that may be chosen."""
    return {"code": code, "name": words.say(f"reason.{code}")}
