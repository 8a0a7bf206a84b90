"""What must hold of a till's books after any fault, checked on the real till, opened again.

Nothing promised is missing or other than promised, nothing is there half, numbers have no gaps, drafts
are right; then it sells, syncs, and the cloud holds everything once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from app.domain.pricing import PricedCart
from app.domain.refund import Refund
from app.domain.sale import Sale
from app.errors import RuleBroken, Trouble
from app.services.checkout import OPEN_SLOT
from guidepos.till import Till
from tests.sync.till import become_device
from tests.torture.counter import (
    Stand,
    SteppedFar,
    World,
    basket,
    move_wal,
    sell_for_cash,
    settle_payments,
    stock_shelves,
)
from tests.torture.processes import Ended, Line, run_child
from tests.torture.tally import Failure, Tally

MOST_ROUNDS = 5


@dataclass
class Findings:
    """What is wrong: which harm of a tally, and a sentence each. `records` is how many were looked at."""

    wrong: list[tuple[str, str]] = field(default_factory=list)
    records: int = 0

    def add(self, harm: str, what: str) -> None:
        """Note a harm."""
        self.wrong.append((harm, what))

    def count_in(self, tally: Tally, repeat: Any) -> None:
        """Add this run to a tally."""
        tally.runs += 1
        tally.records += self.records
        for harm, _ in self.wrong:
            setattr(tally, harm, getattr(tally, harm) + 1)
        if self.wrong:
            what = "; ".join(f"{harm}: {what}" for harm, what in self.wrong)
            tally.failures.append(Failure(repeat, what))


@dataclass(frozen=True, slots=True)
class Expected:
    """What the world outside knows of the till's doings."""

    promised: tuple[Sale | Refund, ...]
    wanted: tuple[PricedCart, ...]
    paid: tuple[tuple[str, str], ...]
    """Cart and attempt of every payment a customer made."""

    @classmethod
    def of(cls, ended: Ended) -> Expected:
        """Return what a played scene said before it ended."""
        return cls(
            tuple(ended.all("promised")), tuple(ended.all("wanted")), tuple(ended.all("paid"))
        )


def inspect(stand_of: Any, world: World, expected: Expected) -> Findings:
    """Open the till in a child, look at its books, go on working with it, and look again."""

    def job(line: Line) -> None:
        findings = Findings()
        stand: Stand = stand_of(line)
        try:
            till = stand.open()
        except Trouble as trouble:
            findings.add("stuck", f"the store does not open: {trouble.args}")
        else:
            _look(till, expected, findings)
            _go_on(stand, till, expected, findings)
            _look(till, expected, findings)
            _look_at_pages(till, findings)
            findings.records = len(journal(till))
            line.tell("journal", journal(till))
            stand.close()
        line.tell("findings", findings)

    ended = run_child(job, **world.targets)
    if ended.hung:
        return Findings([("stuck", "the till hangs")])
    try:
        findings: Findings = ended.last("findings")
    except LookupError as error:
        return Findings([("stuck", str(error))])
    if ended.all("journal"):
        _compare(ended.last("journal"), world.held, findings)
    return findings


def _look(till: Till, expected: Expected, findings: Findings) -> None:
    """Compare the books with what was promised and with themselves."""
    _look_at_file(till, findings)
    reader = till.store.reader
    for document in expected.promised:
        number = document.sale_id if isinstance(document, Sale) else document.refund_id
        found = reader.document(number)
        if found is None:
            findings.add("lost", f"{document.receipt_no} was promised and is not there")
        elif found != document:
            findings.add("altered", f"{document.receipt_no} is not what was promised")
    rows = reader.documents(limit=10_000)
    for row in rows:
        if not _is_whole(till, reader.document(row.document_id)):
            findings.add("altered", f"{row.receipt_no} is there in part")
    _look_at_numbers([row.receipt_no for row in rows], findings)
    sold = {row.document_id for row in rows}
    for draft in reader.drafts():
        if draft.cart.cart_id in sold:
            findings.add("doubled", f"the cart of {draft.cart.cart_id} is sold and still a draft")
    ask = _sql(till)
    apart = ask(
        "SELECT count(*) FROM (SELECT sku_id, sum(n) FROM"
        " (SELECT sku_id, delta AS n FROM stock_movement UNION ALL"
        "  SELECT sku_id, -quantity FROM stock) GROUP BY sku_id HAVING sum(n) <> 0)"
    )[0][0]
    if apart:
        findings.add("altered", f"stock of {apart} SKUs is not the sum of its movements")


def _look_at_file(till: Till, findings: Findings) -> None:
    if till.store.tail_broken is not None or till.store.verify_journal() is not None:
        findings.add("altered", "the chain is broken")
    ask = _sql(till)
    if ask("PRAGMA integrity_check") != [("ok",)] or ask("PRAGMA foreign_key_check"):
        findings.add("altered", "the database is not sound")
    facts = "SELECT (SELECT count(*) FROM document) + (SELECT count(*) FROM payment_step)"
    newest = "SELECT max(seq) FROM journal WHERE epoch = e.epoch"
    offset = (
        f"SELECT fact_offset + coalesce(({newest}), 0) FROM epoch e ORDER BY place DESC LIMIT 1"
    )
    if ask(facts) != ask(offset):
        findings.add("lost", "facts and journal do not have the same number")


def _look_at_pages(till: Till, findings: Findings) -> None:
    """Check every page of the file itself, once nothing of the WAL covers it."""
    move_wal(till)
    if _sql(till)("PRAGMA cipher_integrity_check"):
        findings.add("altered", "a page does not match its checksum")


def _is_whole(till: Till, document: Sale | Refund | None) -> bool:
    """Tell whether everything a document wrote is there."""
    if document is None:
        return False
    number = document.sale_id if isinstance(document, Sale) else document.refund_id
    table = "sale_line" if isinstance(document, Sale) else "refund_line"
    found = _sql(till)(
        f"SELECT (SELECT count(*) FROM {table} x WHERE x.fact_no = d.fact_no),"
        " (SELECT count(*) FROM tender x WHERE x.fact_no = d.fact_no),"
        " (SELECT count(*) FROM stock_movement x WHERE x.fact_no = d.fact_no)"
        f" FROM document d WHERE document_id = '{number}'"
    )
    movements = len(document.movements)
    return found == [(len(document.lines), len(document.tenders), movements)]


def _look_at_numbers(numbers: list[str], findings: Findings) -> None:
    series: dict[str, list[int]] = {}
    for number in numbers:
        head, _, count = number.rpartition("-")
        series.setdefault(head, []).append(int(count))
    for head, counts in series.items():
        for place, times in Counter(counts).items():
            if times > 1:
                findings.add("doubled", f"receipt {head}-{place} exists {times} times")
        if sorted(set(counts)) != list(range(1, max(counts) + 1)):
            findings.add("lost", f"receipts {head} have a gap")


def _go_on(stand: Stand, till: Till, expected: Expected, findings: Findings) -> None:
    """Do what people do next: see to open payments, sell the cart that was open, sell, sync."""
    if not till.store.reader.people():
        till.store.run(stock_shelves).result(60)
    try:
        settle_payments(till)
        for cart, attempt in expected.paid:
            sale = till.store.reader.document(cart)
            if sale is None:
                findings.add("lost", "a customer paid and there is no sale")
            elif [tender.attempt_id for tender in sale.tenders] != [attempt]:
                findings.add("doubled", "a cart that was paid by QR was sold in another way")
        for priced in expected.wanted:
            _sell_again(till, priced, findings)
        sell_for_cash(till, basket(till, 2))
        _sync(stand, till, findings)
    except (Trouble, RuleBroken) as error:
        findings.add("stuck", f"the till does not go on: {error.args}")


def _sell_again(till: Till, priced: PricedCart, findings: Findings) -> None:
    """Complete a cart whose guide saw no answer; it must be sold once in the end."""
    cart = priced.cart.cart_id
    known = till.store.reader.document(cart)
    for draft in till.store.reader.drafts():
        if draft.slot == OPEN_SLOT and draft.cart.cart_id == cart and draft.cart != priced.cart:
            findings.add("altered", "the draft is not the cart that was open")
    sale = sell_for_cash(till, priced)
    if known is not None and sale != known:
        findings.add("doubled", "completing a sold cart again made another sale")


def _sync(stand: Stand, till: Till, findings: Findings) -> None:
    """Bring everything to the cloud, with a till that is not started again in between."""
    if not till.store.reader.identity().enrolled:
        become_device(till.store, SteppedFar(stand.line, "enrolment", lambda name: None))
    engine = stand.engine(till)
    for _ in range(MOST_ROUNDS):
        report = engine.run()
        if report.trouble is None and till.store.reader.sync_status().unsent == 0:
            return
    findings.add("stuck", f"the queue does not drain: {report.trouble and report.trouble.args}")


def _compare(kept: list[tuple[str, bytes]], held: list[tuple[str, bytes]], f: Findings) -> None:
    """Everything the till holds is at the cloud once, unaltered, and nothing else is."""
    there = dict(held)
    for number, times in Counter(number for number, _ in held).items():
        if times > 1:
            f.add("doubled", f"the cloud holds {number} {times} times")
    for number, body in kept:
        if number not in there:
            f.add("lost", f"the cloud does not hold {number}")
        elif there[number] != body:
            f.add("altered", f"the cloud holds {number} with other content")
    if strangers := set(there) - {number for number, _ in kept}:
        f.add("lost", f"{len(strangers)} records are at the cloud and no longer in the till")


def journal(till: Till) -> list[tuple[str, bytes]]:
    """Return id and body of every record of the till's current epoch, in order."""
    newest = "(SELECT epoch FROM epoch ORDER BY place DESC LIMIT 1)"
    return _sql(till)(f"SELECT rec_id, body FROM journal WHERE epoch = {newest} ORDER BY seq")


def _sql(till: Till) -> Any:
    connection: Any = till.store.reader._connection
    return lambda text: connection.execute(text).fetchall()
