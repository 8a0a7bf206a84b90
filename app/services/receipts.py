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
        names = {person.person_id: person.name for person in reader.people()}
        return Receipt(
            store=reader.store_header(),
            document=document,
            guide_name=names.get(document.actor, document.actor),
            copy=reader.state(_printed(document)) != "",
            back=_back(reader, document),
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


def _printed(document: Sale | Refund) -> str:
    return f"printed:{document.sale_id if isinstance(document, Sale) else document.refund_id}"
