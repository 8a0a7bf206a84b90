"""From the tap on Pay to the frame with the QR, and a sale in cash, in a window under measurement."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt

from benchmarks.window import Watched


def by_qr(watched: Watched, times: int) -> list[float]:
    """Tap Pay so many times; return the milliseconds until each QR was in a swapped frame.

    Between two taps the attempt is closed at the cloud and the screen is back at the cart.
    """
    phone = watched.shell.screens.counter.pay.property("phone")
    took: list[float] = []
    for _ in range(times):
        button = watched.hand.see(watched.shell.words.say("cart.pay"))
        seen = watched.until_shown(
            lambda button=button: watched.tap(button),  # type: ignore[misc]
            lambda: bool(phone.property("showsQr")),
        )
        took.append(round(seen.total, 2))
        watched.key("\x1b")
        _wait(watched, lambda: watched.shell.root.property("sheet") == "")
        watched.rest(40)
    return took


def in_cash(watched: Watched, *, after_qr: bool = True) -> None:
    """Sell what is in the cart, as far as the receipt on the screen.

    First a QR, then cash instead; without a cloud (`after_qr` False) cash at once.
    """
    screens, root = watched.shell.screens, watched.shell.root
    total = screens.checkout.priced.total
    pay = screens.counter.pay
    watched.hand.tap(watched.shell.words.say("cart.pay"))
    if after_qr:
        _wait(watched, lambda: bool(pay.property("phone").property("showsQr")))
        watched.key(Qt.Key.Key_F9)
    _wait(watched, lambda: bool(pay.property("isCash")))
    watched.keys(str(-(-total // 100)))
    watched.key("\r")
    _wait(watched, lambda: root.property("sheet") == "done")
    _wait(watched, lambda: bool(screens.counter.done.property("previewUrl")))
    watched.rest(100)


def next_customer(watched: Watched) -> None:
    """Leave the receipt for an empty cart."""
    watched.shell.screens.counter.done.next()
    _wait(watched, lambda: watched.shell.root.property("sheet") == "")
    watched.rest(100)


def _wait(watched: Watched, condition: Callable[[], bool]) -> None:
    if not watched.hand.wait(condition):
        place, sheet = watched.shell.root.property("place"), watched.shell.root.property("sheet")
        raise TimeoutError(f"nothing more happens at {place} {sheet}")
