"""The colour × size matrix of one style: own pieces big, other stores small with their age.

One tap adds a piece; asking for a cell tells which other stores hold it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import Property, QObject, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.catalog import Matrix, MatrixCell
from app.errors import RuleBroken, Trouble
from app.services.stock import Stock
from ui.bridge import KeyedListModel, ViewModel
from ui.images import garment_url
from ui.tasks import sort_failure
from ui.text import Words

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

COLOUR_ROLES = ("code", "name", "cloth", "picture", "broken")
SIZE_ROLES = ("place", "name")
CELL_ROLES = ("place", "skuId", "made", "own", "others", "age", "state_", "inCart", "name")
STORE_ROLES = ("storeId", "name", "quantity", "age")
LOW = 1


@QmlElement
@QmlUncreatable("made by the shell")
class MatrixVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """One style, all its colours and sizes."""

    styleChanged = Signal()
    cellChanged = Signal()
    added = Signal(str)
    notice = Signal(str, str)

    def __init__(
        self,
        stock: Stock,
        words: Words,
        now_ms: Callable[[], int],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._stock, self._words, self._now_ms = stock, words, now_ms
        self._matrix: Matrix | None = None
        self._asked: MatrixCell | None = None
        self._counts: Mapping[str, int] = {}
        self._colours = KeyedListModel(COLOUR_ROLES, self)
        self._sizes = KeyedListModel(SIZE_ROLES, self)
        self._cells = KeyedListModel(CELL_ROLES, self)
        self._stores = KeyedListModel(STORE_ROLES, self)
        words.changed.connect(self._show)

    # --- what QML reads -------------------------------------------------------------------------

    @Property(QObject, constant=True)
    def colours(self) -> QObject:
        """The rows."""
        return self._colours

    @Property(QObject, constant=True)
    def sizes(self) -> QObject:
        """The columns."""
        return self._sizes

    @Property(QObject, constant=True)
    def cells(self) -> QObject:
        """The cells, row by row."""
        return self._cells

    @Property(QObject, constant=True)
    def stores(self) -> QObject:
        """Other stores that hold the cell that was asked for."""
        return self._stores

    @Property(bool, notify=styleChanged)
    def isOpen(self) -> bool:
        """A style is shown."""
        return self._matrix is not None

    @Property(str, notify=styleChanged)
    def name(self) -> str:
        """The style's name."""
        if self._matrix is None:
            return ""
        return self._words.name(self._matrix.name, self._matrix.name_en)

    @Property(str, notify=styleChanged)
    def detail(self) -> str:
        """Style number, price and how old the figures of other stores are."""
        if self._matrix is None:
            return ""
        prices = [cell.sku.list_price for row in self._matrix.cells for cell in row if cell]
        parts = [self._matrix.style_no]
        if prices:
            parts.append(self._words.amount(min(prices)))
        return " · ".join(parts)

    @Property(str, notify=styleChanged)
    def age(self) -> str:
        """How old the figures of other stores are."""
        if self._matrix is None or self._matrix.as_of_ms is None:
            return self._words.say("matrix.others_unknown")
        return self._words.say("matrix.others_as_of", age=self._now_ms() - self._matrix.as_of_ms)

    @Property(str, notify=cellChanged)
    def asked(self) -> str:
        """The cell whose other stores are listed, as "黑色 · 170"; "" for none."""
        return self._name(self._asked) if self._asked else ""

    @Property(bool, notify=cellChanged)
    def askedNowhere(self) -> bool:
        """No other store holds the cell that was asked for."""
        return self._asked is not None and self._asked.others_total <= 0

    # --- what QML does --------------------------------------------------------------------------

    @Slot(str)
    def open(self, style_no: str) -> None:
        """Show a style."""
        try:
            self._matrix = self._stock.matrix(style_no)
        except (RuleBroken, Trouble) as refusal:
            self.notice.emit("problem", self._words.error(sort_failure(refusal)))
            return
        self._asked = None
        self._show()

    @Slot()
    def close(self) -> None:
        """Put the matrix away."""
        self._matrix = self._asked = None
        self._stores.show([])
        self.cellChanged.emit()
        self.styleChanged.emit()

    @Slot(str)
    def add(self, sku_id: str) -> None:
        """Add one piece to the cart."""
        if sku_id:
            self.added.emit(sku_id)

    @Slot(str)
    def ask(self, sku_id: str) -> None:
        """List the other stores that hold a SKU."""
        self._asked = next((c for c in self._all() if c.sku.sku_id == sku_id), None)
        self._show_stores()
        self.cellChanged.emit()

    # --- what Python does -----------------------------------------------------------------------

    def show_counts(self, counts: Mapping[str, int]) -> None:
        """Show in the cells how many pieces of each SKU are in the cart."""
        before, self._counts = self._counts, dict(counts)
        if self._matrix is None:
            return
        for place, cell in enumerate(c for row in self._matrix.cells for c in row):
            if cell is None:
                continue
            was, wanted = (counted.get(cell.sku.sku_id, 0) for counted in (before, self._counts))
            if was != wanted:
                self._cells.change(str(place), inCart=self._in_cart(cell))
            if wanted > max(was, cell.own_quantity):
                self._doubt(cell)

    def _doubt(self, cell: MatrixCell) -> None:
        """More is taken than the books hold here: they may be wrong, so it is said, not refused."""
        said = self._words.say("matrix.more_than_here", n=max(cell.own_quantity, 0))
        self.notice.emit("info", said)
        self.ask(cell.sku.sku_id)

    def _all(self) -> list[MatrixCell]:
        matrix = self._matrix
        return [cell for row in matrix.cells for cell in row if cell] if matrix else []

    @Slot()
    def _show(self) -> None:
        matrix = self._matrix
        if matrix is None:
            return
        broken = matrix.broken_colours()
        self._sizes.show(
            {"place": str(i), "name": self._words.size(size)} for i, size in enumerate(matrix.sizes)
        )
        self._colours.show(
            {
                "code": code,
                "name": self._words.name(name, name_en),
                "cloth": cloth,
                "picture": garment_url(matrix.drawing, cloth),
                "broken": broken[row],
            }
            for row, (code, name, name_en, cloth) in enumerate(matrix.colours)
        )
        cells = [cell for row in matrix.cells for cell in row]
        self._cells.show(self._cell(place, cell) for place, cell in enumerate(cells))
        self._show_stores()
        self.styleChanged.emit()
        self.cellChanged.emit()

    def _show_stores(self) -> None:
        others = self._asked.others if self._asked else ()
        self._stores.show(
            {
                "storeId": store.store_id,
                "name": store.store_name,
                "quantity": str(store.quantity),
                "age": self._age(store.as_of_ms),
            }
            for store in sorted(others, key=lambda store: -store.quantity)
            if store.quantity > 0
        )

    def _cell(self, place: int, cell: MatrixCell | None) -> dict[str, object]:
        if cell is None:
            return dict.fromkeys(CELL_ROLES, "") | {
                "place": str(place),
                "made": False,
                "state_": "none",
            }
        own = cell.own_quantity
        state = "out" if own <= 0 else "low" if own <= LOW else "ok"
        return {
            "place": str(place),
            "skuId": cell.sku.sku_id,
            "made": True,
            "own": str(own),
            "others": self._words.say("matrix.others_hold", n=cell.others_total)
            if cell.others_total > 0
            else "",
            "age": self._age(min(s.as_of_ms for s in cell.others if s.quantity > 0))
            if cell.others_total > 0
            else "",
            "state_": state,
            "inCart": self._in_cart(cell),
            "name": self._name(cell),
        }

    def _in_cart(self, cell: MatrixCell) -> str:
        count = self._counts.get(cell.sku.sku_id, 0)
        return str(count) if count else ""

    def _name(self, cell: MatrixCell) -> str:
        sku = cell.sku
        return self._words.join(
            self._words.name(sku.colour, sku.colour_en), self._words.size(sku.size)
        )

    def _age(self, as_of_ms: int) -> str:
        return self._words.age(self._now_ms() - as_of_ms)
