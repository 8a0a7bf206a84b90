"""What is written in blocks is what was given, whatever signs it holds, on both engines."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.bootstrap import Cloud
from cloud.db.copying import as_text
from cloud.db.rows import add_to, insert_rows, insert_values
from cloud.db.tables import stock, stock_movement

_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
_ODD = st.sampled_from(
    ["", "\\N", "\\.", "a\tb", "a\nb", "\r", "\\", '"', "{a,b}", "100%", "%s", "NULL"]
)
_WHOLE = st.integers(-(2**63), 2**63 - 1)
_NAMES = ("no", "sku_id", "delta", "kind", "business_date")
_SAME = {"tenant_id": "50%\t", "store_id": "S\\1", "document_id": "d\n"}
_on_a_database = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(rows=st.lists(st.tuples(_ODD | _TEXTS, _WHOLE, _TEXTS, _ODD), min_size=1, max_size=6))
@_on_a_database
def test_rows_come_back_as_they_went(cloud: Cloud, rows: list[tuple[str, int, str, str]]) -> None:
    numbered = [(no, *row) for no, row in enumerate(rows)]
    with cloud.db.begin() as connection:
        connection.execute(sa.delete(stock_movement))
        insert_values(connection, stock_movement, _NAMES, numbered, _SAME)
        columns = (stock_movement.c[name] for name in (*_SAME, *_NAMES))
        query = sa.select(*columns).order_by(stock_movement.c.no)
        kept = [tuple(row) for row in connection.execute(query)]
    assert kept == [(*_SAME.values(), *row) for row in numbered]


@given(skus=st.dictionaries(_ODD | _TEXTS, st.integers(-(10**12), 10**12), min_size=1, max_size=8))
@_on_a_database
def test_counters_are_raised_under_any_key(cloud: Cloud, skus: dict[str, int]) -> None:
    same = {"tenant_id": "t", "store_id": "s", "as_of_ms": 1, "change": 1}
    with cloud.db.begin() as connection:
        connection.execute(sa.delete(stock))
        for _ in range(2):
            add_to(
                connection, stock, "sku_id", "quantity", skus, same,
                made={"mark": [1] * len(skus)}, rising="known",
            )  # fmt: skip
        rows = connection.execute(sa.select(stock.c.sku_id, stock.c.quantity, stock.c.known)).all()
    assert {sku: (quantity, known) for sku, quantity, known in rows} == {
        sku: (2 * pieces, pieces > 0) for sku, pieces in skus.items()
    }


def test_what_needs_no_escape_is_left_alone_and_all_else_is_not() -> None:
    assert as_text(("t",), [("a", 1, True), ("b", -2, False)]) == "t\ta\t1\tTrue\nt\tb\t-2\tFalse\n"
    assert as_text((), [("a\\N",)]) == "a\\\\N\n"
    # As many tabs as there ought to be, but one of them is somebody else's end of a line.
    assert as_text((), [("a\nb", "c")]) == "a\\nb\tc\n"


@pytest.mark.parametrize("value", ["\ud800", 2**63])
def test_a_value_no_column_holds_is_said_to_be_one(cloud: Cloud, value: object) -> None:
    row = dict.fromkeys(_SAME, "x") | dict(zip(_NAMES, (1, "k", 1, "sale", "d"), strict=True))
    row |= {"delta": value} if isinstance(value, int) else {"sku_id": value}
    with (
        pytest.raises((sa.exc.DataError, OverflowError, UnicodeError)),
        cloud.db.begin() as connection,
    ):
        insert_rows(connection, stock_movement, [row])
