"""One English line for a known trouble on the command line: its code and what it is about."""

from __future__ import annotations

from app.errors import Code, RuleBroken, Trouble

WHAT_TO_DO = {
    Code.UNSENT_LEFT: (
        "send it with `guidepos sync --once`, or keep it with `guidepos journal export FILE`"
    ),
    Code.EXPORT_INCOMPLETE: "export again: something was recorded after that file was written",
    Code.COPY_AHEAD: "take it back first with `guidepos recover --copy DIR`",
    Code.COPY_PLACE_UNFIT: "choose a folder on another card or partition",
}
"""A way out, for what a person can do something about on the command line."""


def sentence(error: RuleBroken | Trouble) -> str:
    """Return the code in words, the facts behind it and what can be done."""
    facts = ", ".join(f"{name}: {value}" for name, value in error.facts.items())
    words = error.code.value.replace("_", " ")
    told = f"{words} ({facts})" if facts else words
    way_out = WHAT_TO_DO.get(error.code)
    return f"{told}: {way_out}" if way_out else told
