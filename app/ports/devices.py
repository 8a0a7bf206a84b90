"""What the core asks of the machine it runs on: clock, codes, camera, printer and secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from app.domain.receipt import Receipt
from app.domain.times import Moment
from app.errors import Code


class Clock(Protocol):
    """The device's clocks."""

    def now(self) -> Moment: ...

    def monotonic(self) -> float:
        """Seconds; for durations only."""

    def worked(self) -> float:
        """Seconds the calling thread has computed, without what it waited for the disk or others."""

    def anchor(self, server_ms: int) -> None:
        """Take the server's time as true from now on in this boot."""


@dataclass(frozen=True, slots=True)
class QrMatrix:
    """A QR symbol without quiet zone: `rows[y][x]` is True for a dark module."""

    rows: tuple[tuple[bool, ...], ...]
    version: int


class QrMaker(Protocol):
    """Makes QR symbols."""

    def make(self, text: str) -> QrMatrix: ...


@dataclass(frozen=True, slots=True)
class ReadCode:
    """A code found in a picture; `symbology` is qr, microqr, ean13, ean8 or code128."""

    text: str
    symbology: str


class CodeReader(Protocol):
    """Finds codes in grey pictures, the one nearest the middle first. Knows no camera and no Qt."""

    def read(self, pixels: bytes, width: int, height: int) -> tuple[ReadCode, ...]: ...


@dataclass(frozen=True, slots=True)
class View:
    """A picture as people see it: red, green and blue, 8 bits each, rows without padding."""

    rgb: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a camera for the readers: 8-bit grey, rows without padding.

    `view` is the same for people, smaller and in colour; without it the grey one is shown.
    """

    pixels: bytes
    width: int
    height: int
    view: View | None = None


class FrameSource(Protocol):
    """The cameras of a till, one of them open at a time. All calls answer at once.

    Frames come on a thread of the source's own, one at a time: what the camera sees while `take` has
    not returned is dropped. `fail` is called at most once per opening, on the opener's thread, with one
    of the CAMERA codes; no frame follows it. `which` counts on from the camera made for scanning.
    After `close` has returned nothing is called any more.
    """

    def cameras(self) -> int: ...
    def open(
        self, take: Callable[[Frame], None], fail: Callable[[Code], None], which: int = 0
    ) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ReceiptWords:
    """What a receipt says in one language. `reasons`, `tenders` and `backs` (how money stands that goes back
    by the way it came) map codes to names, `sizes` those sizes that are words.

    With `english`, the English name of store, guide, goods and colours is taken where there is one.
    """

    english: bool
    sale: str
    refund: str
    copy: str
    number: str
    time: str
    guide: str
    subtotal: str
    total: str
    refund_total: str
    given: str
    change: str
    pieces: str
    thanks: str
    reasons: Mapping[str, str]
    tenders: Mapping[str, str]
    backs: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, str] = field(default_factory=dict)

    def name(self, chinese: str, english: str) -> str:
        """Return the name to print of what has one in both languages."""
        return (english or chinese) if self.english else (chinese or english)


class ReceiptPrinter(Protocol):
    """Prints receipts. Device thread. A broken printer raises Trouble(PRINTER_FAILED)."""

    def print(self, receipt: Receipt) -> None: ...


class SecretKeeper(Protocol):
    """Where the store's key lies: the system's secret service, else a 0600 file."""

    @property
    def protection(self) -> str:
        """ "keyring", or "file" for reduced protection."""

    def read(self, name: str) -> bytes | None:
        """Return a secret, None only if it is certain that there is none.

        Raises Trouble: STORE_KEY_LOCKED (retryable) if the keeper is locked or cannot be asked.
        """

    def write(self, name: str, secret: bytes) -> None: ...

    def forget(self, name: str) -> None:
        """Drop a secret for good; none to drop is no error. Raises Trouble as `read` does."""
