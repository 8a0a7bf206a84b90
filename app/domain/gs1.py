"""Article numbers inside longer codes: GS1 Digital Link addresses and GS1 element strings (GS1 General
Specifications; GS1 Digital Link URI Syntax 1.4). Only the article number, AI 01, is looked for.
"""

from __future__ import annotations

import re
from itertools import pairwise
from urllib.parse import unquote, urlsplit

from app.domain.catalog import is_gtin

_ELEMENT = re.compile(r"(?:\][CdQ][0-9])?\x1d?(?:01([0-9]{14})|\(01\)([0-9]{14}))")
"""AI 01 first, with or without symbology identifier, FNC1 and brackets."""

_LONGEST = 2_000


def article_number(text: str) -> str:
    """Return the GTIN that a Digital Link or an element string names, "" if it names none."""
    if len(text) > _LONGEST:
        return ""
    found = _of_link(text) if text[:4].lower() == "http" else _of_elements(text)
    return found if is_gtin(found) else ""


def _of_elements(text: str) -> str:
    match = _ELEMENT.match(text)
    return (match[1] or match[2]) if match else ""


def _of_link(text: str) -> str:
    """Find `/01/<number>` in the path; behind it come pairs of qualifiers and nothing else."""
    try:
        address = urlsplit(text)
    except ValueError:
        return ""
    if address.scheme.lower() not in ("http", "https") or not address.netloc:
        return ""
    parts = address.path.split("/")
    for place, (key, value) in enumerate(pairwise(parts)):
        if key == "01" and (len(parts) - place) % 2 == 0:
            return unquote(value)
    return ""
