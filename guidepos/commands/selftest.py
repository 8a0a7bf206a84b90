"""`guidepos --selftest`: does this till, as it was built or installed, do its work on this machine?

Opens a new encrypted store in a folder of its own, loads every screen, makes a sale with taps and
scans, reads a QR back and verifies the journal. Needs no cloud, no display and no keyring, and leaves
nothing behind. Each step prints a line; the first that fails ends it with status 1.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.devices.barcode import TwoReaders
from app.devices.clock import SystemClock
from app.devices.qr import QrCodeMaker
from app.devices.secrets import FileKeeper, load_or_create_key
from app.domain.money import show_amount
from app.domain.sale import Sale
from app.settings import Settings
from guidepos.bootstrap import wire
from guidepos.demo_store import fill_store
from guidepos.till import Till
from guidepos.window import make_shell
from offline_store import open_store
from resources import path as resource
from resources.demo.shop import demo_shop
from ui.hand import Hand
from ui.input.camera import has_backend
from ui.shell import Shell, missing_fonts
from ui.viewmodels.root import Place, Sheet

SIZE = (1024, 600)
MEMBERS = 50
PIECES = 3
QR_TEXT = "https://till.example/o/" + "Z3VpZGVwb3M" * 40
"""As long as an order's token gets."""
_DARK = 3
_QUIET_ZONE = 4


def run() -> int:
    """Go through all steps; return 0 if every one did what it promises, else 1."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    try:
        check_files()
        with tempfile.TemporaryDirectory(prefix="guidepos-selftest-") as folder:
            with new_till(Path(folder)) as till:
                sell_something(till)
            with reopened(Path(folder)) as till:
                check_journal(till)
        read_qr_back()
    except Exception as error:  # whatever it is, the answer is: this till is not fit
        print(f"FAILED: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print("self-test passed")
    return 0


def check_files() -> None:
    """Look for what the till shows and plays."""
    sounds = [name for name in ("paid", "scan", "error") if not _sound(name).is_file()]
    if sounds:
        raise FileNotFoundError(f"sounds are missing: {sounds}")
    if fonts := missing_fonts():
        raise FileNotFoundError(f"fonts are missing: {fonts}")
    print("files: fonts, icons and sounds are here")


@contextmanager
def new_till(folder: Path) -> Iterator[Till]:
    """Make a till with a small demo shop in a folder."""
    with reopened(folder) as till:
        shop = demo_shop(members=MEMBERS)
        fill_store(till.store, shop, till.clock.now().server_ms)
        if b"SQLite format" in till.settings.store_file.read_bytes()[:16]:
            raise AssertionError("the store is not encrypted")
        print(f"store: new and encrypted, {len(shop.skus)} SKUs, {len(shop.members)} members")
        yield till


@contextmanager
def reopened(folder: Path) -> Iterator[Till]:
    """Open the till of a folder. Its key lies beside it: the system's keyring is not ours to test."""
    settings, clock, keeper = Settings(home=folder), SystemClock(), FileKeeper(folder)
    key = load_or_create_key(keeper, store_exists=settings.store_file.exists())
    till = wire(settings, open_store(settings.store_file, key, clock), clock, keeper)
    try:
        yield till
    finally:
        till.close()


def sell_something(till: Till) -> None:
    """Use the window as a guide does, from sign-in to the next customer, in every place and sheet."""
    shell = make_shell(till)
    try:
        window = shell.show()
        window.resize(*SIZE)
        visit = Visit(till, shell, Hand(window))
        visit.sign_in()
        visit.fill_cart()
        visit.open_camera()
        visit.pay_cash()
        visit.see_every_screen()
        shell.close()
    finally:
        shell.close()
    if shell.warnings:
        raise AssertionError("QML complained: " + "; ".join(shell.warnings))


class Visit:
    """One guide at the window."""

    def __init__(self, till: Till, shell: Shell, hand: Hand) -> None:
        self._till, self._shell, self._hand = till, shell, hand
        self._say: Callable[[str], str] = shell.words.say

    def sign_in(self) -> None:
        """Choose a face and type the PIN."""
        guide = demo_shop(members=0).people[0]
        self._hand.tap(guide.name)
        self._hand.type(guide.pin + "\r")
        self._hand.see(self._say("place.sell"))
        print("window: opened, a guide signed in")

    def fill_cart(self) -> None:
        """Scan what is in stock and attach a member."""
        checkout, reader = self._shell.screens.checkout, self._till.store.reader
        for card in reader.style_cards(category="coat")[:PIECES]:
            matrix = self._till.stock.matrix(card.style_no)
            cell = next(cell for row in matrix.cells for cell in row if cell is not None)
            before = checkout.priced.units
            self._hand.scan(cell.sku.gtin)
            if not self._hand.wait(lambda before=before: checkout.priced.units == before + 1):  # type: ignore[misc]
                raise AssertionError(f"scanned {cell.sku.gtin} did not reach the cart")
        checkout.attach(reader.find_members("154", 1)[0].member_ref)
        self._look_over(Sheet.MATRIX, lambda: self._shell.screens.matrix.open(card.style_no))
        self._look_over(Sheet.MEMBER, self._shell.screens.members.open)
        self._look_over(Sheet.DISCOUNT, lambda: checkout.openDiscount(""))
        self._look_over(Sheet.CREDIT, lambda: checkout.openCredit(checkout.property("selected")))
        self._look_over(Sheet.PARKED, lambda: None)
        self._look_over(Sheet.NETWORK, lambda: None)
        print(f"cart: {checkout.priced.units} pieces scanned, every sheet seen")

    def open_camera(self) -> None:
        """Open the camera sheet, if this till has one, and see a picture or why there is none."""
        camera = self._shell.screens.camera
        if not camera.property("isAvailable"):
            print("camera: support is not installed")
            return
        self._hand.tap(self._say("camera.open"))
        settled = ("looking", "problem")
        if not self._hand.wait(lambda: camera.property("state") in settled):
            raise AssertionError("the camera neither opens nor says why")
        if not has_backend():
            raise AssertionError(f"QtMultimedia does not work: {camera.trouble}")
        print(f"camera: {camera.trouble or 'shows a picture'}")
        self._hand.press("\x1b")
        self._hand.wait(lambda: not camera.property("isOpen"))

    def pay_cash(self) -> None:
        """Take the exact amount in cash and see the receipt."""
        hand, total = self._hand, self._shell.screens.checkout.priced.total
        hand.tap(self._say("cart.pay"))
        hand.tap(self._say("pay.method.cash"))
        hand.see(self._say("pay.cash_hint"))
        hand.pause(200)
        hand.tap(show_amount(total, self._till.settings.currency).removesuffix(".00"))
        hand.tap(self._say("pay.cash_take"))
        hand.see(self._say("done.next"))
        (document,) = self._till.store.reader.documents(limit=1)
        sale = self._till.store.reader.document(document.document_id)
        if not isinstance(sale, Sale) or sale.total != total or not sale.commissions:
            raise AssertionError("the store holds something else than was sold")
        hand.tap(self._say("done.next"))
        print(f"sale: receipt {sale.receipt_no}, {total} fen in cash, commission on record")

    def see_every_screen(self) -> None:
        """Visit all places in both languages and looks."""
        seen = set()
        for language in ("zh_CN", "en"):
            self._shell.root.setLanguage(language)
            for theme in ("light", "dark"):
                self._shell.root.setTheme(theme)
                for place in set(Place) - {Place.SIGN_IN}:
                    self._shell.root.go(place)
                    self._hand.pause(40)
                    if self._shell.root.property("place") != place:
                        raise AssertionError(f"the place {place} did not open")
                    seen.add(place)
        self._shell.root.signOut()
        self._hand.pause()
        print(f"screens: sign-in and {', '.join(sorted(seen))} in both languages and looks")

    def _look_over(self, sheet: Sheet, prepare: Callable[[], object]) -> None:
        prepare()
        self._shell.root.open(sheet)
        self._hand.pause(60)
        if self._shell.root.property("sheet") != sheet:
            raise AssertionError(f"the sheet {sheet} did not open")
        self._shell.root.dismiss()
        self._hand.pause()


def check_journal(till: Till) -> None:
    """Verify the chain of the store that was closed and opened again."""
    broken = till.store.verify_journal()
    head = till.store.run(lambda uow: uow.head()).result()
    if broken is not None or head.seq == 0:
        raise AssertionError(f"the journal is broken at {broken} of {head.seq}")
    print(f"journal: {head.seq} records verified after opening again")


def read_qr_back() -> None:
    """Make a QR as long as an order's and read it with every reader there is."""
    rows = QrCodeMaker().make(QR_TEXT).rows
    margin = bytes([255]) * (_QUIET_ZONE * _DARK)
    width = len(rows) * _DARK + 2 * len(margin)
    lines = [bytes([255]) * width] * len(margin)
    for row in rows:
        line = margin + b"".join(bytes([0 if dark else 255]) * _DARK for dark in row) + margin
        lines += [line] * _DARK
    lines += [bytes([255]) * width] * len(margin)
    readers = TwoReaders()
    for name, found in readers.opinions(b"".join(lines), width, len(lines)).items():
        if [code.text for code in found] != [QR_TEXT]:
            raise AssertionError(f"{name} read {found}")
        print(f"QR: {len(QR_TEXT)} characters, read back by {name}")


def _sound(name: str) -> Path:
    return resource("sounds", f"{name}.wav")
