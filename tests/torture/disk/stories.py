"""Single stories on a failing disk, told step by step on the layer of shim.c.

`python -m tests.torture.disk.stories FILE` tells them all and writes for each what went wrong, "" if
nothing did; test_stories.py reads that.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.errors import Code, Trouble
from app.services.checkout import OPEN_SLOT
from guidepos.till import Till
from tests.torture.bench import Bench, open_bench
from tests.torture.books import Expected, inspect
from tests.torture.counter import Stand, basket, play, sell_for_cash, settle_payments
from tests.torture.disk.platter import Platter, read_log
from tests.torture.disk.shim import Action, Disk, Kind, is_on_layer, run_on_layer
from tests.torture.processes import Line, in_copy
from tests.unit.services.till import GUIDE

Story = Callable[[Stand, Disk], None]


@contextmanager
def failing(disk: Disk, kinds: Kind, error: int, at: int = 1) -> Iterator[None]:
    """Let calls of these kinds fail from the `at`-th on, within the block."""
    disk.arm(kinds, at, Action.FAIL, error=error, lasting=True)
    yield
    disk.count()


def refused(job: Callable[[], object]) -> Code | None:
    """Return the code of the Trouble a job ends in."""
    try:
        job()
    except Trouble as trouble:
        return trouble.code
    return None


def full_cash(stand: Stand, disk: Disk) -> None:
    """No room: a cash sale is refused, the cart stays, and with room again the same till sells it."""
    till = stand.open()
    priced = basket(till)
    till.checkout.keep_draft(priced).result(60)
    with failing(disk, Kind.WRITE, errno.ENOSPC):
        assert refused(lambda: sell_for_cash(till, priced)) is Code.STORE_FULL
        assert till.store.reader.document(priced.cart.cart_id) is None
        assert till.checkout.recall(OPEN_SLOT) == priced
    stand.promise(sell_for_cash(till, priced))


def full_qr(stand: Stand, disk: Disk) -> None:
    """No room: no QR is shown and the cloud hears of no order, so nobody can pay."""
    till = stand.open()
    priced = basket(till)
    with failing(disk, Kind.WRITE, errno.ENOSPC):
        assert refused(lambda: till.payments.start(priced, GUIDE).result(60)) is Code.STORE_FULL
        assert stand.line.ask("gateway", "seen") == []
    attempt = till.payments.start(priced, GUIDE).result(60).attempt
    stand.line.ask("gateway", "pay", attempt.attempt_id)
    settle_payments(till)
    assert till.store.reader.document(priced.cart.cart_id) is not None


def full_after_paying(stand: Stand, disk: Disk) -> None:
    """The room runs out while a customer pays: with room again the payment becomes its sale, once."""
    till = stand.open()
    priced = basket(till)
    attempt = till.payments.start(priced, GUIDE).result(60).attempt
    stand.line.ask("gateway", "pay", attempt.attempt_id)
    with failing(disk, Kind.WRITE, errno.ENOSPC):
        heard = till.payments.refresh(attempt.attempt_id).result
        assert refused(lambda: heard(60)) is Code.STORE_FULL
    settle_payments(till)
    assert till.store.reader.document(priced.cart.cart_id) is not None
    assert till.store.reader.uneasy_attempts() == ()


def full_sync(stand: Stand, disk: Disk) -> None:
    """No room: sync reports it and loses nothing; with room again it goes on without a restart."""
    till = stand.open()
    stand.promise(sell_for_cash(till, basket(till)))
    engine = stand.engine(till)
    with failing(disk, Kind.WRITE, errno.ENOSPC):
        report = engine.run()
        assert report.trouble is not None
        assert report.trouble.code is Code.STORE_FULL
    assert engine.run().trouble is None
    assert till.store.reader.sync_status().unsent == 0


def read_only_folder(stand: Stand, disk: Disk) -> None:
    """A folder that cannot be written: the till says so instead of opening, and no payment starts."""
    for error in (errno.EROFS, errno.EACCES):
        with failing(disk, Kind.OPEN, error):
            assert refused(stand.open) is Code.STORE_READ_ONLY
    assert stand.line.ask("gateway", "seen") == []
    till = stand.open()
    stand.promise(sell_for_cash(till, basket(till)))


def read_only_later(stand: Stand, disk: Disk) -> None:
    """A folder that becomes read-only while the till is open: no sale, no payment, nothing half."""
    till = stand.open()
    with failing(disk, Kind.ANY | Kind.OPEN, errno.EROFS):
        assert refused(lambda: sell_for_cash(till, basket(till))) is not None
        assert refused(lambda: till.payments.start(basket(till), GUIDE).result(60)) is not None
        assert stand.line.ask("gateway", "seen") == []
    stand.promise(sell_for_cash(till, basket(till)))


def failed_sync(stand: Stand, disk: Disk) -> None:
    """A sync fails under a sale: the connection is not used again, the file is opened anew."""
    till = stand.open()
    stand.promise(sell_for_cash(till, basket(till, 1)))
    before = _connection(till)
    with failing(disk, Kind.SYNC, errno.EIO):
        assert refused(lambda: sell_for_cash(till, basket(till))) is Code.STORE_DAMAGED
        # A disk that is still broken when the file is opened anew takes no further sale.
        assert refused(lambda: sell_for_cash(till, basket(till))) is Code.STORE_DAMAGED
    stand.promise(sell_for_cash(till, basket(till, 1)))
    assert _connection(till) is not before


def failed_sync_and_kill(stand: Stand, disk: Disk) -> None:
    """A sync fails under a sale and the till dies: what follows must not hang on lost pages."""
    till = stand.open()
    stand.promise(sell_for_cash(till, basket(till, 1)))
    disk.arm(Kind.SYNC, 1, Action.FAIL)
    commit = till.store._worker._judged

    def die(error: BaseException) -> BaseException:
        commit(error)
        os.kill(os.getpid(), signal.SIGKILL)
        raise error

    till.store._worker._judged = die  # type: ignore[method-assign]
    sell_for_cash(till, basket(till))


def sells_again(stand: Stand, disk: Disk) -> None:
    """The till after the one before: it sells, and is then cut off from its power."""
    till = stand.open()
    for n in range(3):
        stand.promise(sell_for_cash(till, basket(till, 2, n)))
    os.kill(os.getpid(), signal.SIGKILL)


STORIES: dict[str, tuple[Story, ...]] = {
    "full: cash": (full_cash,),
    "full: no QR": (full_qr,),
    "full: paid meanwhile": (full_after_paying,),
    "full: sync": (full_sync,),
    "read-only: at start": (read_only_folder,),
    "read-only: later": (read_only_later,),
    "sync fails": (failed_sync,),
    "sync fails, kill, power cut": (failed_sync_and_kill, sells_again),
}
"""A story may need several lives of the till. Behind each the books are looked at twice: in the files
as they are, and in what a power cut at that moment leaves of them."""


def tell(bench: Bench, parts: tuple[Story, ...]) -> str:
    """Tell a story and return what went wrong."""

    def run() -> str:
        with bench.till_for("cash sale") as (home, world):
            log, disk, told = bench.folder / "calls", Disk(), []
            platter = Platter(home)
            for part in parts:
                ended = play(
                    lambda stand, part=part: part(stand, disk),  # type: ignore[misc]
                    lambda line: _on_layer(home, line, disk, log),
                    world,
                )
                told += ended.told
                if errors := ended.all("error"):
                    return str(errors[0])
            platter.play(read_log(log))
            ended.told = told
            expected = Expected.of(ended)

            def look(line: Line) -> Stand:
                return Stand(home, line)

            as_it_is = in_copy(lambda: inspect(look, world, expected)).wrong
            disk.watch(Path("/nowhere"))
            platter.rewrite(home)
            after_cut = in_copy(lambda: inspect(look, world, expected)).wrong
            return str(as_it_is + after_cut) if as_it_is or after_cut else ""

    try:
        return str(in_copy(run))
    except LookupError:
        return traceback.format_exc()


def _on_layer(home: Path, line: Line, disk: Disk, log: Path) -> Stand:
    disk.watch(home, log)
    return Stand(home, line)


def _connection(till: Till) -> Any:
    return till.store.run(lambda uow: vars(uow)["_connection"]).result(60)


def main(out: Path) -> None:
    """Tell all stories and write down how they went."""
    with open_bench() as bench:
        told = {name: tell(bench, parts) for name, parts in STORIES.items()}
    out.write_text(json.dumps(told, indent=1), "utf-8")


if __name__ == "__main__":
    if not is_on_layer():
        sys.exit(run_on_layer("tests.torture.disk.stories", *sys.argv[1:]))
    main(Path(sys.argv[1]))
