"""References of another system: one of its invoices may have become several documents here."""

from __future__ import annotations

_PART = "/"


def references_for(number: str, parts: int) -> list[str]:
    """Return the references of an invoice's documents: its own number for a lone one, else numbered."""
    return [number] if parts == 1 else [f"{number}{_PART}{n}" for n in range(1, parts + 1)]


def invoice_of(reference: str) -> str:
    """Return the invoice a document's reference belongs to."""
    number, slash, part = reference.rpartition(_PART)
    return number if slash and part.isdigit() else reference
