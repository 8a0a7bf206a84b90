"""`kill -9` at any moment: every sale is there whole or not at all, and what was promised is there."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from offline_store import open_store
from tests.fakes.clock import FakeClock
from tests.store.shop import KEY

PROGRAM = """
import sys
from pathlib import Path
from app.ports import Draft
from offline_store import open_store
from tests.fakes.clock import FakeClock
from tests.store.shop import COAT, SCARF, KEY, cart_of, sale_of

store = open_store(Path(sys.argv[1]), KEY, FakeClock())
print("open", flush=True)
while True:
    cart = cart_of((COAT, 2), (SCARF, 1))
    store.run(lambda uow: uow.save_draft(Draft("open", cart, 1))).result()

    def job(uow):
        sale = sale_of(cart, receipt_no=uow.next_receipt_no())
        uow.record(sale)
        uow.drop_draft("open")
        return sale

    print(store.run(job).result().sale_id, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.fault(1, "every sale that was promised, whole, under numbers without a gap")
def test_a_killed_till_loses_nothing_it_promised_and_keeps_nothing_half(tmp_path: Path):
    file = tmp_path / "till.db"
    chance = random.Random(3)
    promised: list[str] = []
    for _ in range(20):
        till = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(file)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert till.stdout is not None
        assert till.stdout.readline() == "open\n"
        promised += [till.stdout.readline().strip() for _ in range(chance.randrange(1, 12))]
        till.send_signal(signal.SIGKILL)
        promised += [line.strip() for line in till.stdout if line.endswith("\n")]
        till.stdout.close()
        till.wait(30)
    with open_store(file, KEY, FakeClock()) as store:
        assert store.tail_broken is None
        assert store.verify_journal() is None
        reader = store.reader
        assert all(reader.document(sale_id) is not None for sale_id in promised)
        documents = reader.documents(limit=100_000)
        numbers = sorted(int(d.receipt_no[-6:]) for d in documents)
        assert numbers == list(range(1, len(documents) + 1))
        assert len(documents) == reader.sync_status().unsent
        ids = {d.document_id for d in documents}
        assert all(draft.cart.cart_id not in ids for draft in reader.drafts())
        rows = reader._connection.execute
        lines = rows("SELECT count(*) FROM sale_line").fetchone()[0]
        moved = rows("SELECT sum(delta) FROM stock_movement").fetchone()[0]
        own = rows("SELECT sum(quantity) FROM stock").fetchone()[0]
        assert (lines, moved, own) == (2 * len(ids), -3 * len(ids), -3 * len(ids))
