"""What the world knows of every record ever written: the memory no till and no cloud has.

A record counts as owed to the cloud until a till's data was destroyed with the last copy of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Books:
    """The truth the cloud's state is held against."""

    recorded: dict[str, set[bytes]] = field(default_factory=dict)
    """Record id → bodies; more than one where somebody forged a second record under the id."""
    facts: set[str] = field(default_factory=set)
    """Ids of records that are sound facts of this version."""
    destroyed: set[tuple[str, bytes]] = field(default_factory=set)
    """Records whose last copy outside the cloud went with a till's data."""
    changes: set[str] = field(default_factory=set)
    """Ids of changes to members."""
    excused_changes: set[str] = field(default_factory=set)
    """Changes the cloud or a till may have forgotten with a restore."""

    def write(self, rec_id: str, body: bytes, *, fact: bool) -> None:
        """Take note of a record."""
        self.recorded.setdefault(rec_id, set()).add(body)
        if fact:
            self.facts.add(rec_id)

    @property
    def undisputed(self) -> set[str]:
        """Ids of sound facts whose id nobody used again."""
        return {rec_id for rec_id in self.facts if len(self.recorded[rec_id]) == 1}
