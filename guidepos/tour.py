"""The demo's story, played in the real window: one sale from sign-in to the cloud, screens saved.

Every step prints what happened. A step that does not come true raises; the story never pretends.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.domain.sale import Sale
from app.domain.times import business_date
from app.ports import ReadCode
from app.wire.messages import CommissionReport, SalesReport
from guidepos.customer import Phone
from guidepos.demo_home import Demo
from guidepos.window import go_online, make_shell
from ui.hand import Hand
from ui.shell import Shell

GUIDE = "林晚晴"
PIN = "1001"
SEARCH = "大衣"


class Story:
    """One sale, told step by step. `say` gets a line per step, screens go to `out` as PNG."""

    def __init__(self, demo: Demo, out: Path, say: Callable[[str], None] = print) -> None:
        self._demo, self._out, self._say = demo, out, say
        self._screens = 0
        self._shell: Shell = make_shell(demo.till)
        window = self._shell.show()
        window.resize(1280, 800)
        self._hand = Hand(window)
        go_online(demo.till, self._shell)

    def play(self) -> Sale:
        """Play it to the end and return the sale. Raises if anything is not as promised."""
        try:
            self._sign_in()
            self._fill_cart()
            sale = self._be_paid()
            self._look_around()
        finally:
            self._shell.close()
        if self._shell.warnings:
            raise AssertionError("\n".join(self._shell.warnings))
        return sale

    # --- steps --------------------------------------------------------------------------------

    def _sign_in(self) -> None:
        self._picture("sign_in", GUIDE)
        self._hand.tap(GUIDE)
        self._hand.type(PIN + "\r")
        self._picture("sell", "收款")
        self._say(f"signed in: {GUIDE}")

    def _fill_cart(self) -> None:
        hand = self._hand
        hand.tap("搜索")
        hand.type(SEARCH)
        tile = self._first_tile()
        self._picture("search", tile)
        hand.tap(tile)
        self._picture("matrix", " · ")
        self._tap_stocked_cell()
        hand.press("\x1b")
        hand.wait(lambda: self._pieces() == 1)
        self._scan_another()
        self._attach_member()
        self._picture("cart", "收款")
        self._say(f"cart: {self._pieces()} pieces, {self._total_text()} to pay")

    def _be_paid(self) -> Sale:
        hand, till = self._hand, self._demo.till
        hand.tap("收款")
        hand.see("收款码", 20)
        hand.wait(lambda: bool(self._qr()))
        self._picture("pay", "收款码")
        (code,) = self._qr()
        self._say(f"QR on screen: {code.text[:60]}…")
        phone = Phone()
        phone.open(code.text)
        hand.wait(lambda: "顾客" in " ".join(hand.names()), 5)
        phone.press("/take")
        self._save_page(phone, "customer_cart")
        phone.press("/pay")
        self._say("customer took the order over and opened the wallet")
        phone.press("/approve")
        started = till.clock.monotonic()
        hand.see("已付", 10)
        self._say(f"till shows paid {till.clock.monotonic() - started:.2f} s after the wallet")
        self._picture("paid", "已付")
        phone.open(code.text)
        self._save_page(phone, "customer_receipt")
        phone.close()
        self._picture("done", "下一位")
        (document,) = [d for d in till.store.reader.documents(limit=1) if d.kind == "sale"]
        sale = till.store.reader.document(document.document_id)
        if not isinstance(sale, Sale):
            raise AssertionError("the sale is not in the store")
        self._say(f"order paid: receipt {sale.receipt_no}, {sale.total} fen")
        hand.tap("下一位")
        return sale

    def _look_around(self) -> None:
        for place, name, sign in (
            ("单据", "history", "单据"),
            ("业绩", "my_sales", "业绩"),
            ("设置", "settings", "设置"),
        ):
            self._hand.tap(place)
            self._picture(name, sign)

    # --- reading the screen -------------------------------------------------------------------

    def _first_tile(self) -> str:
        hand = self._hand
        hand.wait(lambda: any(SEARCH in name for name in hand.names()[11:]))
        tiles = self._demo.till.store.reader.style_cards(text=SEARCH)
        return next(tile.name for tile in tiles if tile.own_quantity > 0)

    def _tap_stocked_cell(self) -> None:
        """Tap the first cell of the open matrix that has own stock."""
        tiles = self._demo.till.store.reader.style_cards(text=SEARCH)
        style = next(tile for tile in tiles if tile.own_quantity > 0)
        matrix = self._demo.till.stock.matrix(style.style_no)
        for row, colour in zip(matrix.cells, matrix.colours, strict=True):
            for cell, size in zip(row, matrix.sizes, strict=True):
                if cell is not None and cell.own_quantity > 0:
                    self._hand.tap(f"{colour[1]} · {size}")
                    return
        raise AssertionError("no size of the style is in stock")

    def _scan_another(self) -> None:
        """Let the scanner type the tag of another style, without touching any field."""
        reader = self._demo.till.store.reader
        tiles = reader.style_cards(text="围巾") or reader.style_cards(category="accessory")
        matrix = self._demo.till.stock.matrix(tiles[0].style_no)
        cell = next(c for row in matrix.cells for c in row if c is not None)
        before = self._pieces()
        self._hand.scan(cell.sku.gtin)
        if not self._hand.wait(lambda: self._pieces() == before + 1, 5):
            raise AssertionError("the scanned tag did not reach the cart")
        self._say(f"scanned {cell.sku.gtin}: {cell.sku.name}")

    def _attach_member(self) -> None:
        gold = [m for m in self._demo.till.store.reader.find_members("154", 50) if m.tier == "gold"]
        self._hand.tap("添加会员")
        self._hand.see("手机")
        self._hand.type(gold[0].phone)
        self._picture("member", gold[0].name)
        self._hand.tap(gold[0].name)
        self._hand.wait(lambda: bool(self._shell.screens.checkout.priced.cart.member_ref), 5)
        self._say(f"member: {gold[0].tier}, {gold[0].masked_phone()}")

    def _pieces(self) -> int:
        return self._shell.screens.checkout.priced.units

    def _total_text(self) -> str:
        return next(name for name in self._hand.names() if name.startswith("收款"))

    def _qr(self) -> tuple[ReadCode, ...]:
        from app.devices.barcode import TwoReaders

        return TwoReaders().read(*self._hand.camera())

    # --- pictures -----------------------------------------------------------------------------

    def _picture(self, name: str, sign: str) -> None:
        """Save the window once `sign` is on it and everything moving has come to rest."""
        self._hand.see(sign)
        self._hand.pause(250)
        self._screens += 1
        self._hand.save(self._out / f"{self._screens:02d}_{name}.png")

    def _save_page(self, phone: Phone, name: str) -> None:
        self._out.mkdir(parents=True, exist_ok=True)
        (self._out / f"{name}.html").write_text(phone.text, encoding="utf-8")


def check_books(demo: Demo, sale: Sale, say: Callable[[str], None] = print) -> None:
    """Sync once more, then hold journal and cloud against the sale. Raises AssertionError."""
    from guidepos.cloud_link import enrolled_cloud
    from guidepos.online import sync_engine
    from guidepos.reports import commissions, sales

    till = demo.till
    report = sync_engine(till).run()
    if report.trouble is not None:
        raise report.trouble
    broken = till.store.verify_journal()
    if broken is not None:
        raise AssertionError(f"journal broken at {broken}")
    head = till.store.run(lambda uow: uow.head()).result()
    say(f"journal verified: {head.seq} records, head {head.hash.hex()[:16]}")
    cloud = enrolled_cloud(till.store, till.clock)
    day = business_date(sale.at).isoformat()
    _check_cloud(sale, sales(cloud, day, day), commissions(cloud, day, day), say)


def _check_cloud(
    sale: Sale, sold: SalesReport, earned: CommissionReport, say: Callable[[str], None]
) -> None:
    entries = [row for row in earned.rows if row.document == sale.sale_id]
    expected = [(c.guide_id, c.amount) for c in sale.commissions]
    if sorted((row.guide, row.amount) for row in entries) != sorted(expected):
        raise AssertionError(f"the cloud holds other commission: {entries}")
    if sum(row.net for row in sold.rows) < sale.total:
        raise AssertionError(f"the cloud holds too little: {sold.rows}")
    documents = sum(row.sales for row in sold.rows)
    amount = sum(row.amount for row in entries)
    say(f"cloud holds the sale once ({documents} today) and its commission once: {amount} fen")
