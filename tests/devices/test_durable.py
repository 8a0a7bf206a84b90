"""Files and folders that a power cut leaves in place, and disks that will not take them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from app.devices import durable, secrets
from app.devices.durable import make_folder
from app.devices.secrets import STORE_KEY, FileKeeper
from app.errors import Code, Trouble, file_trouble


def test_every_new_folders_name_is_brought_to_the_disk(tmp_path: Path, monkeypatch):
    flushed: list[Path] = []
    monkeypatch.setattr(durable, "flush_folder", flushed.append)
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    assert set(flushed) == {tmp_path, tmp_path / "a"}
    flushed.clear()
    make_folder(tmp_path / "a" / "b")
    assert flushed == []


def test_a_file_where_the_folder_should_be_is_trouble(tmp_path: Path):
    (tmp_path / "a").write_text("")
    with pytest.raises(Trouble):
        make_folder(tmp_path / "a" / "b")


@pytest.mark.parametrize(
    ("number", "code", "retryable"),
    [
        (errno.ENOSPC, Code.STORE_FULL, True),
        (errno.EROFS, Code.STORE_READ_ONLY, False),
        (errno.EACCES, Code.STORE_READ_ONLY, False),
        (errno.EIO, Code.STORE_DAMAGED, False),
    ],
)
def test_errors_of_the_file_system_are_named(number: int, code: Code, retryable: bool):
    trouble = file_trouble(OSError(number, os.strerror(number)))
    assert (trouble.code, trouble.retryable) == (code, retryable)


@pytest.mark.fault(6, "a new till says that the disk is full")
def test_a_full_disk_keeps_no_key_and_says_so(tmp_path: Path, monkeypatch):
    def no_room(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(secrets, "create_private", no_room)
    with pytest.raises(Trouble) as caught:
        FileKeeper(tmp_path).write(STORE_KEY, bytes(32))
    assert caught.value.code is Code.STORE_FULL
    assert FileKeeper(tmp_path).read(STORE_KEY) is None
