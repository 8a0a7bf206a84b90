"""A shop as a cloud tells it: goods, figures and members to fill a till with."""

from __future__ import annotations

from app.wire.messages import MemberRow, SkuRow, StockRow


def sku_rows(count: int, first: int = 0, price_fen: int = 100) -> list[SkuRow]:
    """Return SKUs, three sizes to a style."""
    return [
        SkuRow(
            sku_id=f"SKU-{n:05d}",
            style_no=f"W{n // 3:05d}",
            name="羊毛大衣",
            name_en="Wool coat",
            category="coats",
            colour_code="BLK",
            colour="黑色",
            colour_en="Black",
            colour_hex="#000000",
            size="SML"[n % 3],
            size_order=n % 3,
            list_price=price_fen,
            search="羊 毛 大 衣",
            pinyin="yangmaodayi",
            initials="ymdy",
        )
        for n in range(first, first + count)
    ]


def figures(count: int, store: str = "S1", pieces: int = 10) -> list[StockRow]:
    """Return stock of these SKUs."""
    return [
        StockRow(store=store, sku_id=f"SKU-{n:05d}", quantity=pieces, as_of_ms=1)
        for n in range(count)
    ]


def member_rows(count: int, first: int = 0) -> list[MemberRow]:
    """Return members with names and phones."""
    return [
        MemberRow(
            member_ref=f"m{n:05d}",
            revision=1,
            name="林晓雨",
            phone=f"138{n:08d}",
            search="林 晓 雨 林晓 晓雨",
            pinyin="linxiaoyu",
            initials="lxy",
        )
        for n in range(first, first + count)
    ]
