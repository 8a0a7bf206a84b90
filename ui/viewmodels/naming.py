"""Names by id for the screens that look back: people, discount reasons, the store.

Names come from reference data and are read once per use, never kept past a change of language.
"""

from __future__ import annotations

from collections.abc import Callable

from app.ports import Reader
from ui.text import Words


class Naming:
    """Looks names up in the store's reference data, in the language chosen now."""

    def __init__(self, reader: Callable[[], Reader], words: Words) -> None:
        self._reader, self._words = reader, words

    def people(self) -> dict[str, str]:
        """Return every person's name by id."""
        return {
            person.person_id: self._words.name(person.name, person.name_en)
            for person in self._reader().people()
        }

    def reasons(self) -> dict[str, str]:
        """Return the shop's discount reasons by code."""
        return {
            row.code: self._words.name(row.name, row.name_en)
            for row in self._reader().discount_reasons()
        }

    def store(self) -> str:
        """Return the store's name."""
        header = self._reader().store_header()
        return self._words.name(header.name, header.name_en)
