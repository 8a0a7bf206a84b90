"""Customers' phones: a real Chromium on a thread of its own, because the window needs the main one.

While a phone does something the window goes on living, as it does in a shop. A phone knows addresses
and what can be read and touched on its glass, nothing of the till or the cloud.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
    sync_playwright,
)
from PySide6.QtCore import QEventLoop, QTimer

from tests.browser.conftest import ARGUMENTS, CHROMIUM, VIEWPORT

PATIENCE_S = 60.0
"""For whatever a loaded machine may take; nothing here is meant to be slow."""
_PATIENCE_MS = PATIENCE_S * 1_000

T = TypeVar("T")


def live_until(condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
    """Let every window live until a condition holds; False if it never does."""
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        loop = QEventLoop()
        QTimer.singleShot(10, loop.quit)
        loop.exec()
    return True


@dataclass(frozen=True, slots=True)
class SeenLine:
    """One line of an order as a customer reads it."""

    name: str
    colour: str
    size: str
    quantity: str
    amount: str
    was: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Approval:
    """When a wallet was told to pay and when it said done: Unix milliseconds by the phone's clock."""

    sent_ms: float
    confirmed_ms: float


@dataclass
class Phones:
    """The browser and every phone opened in it."""

    complaints: list[str] = field(default_factory=list)
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="phones")
    )

    def start(self) -> None:
        """Start Chromium."""
        self.do(self._start)

    def close(self) -> None:
        """Put every phone away."""
        self.do(self._close)
        self._thread.shutdown()

    def open(self) -> Phone:
        """Return another phone with cookies of its own."""
        context, page = self.do(self._open)
        return Phone(self, context, page)

    def do(self, deed: Callable[[], T]) -> T:
        """Do something in the browser while the windows live on; returns or raises what it does."""
        done: Future[T] = self._thread.submit(deed)
        live_until(done.done, 2 * PATIENCE_S)
        return done.result(timeout=PATIENCE_S)

    # --- the browser's thread -------------------------------------------------------------------

    def _start(self) -> None:
        self._playwright: Playwright = sync_playwright().start()
        self._browser: Browser = self._playwright.chromium.launch(
            executable_path=CHROMIUM, args=ARGUMENTS
        )

    def _close(self) -> None:
        self._browser.close()
        self._playwright.stop()

    def _open(self) -> tuple[BrowserContext, Page]:
        context = self._browser.new_context(
            viewport=VIEWPORT,  # type: ignore[arg-type]
            device_scale_factor=2,
            is_mobile=True,
            has_touch=True,
            locale="zh-CN",
        )
        context.set_default_timeout(_PATIENCE_MS)
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return context, page

    def _hear(self, message: ConsoleMessage) -> None:
        refusal = "the server responded with" in message.text
        if message.type in ("error", "warning") and not refusal:
            self.complaints.append(message.text)


@dataclass(frozen=True, slots=True)
class Phone:
    """One customer's phone. Every method waits until the page shows what it speaks of."""

    _phones: Phones
    _context: BrowserContext
    _page: Page

    def put_away(self) -> None:
        """Close it."""
        self._phones.do(self._context.close)

    # --- what can be done -----------------------------------------------------------------------

    def scan(self, address: str) -> None:
        """Open what a QR holds."""
        self._phones.do(lambda: self._page.goto(address))

    def take_over(self) -> None:
        """Put the whole order into this phone's cart."""
        self.sees("您的订单已备好")
        self.tap("放进我的购物车")
        self.sees("已在您的购物车")

    def to_wallet(self) -> None:
        """Go from the cart to the wallet."""
        self.tap("付款")
        self.reads("演练环境，不会动用真实资金。")

    def take_over_and_go_to_wallet(self, address: str) -> None:
        """Scan, take over, and stand before the wallet's buttons."""
        self.scan(address)
        self.take_over()
        self.to_wallet()

    def approve(self) -> Approval:
        """Pay in the wallet."""

        def pay() -> Approval:
            with self._page.expect_response(re.compile("/approve$")) as answer:
                self._button("支付").tap(no_wait_after=True)
            timing = answer.value.request.timing
            started = float(timing["startTime"])
            return Approval(started + timing["requestStart"], started + timing["responseStart"])

        return self._phones.do(pay)

    def tap(self, name: str) -> None:
        """Tap a button whose words begin so."""
        self._phones.do(lambda: self._button(name).tap())

    def tap_twice(self, name: str) -> list[str]:
        """Tap a button twice in a blink; return the addresses of all forms sent."""
        sent: list[str] = []

        def tap() -> None:
            self._page.on(
                "request", lambda one: sent.append(one.url) if one.method == "POST" else None
            )
            self._button(name).dblclick(no_wait_after=True)

        self._phones.do(tap)
        return sent

    def back(self) -> None:
        """Press the phone's back button."""
        self._phones.do(self._page.go_back)

    def reload(self) -> None:
        """Pull the page down."""
        self._phones.do(self._page.reload)

    # --- what can be seen -----------------------------------------------------------------------

    def sees(self, heading: str) -> None:
        """Wait until the page is headed so."""
        found = self._page.get_by_role("heading", level=1)
        self._phones.do(lambda: expect(found).to_have_text(heading, timeout=_PATIENCE_MS))

    def reads(self, text: str) -> None:
        """Wait until the page says so."""
        found = self._page.get_by_text(text)
        self._phones.do(lambda: expect(found).to_be_visible(timeout=_PATIENCE_MS))

    def sees_no_way_to_pay(self) -> None:
        """Hold the page against it: neither a button nor a form."""

        def look() -> None:
            expect(self._page.get_by_role("button")).to_have_count(0)
            expect(self._page.locator("form[method=post]")).to_have_count(0)

        self._phones.do(look)

    def lines(self) -> list[SeenLine]:
        """Return the order's lines."""
        return self._phones.do(
            lambda: [_line(found) for found in self._page.locator(".line").all()]
        )

    def picture(self, selector: str) -> bytes:
        """Return a picture (PNG) of a part of the glass, as a camera before it would see it."""
        return self._phones.do(lambda: self._page.locator(selector).screenshot())

    def text(self, selector: str) -> str:
        """Return what a part of the page says."""
        return self._phones.do(lambda: self._page.locator(selector).inner_text())

    def total(self) -> str:
        """Return the amount in large figures."""
        return self._phones.do(lambda: self._page.locator(".due").inner_text())

    def savings(self) -> list[str]:
        """Return the rows of what was taken off the order."""
        rows = self._page.locator(".totals .off dt")
        return self._phones.do(rows.all_inner_texts)

    def _button(self, name: str):
        return self._page.get_by_role("button", name=re.compile(f"^{name}"))


def _line(found) -> SeenLine:
    def text(selector: str) -> str:
        parts = found.locator(selector)
        return parts.evaluate(_VISIBLE_TEXT) if parts.count() else ""

    return SeenLine(
        name=text("h3"),
        colour=text(".colour"),
        size=text(".size"),
        quantity=text(".quantity"),
        amount=text(".amount"),
        was=text(".was"),
        reasons=tuple(found.locator(".reason").all_inner_texts()),
    )


_VISIBLE_TEXT = """element => [...element.childNodes]
    .filter(node => !node.classList?.contains("unseen"))
    .map(node => node.textContent).join("").trim()"""
"""Without what is there for screen readers only."""
