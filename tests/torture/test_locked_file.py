"""A store that a backup or a virus scanner holds: the sale waits, and goes through or is refused whole."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.errors import Code, Trouble
from offline_store import open_store
from tests.fakes.clock import FakeClock
from tests.store.shop import KEY, sale_of

HOLDER = """
import sys
from pathlib import Path
from offline_store.connection import open_writer

connection = open_writer(Path(sys.argv[1]), bytes(range(32)))
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
connection.close()
print("free", flush=True)
"""


@contextmanager
def held(file: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold a write transaction until it is told to let go."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    try:
        yield holder
    finally:
        holder.communicate("\n", timeout=60)


@pytest.mark.fault(
    9, "the sale waits a moment and is recorded, or is refused and can be tried again"
)
def test_a_sale_waits_for_another_process_and_is_never_half(tmp_path: Path):
    file = tmp_path / "till.db"
    with open_store(file, KEY, FakeClock()) as store:
        refused, waiting = sale_of(), sale_of()
        with held(file):
            with pytest.raises(Trouble) as trouble:
                store.run(lambda uow: uow.record(refused)).result(60)
            assert trouble.value.code is Code.STORE_BUSY
            assert trouble.value.retryable
            assert store.reader.document(refused.sale_id) is None
            answer = store.run(lambda uow: uow.record(waiting))
        assert answer.result(60).seq == 1
        assert store.run(lambda uow: uow.record(refused)).result(60).seq == 2
        assert store.verify_journal() is None
