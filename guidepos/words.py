"""One English line for a known trouble on the command line: its code and what it is about."""

from __future__ import annotations

from app.errors import RuleBroken, Trouble


def sentence(error: RuleBroken | Trouble) -> str:
    """Return the code in words and the facts behind it."""
    facts = ", ".join(f"{name}: {value}" for name, value in error.facts.items())
    words = error.code.value.replace("_", " ")
    return f"{words} ({facts})" if facts else words
