"""What a way of paying costs the shop, in words. Figures come from the cloud; nothing is worked out here."""

from __future__ import annotations

from app.wire.messages import WayRate
from ui.text import Words


def wallet_words(provider: str, wallet: str, words: Words) -> str:
    """Return a wallet's name where we know it, else the account's."""
    for name in (wallet or provider, provider):
        if words.knows(f"wallet.{name}"):
            return words.say(f"wallet.{name}")
    return provider


def way_words(rate: WayRate, words: Words) -> str:
    """Return a way of paying: whose wallet, and who scans whom."""
    wallet = wallet_words(rate.provider, rate.wallet, words)
    return words.say(f"fee.by_{rate.way}", wallet=wallet)


def rate_words(rate: WayRate, words: Words) -> str:
    """Return a way of paying with what it costs."""
    return words.say("fee.way", way=way_words(rate, words), rate=rate.rate_bp)
