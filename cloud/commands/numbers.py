"""Numbers as they are given on a command line."""

from __future__ import annotations

import argparse


def none_or_more(text: str) -> int:
    """Read a number of zero or more."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return number


def one_or_more(text: str) -> int:
    """Read a number of one or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least one")
    return number
