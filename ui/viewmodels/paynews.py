"""What news of a payment means for the one that is on the screen. Pure: no Qt, no words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.domain.payment import Event, Way
from app.services.payments import PaymentNews
from app.services.wallets import OwnQr
from app.wire.tokens import is_portable
from ui.viewmodels.paystate import Phase, phase_of


@dataclass(frozen=True, slots=True)
class Beside:
    """What is done with the customer's wallet beside our page's QR: a code of theirs is on its way, or a
    provider's own QR is shown, whose picture is at `url`."""

    collecting: bool = False
    own: OwnQr | None = None
    url: str = ""


def is_of(news: PaymentNews, cart_id: str, shown: PaymentNews | None, adopted: str) -> bool:
    """Tell whether news is of the payment on the screen: of its cart, and of its attempt.

    `adopted` is an attempt this cart had before, which is gone on with.
    """
    if not cart_id or news.attempt.last.sale_id != cart_id:
        return False
    if shown is None:
        # An older QR of this cart that has ended is not the one being registered now.
        known = news.attempt.attempt_id == adopted
        return known or news.state.is_open or news.sale is not None
    return news.attempt.attempt_id == shown.attempt.attempt_id


def latest(news: PaymentNews, shown: PaymentNews | None) -> PaymentNews | None:
    """Return what is known with this news, None if it is older than what is shown."""
    if shown is None:
        return news
    if news.attempt.last.step < shown.attempt.last.step:
        return None
    # "Nobody could be asked" says nothing new about who is looking at the order.
    return replace(news, view=shown.view) if news.view is None else news


def way_of(news: PaymentNews) -> Way:
    """Return how the attempt was begun at a provider, as far as this till knows."""
    if news.attempt.last.event == Event.COLLECTING:
        return Way.CODE  # on its way, and nothing heard since
    told = news.view.way if news.view else ""
    return Way(told) if told in set(Way) else Way.NOT_YET


def phase_for(news: PaymentNews, beside: Beside, *, seconds_left: int, closing: bool) -> Phase:
    """Return what the screen looks like. `closing`: the cloud was asked to close and has not said."""
    return phase_of(
        news.state,
        has_sale=news.sale is not None,
        looked_at=bool(news.view and news.view.looked_at),
        time_up=not seconds_left,
        closing=closing,
        offline=news.view is None and is_portable(news.attempt.token),
        by_code=way_of(news) is Way.CODE,
        collecting=beside.collecting,
        own=beside.own is not None,
        by_hand=beside.own is not None and beside.own.offer.by_hand,
    )
