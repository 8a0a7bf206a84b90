"""The gateways of one cloud by name, and which of them comes first where nobody has chosen."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.wire.messages import OwnCode, WaysToPay
from cloud.gateways.base import Gateway, Offer, Tariff, Wallet, unresolved


@dataclass(frozen=True, slots=True)
class Gateways:
    """Every gateway that is connected, by the names of their accounts.

    `first` is taken where nobody chooses. No customer is led to the `spare` ones: the sandbox beside real
    accounts answers for what was begun there, and takes no more.
    """

    by_name: dict[str, Gateway] = field(default_factory=dict)
    first: str = ""
    spare: frozenset[str] = frozenset()

    def named(self, name: str) -> Gateway:
        """Return a gateway. Raises Trouble(PAYMENT_UNRESOLVED) for one that is not connected: an attempt
        begun there is not lost, it only cannot be asked about until it is."""
        found = self.by_name.get(name)
        if found is None:
            raise unresolved(name, "not connected")
        return found

    def offering(self, offer: Offer) -> frozenset[str]:
        """Return the names of all that offer something, the spare ones too."""
        return frozenset(name for name, each in self.by_name.items() if offer in each.offers)

    def collecting(self, wallet: Wallet) -> Gateway | None:
        """Return the gateway that collects by a code of this wallet, or else by anybody's."""
        able = [each for each in self._usable() if Offer.CODE in each.offers]
        for fitting in (wallet, Wallet.ANY):
            for gateway in able:
                if gateway.wallet is fitting:
                    return gateway
        return None

    def ways(self) -> WaysToPay:
        """Return what a till may do besides showing our page."""
        usable = self._usable()
        return WaysToPay(
            collects=sorted({each.wallet.value for each in usable if Offer.CODE in each.offers}),
            shows=[
                OwnCode(
                    provider=each.name,
                    wallet=each.wallet.value,
                    by_hand=Offer.BY_HAND in each.offers,
                )
                for each in usable
                if Offer.QR in each.offers
            ],
        )

    def billed(self) -> dict[tuple[str, str], Wallet]:
        """Return whose app it is by account and way (`Tariff`) of everything a customer may pay by now."""
        usable = self._usable()
        shown = {(each.name, Tariff.QR.value): each for each in usable if Offer.QR in each.offers}
        scanned = {
            (each.name, Tariff.CODE.value): each
            for each in usable
            if self.collecting(each.wallet) is each
        }
        return {name: each.wallet for name, each in (shown | scanned).items()}

    def showing(self, name: str) -> Gateway | None:
        """Return the gateway of an account whose own code may be shown."""
        found = self.by_name.get(name)
        fits = found is not None and Offer.QR in found.offers and name not in self.spare
        return found if fits else None

    def coded(self) -> Gateway | None:
        """Return the gateway whose code any app may read, for a page that leads to no wallet."""
        for gateway in self._usable():
            if {Offer.QR, Offer.BY_HAND} <= gateway.offers and gateway.wallet is Wallet.ANY:
                return gateway
        return None

    def inside(self, wallet: Wallet) -> Gateway | None:
        """Return the gateway for a page that is open in a wallet's browser, or in a plain one (ANY).

        Inside a wallet its own provider comes first; another wallet's address does not open there. In a
        plain browser Alipay's address opens its app, WeChat's does not.
        """
        shown = [
            gateway
            for gateway in self._usable()
            if Offer.QR in gateway.offers
            if Offer.BY_HAND not in gateway.offers  # a code to show, not an address to open
        ]
        best = {Wallet.ANY: (Wallet.ANY, Wallet.ALIPAY)}.get(wallet, (wallet, Wallet.ANY))
        for fitting in best:
            for gateway in shown:
                if gateway.wallet is fitting:
                    return gateway
        return None

    def _usable(self) -> list[Gateway]:
        return [each for name, each in self.by_name.items() if name not in self.spare]


def only(gateway: Gateway) -> Gateways:
    """Return a registry of one."""
    return Gateways({gateway.name: gateway}, gateway.name)
