"""Emits each value 10,000 times and exits 1 if the interpreter lost references meanwhile.

A program of its own: the loss it looks for ends in the interpreter's abort.
"""

from __future__ import annotations

import sys

from PySide6.QtCore import QCoreApplication, QObject, Signal

EMITS = 10_000
# Other code may take or drop a few references meanwhile; a leak shows in thousands.
SLACK = 200
# From Python 3.12 on None and True cannot die and their counts mean nothing; surviving is the test.
COUNTS_MEAN_SOMETHING = sys.version_info < (3, 12)


class Sender(QObject):
    """Tells any value."""

    told = Signal(object)


def lost_references(value: object) -> int:
    """Emit `value` to one receiver and return the most references lost of it, None and True."""
    sender, heard = Sender(), 0

    def hear(got: object) -> None:
        nonlocal heard
        heard += got is value

    sender.told.connect(hear)
    watched = (value, None, True)
    before = [sys.getrefcount(each) for each in watched]
    for _ in range(EMITS):
        sender.told.emit(value)
    after = [sys.getrefcount(each) for each in watched]
    if heard != EMITS:
        raise SystemExit(f"{heard} of {EMITS} emits of {value!r} arrived")
    return max(then - now for then, now in zip(before, after, strict=True))


if __name__ == "__main__":
    application = QCoreApplication([])
    losses = {repr(value): lost_references(value) for value in (None, True, False, 0, "")}
    if COUNTS_MEAN_SOMETHING and max(losses.values()) > SLACK:
        raise SystemExit(f"references lost: {losses}")
