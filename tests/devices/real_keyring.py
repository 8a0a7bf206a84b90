"""Runs inside a D-Bus session of its own with an unlocked keyring: one step of a till's life.

`make` chooses a keeper and makes a key, `find` finds it again; both print protection and key.
"""

from __future__ import annotations

import sys
from pathlib import Path

from app.devices.secrets import choose_keeper, load_or_create_key
from app.errors import Trouble

if __name__ == "__main__":
    step, folder = sys.argv[1], Path(sys.argv[2])
    try:
        keeper = choose_keeper(folder)
        key = load_or_create_key(keeper, store_exists=step == "find")
    except Trouble as trouble:
        sys.stdout.write(f"{trouble.code.value} {trouble.facts.get('reason')}\n")
    else:
        sys.stdout.write(f"{keeper.protection} {key.hex()}\n")
