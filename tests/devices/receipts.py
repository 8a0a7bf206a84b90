"""Receipts and words for the tests that draw them."""

from __future__ import annotations

from app.domain.catalog import LineKind
from app.domain.people import sole_guide
from app.domain.pricing import Reason
from app.domain.receipt import Receipt, StoreHeader
from app.domain.refund import Refund, RefundLine
from app.domain.sale import Sale, SaleLine, Tender, TenderKind
from app.ports import ReceiptWords
from tests.fakes.clock import FakeClock

HEADER = StoreHeader(
    "青禾 · 静安店", "Qinghe Jing'an", "上海市静安区南京西路 1 号 3 楼", "021-5550 0100"
)

CHINESE = ReceiptWords(
    english=False,
    sale="销售单",
    refund="退货单",
    copy="副本",
    number="单号",
    time="时间",
    guide="导购",
    subtotal="小计",
    total="合计",
    refund_total="退款合计",
    given="实收",
    change="找零",
    pieces="件数",
    thanks="谢谢惠顾，欢迎再来",
    reasons={"member": "会员折扣", "season": "换季优惠"},
    tenders={"cash": "现金", "qr": "扫码支付", "sandbox": "演示钱包"},
)

ENGLISH = ReceiptWords(
    english=True,
    sale="Receipt",
    refund="Refund",
    copy="COPY",
    number="No.",
    time="Time",
    guide="Guide",
    subtotal="Subtotal",
    total="Total",
    refund_total="Refunded",
    given="Given",
    change="Change",
    pieces="Pieces",
    thanks="Thank you, see you again",
    reasons={"member": "Member discount", "season": "End of season"},
    tenders={"cash": "Cash", "qr": "Paid by QR", "sandbox": "Demo wallet"},
    sizes={"均码": "One size"},
)


def sale_line(no: int, name: str, net: int, **changes: object) -> SaleLine:
    """Return a sold line; keywords replace its fields."""
    fields: dict[str, object] = {
        "line_no": no,
        "sku_id": f"SKU-{no}",
        "style_no": "QH2401",
        "name": name,
        "name_en": "Linen dress",
        "colour": "雾蓝",
        "colour_en": "Mist blue",
        "colour_hex": "#8aa2b8",
        "size": "M",
        "category": "dress",
        "drawing": "dress",
        "kind": LineKind.GOODS,
        "quantity": 1,
        "unit_mills": net * 1_000,
        "gross": net,
        "net": net,
        "rounded": False,
        "price_version": 1,
        "reasons": (),
        "guides": sole_guide("g01"),
    }
    return SaleLine(**(fields | changes))  # type: ignore[arg-type] # each field is typed above


def sale(lines: tuple[SaleLine, ...], tenders: tuple[Tender, ...], receipt_no: str) -> Sale:
    """Return a sale of these lines."""
    return Sale(
        sale_id="0199-sale",
        receipt_no=receipt_no,
        business_date="2025-10-09",
        at=FakeClock().now(),
        actor="g01",
        currency="CNY",
        total=sum(line.net for line in lines),
        member_ref="",
        reference="",
        lines=lines,
        tenders=tenders,
        movements=(),
        commissions=(),
    )


def whole_receipt(*, copy: bool = False) -> Receipt:
    """Return a receipt with everything on it: discounts on lines and order, cash, a long name."""
    season = Reason("season", 12_000, 2_000)
    order = Reason("member", 2_400, 500, "", True)
    lines = (
        sale_line(
            1,
            "亚麻混纺收腰长款连衣裙（含腰带与可拆卸衬裙）",
            45_600,
            gross=60_000,
            unit_mills=60_000_000,
            reasons=(season, order),
        ),
        sale_line(
            2, "圆领针织衫", 59_800, quantity=2, unit_mills=29_900_000, colour="燕麦", size="L"
        ),
        sale_line(
            3,
            "改裤脚",
            3_333,
            name_en="Trouser hem",
            unit_mills=3_333_300,
            colour="",
            colour_en="",
            size="",
            kind=LineKind.SERVICE,
            rounded=True,
        ),
    )
    cash = Tender("t1", TenderKind.CASH, 50_000, 60_000, 10_000)
    wallet = Tender("t2", TenderKind.QR, 58_733, attempt_id="a1", provider="sandbox")
    return Receipt(HEADER, sale(lines, (cash, wallet), "SH01-01-1-000042"), "林晓雨", copy)


def refund_receipt() -> Receipt:
    """Return the receipt of a return."""
    back = RefundLine(
        line_no=1,
        origin=None,
        sku_id="SKU-2",
        style_no="QH2402",
        name="圆领针织衫",
        name_en="Crew-neck knit",
        colour="燕麦",
        size="L",
        category="knit",
        kind=LineKind.GOODS,
        quantity=1,
        unit_mills=29_900_000,
        net=29_900,
    )
    document = Refund(
        refund_id="0199-refund",
        receipt_no="SH01-01-1-000043",
        business_date="2025-10-09",
        at=FakeClock().now(),
        actor="g01",
        currency="CNY",
        total=29_900,
        member_ref="",
        reference="",
        reason="size",
        lines=(back,),
        tenders=(Tender("t3", TenderKind.CASH, 29_900),),
        movements=(),
        commissions=(),
    )
    return Receipt(HEADER, document, "林晓雨")
