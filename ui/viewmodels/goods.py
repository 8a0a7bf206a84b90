"""The middle of the sell screen: categories, search as you type and the tiles.

Every key is one bounded look-up on the GUI thread. Tiles are keyed by their place, not by style:
a search changes what stands in the places that are there, and no delegate is made or destroyed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from PySide6.QtCore import Property, QObject, QTimer, Signal, Slot
from PySide6.QtQml import QmlElement, QmlUncreatable

from app.domain.catalog import StyleCard
from app.errors import Trouble
from app.ports import Store
from ui.bridge import KeyedListModel, ViewModel
from ui.images import garment_url
from ui.tasks import sort_failure
from ui.text import Words

QML_IMPORT_NAME = "Guide.Model"
QML_IMPORT_MAJOR_VERSION = 1

LOW_STOCK = 3
MOST_DOTS = 5
FIRST_PAGE = 24
MOST_TILES = 600
AFTER_A_KEY_MS = 120
AFTER_A_SCAN_MS = 50

TILE_ROLES = (
    "place",
    "styleNo",
    "name",
    "price",
    "stock",
    "stockKind",
    "broken",
    "picture",
    "cloth",
    "dots",
    "moreDots",
    "inCart",
)
CATEGORY_ROLES = ("code", "name", "styles")


class GoodsState(StrEnum):
    """What the middle shows."""

    TILES = "tiles"
    NOTHING_FOUND = "nothing_found"
    NO_GOODS = "no_goods"
    PROBLEM = "problem"


@QmlElement
@QmlUncreatable("made by the shell")
class GoodsVm(ViewModel):  # type: ignore[operator]  # the stub of QmlUncreatable forgets __call__
    """What can be sold, narrowed by category and search. `rest_pictures` is called before tiles change:
    what a tile says is shown first, a picture that is not at hand a frame later."""

    filterChanged = Signal()
    stateChanged = Signal()

    def __init__(
        self,
        store: Store,
        words: Words,
        parent: QObject,
        *,
        rest_pictures: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(parent)
        self._store, self._words, self._rest_pictures = store, words, rest_pictures
        self._text, self._category, self._page = "", "", FIRST_PAGE
        self._state, self._problem = GoodsState.TILES, ""
        self._cards: list[StyleCard] = []
        self._more = False
        self._counts: Mapping[str, int] = {}
        self._scanner_types = False
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._look_up)
        self._tiles = KeyedListModel(TILE_ROLES, self)
        self._categories = KeyedListModel(CATEGORY_ROLES, self)
        words.changed.connect(self.reload)

    # --- what QML reads -------------------------------------------------------------------------

    @Property(QObject, constant=True)
    def tiles(self) -> QObject:
        """The tiles that are loaded."""
        return self._tiles

    @Property(QObject, constant=True)
    def categories(self) -> QObject:
        """The categories; the first one, code "", is everything."""
        return self._categories

    @Property(str, notify=filterChanged)
    def text(self) -> str:
        """What is searched for."""
        return self._text

    @Property(str, notify=filterChanged)
    def category(self) -> str:
        """The chosen category."""
        return self._category

    @Property(str, notify=stateChanged)
    def state(self) -> str:
        """tiles, nothing_found, no_goods or problem."""
        return self._state

    @Property(str, notify=stateChanged)
    def problem(self) -> str:
        """Why there are no tiles, for people."""
        return self._problem

    # --- what QML does --------------------------------------------------------------------------

    @Slot(str)
    def search(self, text: str) -> None:
        """Show what `text` finds."""
        if not self.put(self.filterChanged, _text=text[:60]):
            return
        if self._scanner_types:
            self._later.start(AFTER_A_KEY_MS)
        else:
            self._look_up()

    @Slot(str)
    def choose(self, category: str) -> None:
        """Show one category, or everything for ""."""
        if self.put(self.filterChanged, _category=category):
            self._look_up()

    @Slot()
    def fetchMore(self) -> None:
        """Load the next page of tiles, if there is one."""
        if self._more and len(self._cards) < MOST_TILES:
            self._look_up(keep=True)

    @Slot("qlonglong")
    def setPage(self, tiles: int) -> None:
        """Tell how many tiles fill the screen; that many are looked up at once."""
        page = max(8, min(int(tiles), 80))
        if page > self._page:
            self._page = page
            if self._more:
                self._look_up()
        self._page = page

    @Slot()
    def reload(self) -> None:
        """Look everything up again: after sign-in, news from the cloud, or another language."""
        self._load_categories()
        self._look_up()

    # --- what Python does -----------------------------------------------------------------------

    def wait_for_scanner(self, typing: bool) -> None:
        """While a scanner types into the search field its digits are not looked up: the code takes
        them out again. What stands there in the end is, after the frame that shows what was scanned."""
        self._scanner_types = typing
        if not typing and self._later.isActive():
            self._later.start(AFTER_A_SCAN_MS)

    def show_counts(self, counts: Mapping[str, int]) -> None:
        """Show on the tiles how many pieces of each style are in the cart."""
        before, self._counts = self._counts, dict(counts)
        touched = {
            style
            for style in before.keys() | self._counts.keys()
            if before.get(style) != self._counts.get(style)
        }
        for place, card in enumerate(self._cards) if touched else ():
            if card.style_no in touched:
                self._tiles.change(str(place), inCart=self._in_cart(card))

    @Slot()
    def _look_up(self, *, keep: bool = False) -> None:
        self._later.stop()
        held = len(self._cards) if keep else 0
        try:
            found = self._store.reader.style_cards(
                text=self._text, category=self._category, limit=self._page, offset=held
            )
        except Trouble as trouble:
            problem = self._words.error(sort_failure(trouble))
            self.put(self.stateChanged, _state=GoodsState.PROBLEM, _problem=problem)
            return
        self._more = len(found) == self._page
        self._cards = [*self._cards[:held], *found]
        self._rest_pictures()
        self._tiles.show(self._tile(place, card) for place, card in enumerate(self._cards))
        self.put(self.stateChanged, _state=self._state_of(), _problem="")

    def _state_of(self) -> GoodsState:
        if self._cards:
            return GoodsState.TILES
        filtered = bool(self._text.strip() or self._category)
        return GoodsState.NOTHING_FOUND if filtered else GoodsState.NO_GOODS

    def _load_categories(self) -> None:
        try:
            rows = self._store.reader.categories()
        except Trouble:
            return
        all_row = {
            "code": "",
            "name": self._words.say("sell.all_goods"),
            "styles": str(sum(count for _, count in rows)),
        }
        self._categories.show(
            [all_row]
            + [
                {
                    "code": row.code,
                    "name": self._words.name(row.name, row.name_en),
                    "styles": str(count),
                }
                for row, count in rows
            ]
        )

    def _tile(self, place: int, card: StyleCard) -> dict[str, object]:
        first = card.colour_hexes[0] if card.colour_hexes else "#B8B2A6"
        price = self._words.amount(card.price_from)
        quantity = card.own_quantity
        more = len(card.colour_hexes) - MOST_DOTS
        return {
            "place": str(place),
            "styleNo": card.style_no,
            "name": self._words.name(card.name, card.name_en),
            "price": price + ("+" if card.price_to > card.price_from else ""),
            "stock": self._words.say("sell.stock_out")
            if quantity <= 0
            else self._words.say("sell.stock_of", n=quantity),
            "stockKind": "out" if quantity <= 0 else "low" if quantity <= LOW_STOCK else "ok",
            "broken": card.broken,
            "picture": garment_url(card.drawing, first),
            "cloth": first,
            "dots": list(card.colour_hexes[:MOST_DOTS]),
            "moreDots": f"+{more}" if more > 0 else "",
            "inCart": self._in_cart(card),
        }

    def _in_cart(self, card: StyleCard) -> str:
        count = self._counts.get(card.style_no, 0)
        return str(count) if count else ""
