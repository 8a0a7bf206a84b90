"""A file of `guidepos journal export`, held against what a till still lacks a cloud for."""

from __future__ import annotations

from pathlib import Path

from app.errors import Code, RuleBroken
from app.ports import Store
from app.sync.export import check_covers


def covered_by(file: Path, store: Store) -> tuple[int, int]:
    """Return how many records and changes of members the cloud lacks, all of which are in the file.

    Raises RuleBroken: FILE_UNREADABLE, EXPORT_INCOMPLETE.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise RuleBroken(Code.FILE_UNREADABLE, detail=str(error)) from error
    return check_covers(store, data)
