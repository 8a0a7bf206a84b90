"""From the tap on Pay to the frame with the QR, and a sale in cash, in a window under measurement."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt

from benchmarks.window import Watched

SCANS = 5
"""Times a piece is scanned before the machine is called too busy for a scanner's rhythm."""


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
        wait(watched, lambda: watched.shell.root.property("sheet") == "")
        watched.rest(40)
    return took


def fill(watched: Watched, code: str) -> None:
    """Scan one piece into the empty cart. Raises TimeoutError on a machine too busy for a scanner."""
    cart = watched.shell.screens.checkout
    for _ in range(SCANS):
        watched.key("\r", watched.scan(code))
        watched.rest(60)
        if cart.priced.units == 1:
            return
    raise TimeoutError("this machine is too busy to scan")


def in_cash(watched: Watched, *, after_qr: bool = True) -> None:
    """Sell what is in the cart, as far as the receipt on the screen.

    First a QR, then cash instead; without a cloud (`after_qr` False) cash at once.
    """
    screens = watched.shell.screens
    total = screens.checkout.priced.total
    pay = screens.counter.pay
    watched.hand.tap(watched.shell.words.say("cart.pay"))
    if after_qr:
        wait(watched, lambda: bool(pay.property("phone").property("showsQr")))
        watched.key(Qt.Key.Key_F9)
    wait(watched, lambda: bool(pay.property("isCash")))
    watched.keys(str(-(-total // 100)))
    watched.key("\r")
    receipt(watched)


def receipt(watched: Watched) -> None:
    """Wait for the receipt on the screen."""
    done = watched.shell.screens.counter.done
    wait(watched, lambda: watched.shell.root.property("sheet") == "done")
    wait(watched, lambda: bool(done.property("previewUrl")))
    watched.rest(100)


def next_customer(watched: Watched) -> None:
    """Leave the receipt for an empty cart."""
    watched.shell.screens.counter.done.next()
    wait(watched, lambda: watched.shell.root.property("sheet") == "")
    watched.rest(100)


def wait(watched: Watched, condition: Callable[[], bool]) -> None:
    """Let the window live until a condition holds. Raises TimeoutError after a while."""
    if not watched.hand.wait(condition):
        place, sheet = watched.shell.root.property("place"), watched.shell.root.property("sheet")
        raise TimeoutError(f"nothing more happens at {place} {sheet}")
