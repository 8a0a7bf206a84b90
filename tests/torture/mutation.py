"""A rule of the product taken out for a while: a harness that does not notice proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from tests.torture.invariants import Kind


@dataclass(frozen=True, slots=True)
class Seam:
    """A function that holds a rule, and what stands in its place without the rule."""

    owner: Any
    name: str
    instead: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Mutation:
    """The product without one rule, and the harm that comes of it."""

    rule: str
    seams: tuple[Seam, ...]
    harms: frozenset[Kind]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Take the rule out for a while."""
        with ExitStack() as stack:
            for seam in self.seams:
                stack.enter_context(patch.object(seam.owner, seam.name, seam.instead))
            yield
