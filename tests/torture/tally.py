"""What a layer of the torture counts, in one shape, so that layers can be added up and compared.

A layer is a package beside this file. Its `__main__` takes `--seed N`, `--out FILE` and `--long` for
the long profile, writes its tally to FILE and ends with 0 if nothing went wrong. It knows no layer.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

HARMS = ("lost", "doubled", "altered", "stuck")


@dataclass(frozen=True, slots=True)
class Failure:
    """One run that went wrong: what makes it happen again, and what was seen."""

    input: Any
    """Any JSON value with which the layer can repeat the run: a seed, a step, a dict of both."""
    what: str


@dataclass(slots=True)
class Tally:
    """The counts of one layer. `records` were handed to the till or recorded by it; the four harms
    count records (stuck: queues that did not drain), so every one of them must be 0."""

    layer: str
    seed: int = 0
    runs: int = 0
    records: int = 0
    lost: int = 0
    doubled: int = 0
    altered: int = 0
    stuck: int = 0
    seconds: float = 0.0
    processor_s: float = 0.0
    """Of all its processes together: what a run costs, however busy the machine was."""
    faults: Counter[str] = field(default_factory=Counter)
    """How often each kind of fault was injected."""
    failures: list[Failure] = field(default_factory=list)

    @property
    def injected(self) -> int:
        """How many faults were injected, of whatever kind."""
        return self.faults.total()

    @property
    def is_clean(self) -> bool:
        """Nothing lost, doubled, altered or stuck, and no run failed in another way."""
        return not self.failures and not any(getattr(self, harm) for harm in HARMS)

    def add(self, other: Tally) -> None:
        """Take another tally of the same layer in."""
        self.runs += other.runs
        self.records += other.records
        for harm in HARMS:
            setattr(self, harm, getattr(self, harm) + getattr(other, harm))
        self.seconds += other.seconds
        self.processor_s += other.processor_s
        self.faults.update(other.faults)
        self.failures += other.failures

    def line(self) -> str:
        """Return the counts as one line of a report."""
        harms = ", ".join(f"{getattr(self, harm)} {harm}" for harm in HARMS)
        return (
            f"{self.layer:<10} {self.runs:>6} runs, {self.injected:>7} faults, "
            f"{self.records:>7} records: {harms}; seed {self.seed}, {self.seconds:.0f} s "
            f"({self.processor_s:.0f} s of processor)"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the tally as JSON values."""
        return asdict(self) | {"faults": dict(sorted(self.faults.items()))}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Tally:
        """Return the tally that `to_dict` described."""
        return cls(
            **values
            | {
                "faults": Counter(values["faults"]),
                "failures": [Failure(**failure) for failure in values["failures"]],
            }
        )

    def write(self, file: Path) -> None:
        """Write the tally to a file."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(self.to_dict(), ensure_ascii=False, indent=1) + "\n", "utf-8")

    @classmethod
    def read(cls, file: Path) -> Tally:
        """Return the tally a file holds."""
        return cls.from_dict(json.loads(file.read_text("utf-8")))
