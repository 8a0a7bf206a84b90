"""A till as a process of its own, so that it can be killed: signs in, scans, shows a QR, prints its
address as one line, and goes on living until somebody ends it."""

from __future__ import annotations

import sys
from pathlib import Path

from guidepos.bootstrap import open_till
from tests.e2e.counter import Counter
from tests.e2e.phones import live_until
from ui.shell import application

FOREVER_S = 600.0


def main(home: Path) -> None:
    """Sell one piece by QR and wait for the end."""
    application()
    counter = Counter(open_till(home))
    counter.open()
    counter.sign_in()
    sys.stdout.write(counter.quick_sale(*counter.goods(1)) + "\n")
    sys.stdout.flush()
    live_until(lambda: False, FOREVER_S)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
