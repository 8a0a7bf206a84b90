"""Receipts: data for a document, printed on the device thread. A broken printer undoes nothing."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from contextlib import suppress

from app.domain.money_back import Back
from app.domain.receipt import Receipt
from app.domain.refund import Refund
from app.domain.sale import Sale
from app.errors import Trouble
from app.ports import Reader, ReceiptPrinter, Store


class Receipts:
    """The job of handing the customer a receipt."""

    def __init__(self, store: Store, printer: ReceiptPrinter, device_pool: Executor) -> None:
        self._store = store
        self._printer = printer
        self._pool = device_pool

    def of(self, document: Sale | Refund) -> Receipt:
        """Return a document's receipt; every print after the first is marked as a copy."""
        reader = self._store.reader
        people = {person.person_id: person for person in reader.people()}
        guide = people.get(document.actor)
        return Receipt(
            store=reader.store_header(),
            document=document,
            guide_name=guide.name if guide else document.actor,
            copy=reader.state(_printed(document)) != "",
            back=_back(reader, document),
            guide_name_en=guide.name_en if guide else "",
            reasons={row.code: (row.name, row.name_en) for row in reader.discount_reasons()},
            colours_en=_colours(reader, document) if isinstance(document, Refund) else {},
        )

    def print(self, document: Sale | Refund) -> Future[Receipt]:
        """Print on the device thread. Raises (through the future) Trouble(PRINTER_FAILED)."""
        return self._pool.submit(self._print, self.of(document))

    def _print(self, receipt: Receipt) -> Receipt:
        self._printer.print(receipt)
        key = _printed(receipt.document)
        with suppress(Trouble):  # it is printed; a store that cannot note so must not say otherwise
            self._store.run(lambda uow: uow.set_state(key, "1")).result()
        return receipt


def _back(reader: Reader, document: Sale | Refund) -> Back | None:
    steps = reader.money_back_of(document.refund_id) if isinstance(document, Refund) else ()
    return steps[-1].standing if steps else None


def _colours(reader: Reader, refund: Refund) -> dict[int, str]:
    """Return the English colours of returned lines: as they were sold, else as the goods are named now."""
    found = {}
    for line in refund.lines:
        sold = reader.document(line.origin.sale_id) if line.origin else None
        lines = sold.lines if isinstance(sold, Sale) else ()
        named = [each.colour_en for each in lines if each.colour == line.colour]
        sku = reader.sku(line.sku_id)
        if sku is not None and sku.colour == line.colour:
            named.append(sku.colour_en)
        found[line.line_no] = next(filter(None, named), "")
    return found


def _printed(document: Sale | Refund) -> str:
    return f"printed:{document.sale_id if isinstance(document, Sale) else document.refund_id}"
