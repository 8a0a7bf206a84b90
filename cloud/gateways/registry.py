"""The gateways of one cloud by name, and which of them comes first where nobody has chosen."""

from __future__ import annotations

from dataclasses import dataclass, field

from cloud.gateways.base import Gateway, unresolved


@dataclass(frozen=True, slots=True)
class Gateways:
    """Every gateway that is connected. `first` is the name of the one a plain page leads to."""

    by_name: dict[str, Gateway] = field(default_factory=dict)
    first: str = ""

    def named(self, name: str) -> Gateway:
        """Return a gateway. Raises Trouble(PAYMENT_UNRESOLVED) for one that is not connected: an attempt
        begun there is not lost, it only cannot be asked about until it is."""
        found = self.by_name.get(name)
        if found is None:
            raise unresolved(name, "not connected")
        return found


def only(gateway: Gateway) -> Gateways:
    """Return a registry of one."""
    return Gateways({gateway.name: gateway}, gateway.name)
