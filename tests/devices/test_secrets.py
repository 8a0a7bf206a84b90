"""The store's key: kept where it is safe, found again, and never, ever made twice."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import keyring
import pytest
from keyring.errors import InitError, KeyringLocked, NoKeyringError

from app.devices import secrets as module
from app.devices.keeper_mark import MARK_FILE, KeeperMark, read_mark, write_mark
from app.devices.secrets import (
    KEY_BYTES,
    STORE_KEY,
    FileKeeper,
    KeyringKeeper,
    backend_name,
    choose_keeper,
    load_or_create_key,
    trusted_backend,
)
from app.errors import Code, Trouble
from app.ports import SecretKeeper
from tests.fakes.secrets import FakeKeeper, MemoryKeyring

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")


@pytest.fixture
def system_keyring(monkeypatch) -> MemoryKeyring:
    """A working keyring, trusted as the system's own."""
    backend = MemoryKeyring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: backend)
    monkeypatch.setattr(module, "TRUSTED_BACKENDS", (backend_name(backend),))
    return backend


# --- the rule above all others --------------------------------------------------------------------


def test_a_till_without_a_store_gets_a_key_and_keeps_it():
    keeper = FakeKeeper()
    key = load_or_create_key(keeper, store_exists=False)
    assert len(key) == KEY_BYTES
    assert load_or_create_key(keeper, store_exists=True) == key
    assert load_or_create_key(FakeKeeper(), store_exists=False) != key


def test_a_store_whose_key_is_gone_gets_no_new_one():
    keeper = FakeKeeper()
    with pytest.raises(Trouble) as caught:
        load_or_create_key(keeper, store_exists=True)
    assert (caught.value.code, caught.value.retryable) == (Code.STORE_KEY_MISSING, False)
    assert keeper.secrets == {}


@pytest.mark.parametrize("store_exists", [True, False])
def test_a_keeper_that_cannot_be_asked_gets_no_new_key(store_exists):
    keeper = FakeKeeper()
    keeper.locked = True
    with pytest.raises(Trouble) as caught:
        load_or_create_key(keeper, store_exists=store_exists)
    assert (caught.value.code, caught.value.retryable) == (Code.STORE_KEY_LOCKED, True)
    assert keeper.secrets == {}


def test_a_keeper_that_forgets_is_found_out_before_a_store_is_locked_with_its_key():
    keeper = FakeKeeper()
    keeper.forgetful = True
    with pytest.raises(Trouble) as caught:
        load_or_create_key(keeper, store_exists=False)
    assert caught.value.facts["reason"] == "not_kept"


def test_what_is_no_key_is_not_used_as_one():
    keeper = FakeKeeper()
    keeper.secrets[STORE_KEY] = b"short"
    with pytest.raises(Trouble) as caught:
        load_or_create_key(keeper, store_exists=True)
    assert caught.value.code is Code.STORE_KEY_WRONG


# --- the file -------------------------------------------------------------------------------------


@POSIX
def test_a_key_file_that_was_copied_back_open_to_others_is_closed(tmp_path: Path):
    keeper = FileKeeper(tmp_path)
    keeper.write(STORE_KEY, b"k" * 32)
    file = tmp_path / "keys" / "store-key.key"
    file.chmod(0o644)
    assert keeper.read(STORE_KEY) == b"k" * 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@POSIX
def test_the_key_file_is_its_owners_alone_from_its_first_moment(tmp_path: Path, monkeypatch):
    modes: list[int] = []
    fsync = os.fsync

    def look(descriptor: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    previous = os.umask(0)
    try:
        FileKeeper(tmp_path).write(STORE_KEY, b"k" * 32)
    finally:
        os.umask(previous)
    assert modes[0] == 0o600
    file = tmp_path / "keys" / "store-key.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


def test_a_key_in_a_file_is_found_again(tmp_path: Path):
    assert FileKeeper(tmp_path).read(STORE_KEY) is None
    FileKeeper(tmp_path).write(STORE_KEY, b"k" * 32)
    assert FileKeeper(tmp_path).read(STORE_KEY) == b"k" * 32
    assert FileKeeper(tmp_path).protection == "file"


def test_a_key_in_a_file_is_not_written_over(tmp_path: Path):
    FileKeeper(tmp_path).write(STORE_KEY, b"a" * 32)
    with pytest.raises(Trouble) as caught:
        FileKeeper(tmp_path).write(STORE_KEY, b"b" * 32)
    assert caught.value.code is Code.STORE_IN_USE
    assert FileKeeper(tmp_path).read(STORE_KEY) == b"a" * 32


def test_a_file_system_without_hard_links_keeps_keys_too(tmp_path: Path, monkeypatch):
    def no_links(*_: object) -> None:
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", no_links)
    FileKeeper(tmp_path).write(STORE_KEY, b"a" * 32)
    assert FileKeeper(tmp_path).read(STORE_KEY) == b"a" * 32
    with pytest.raises(Trouble):
        FileKeeper(tmp_path).write(STORE_KEY, b"b" * 32)


def test_a_key_file_that_cannot_be_read_is_locked_and_not_missing(tmp_path: Path):
    (tmp_path / "keys" / "store-key.key").mkdir(parents=True)
    with pytest.raises(Trouble) as caught:
        FileKeeper(tmp_path).read(STORE_KEY)
    assert (caught.value.code, caught.value.retryable) == (Code.STORE_KEY_LOCKED, True)


@pytest.mark.parametrize("content", [b"not hex", b"\xff\xfe", b"zz" * 32])
def test_a_key_file_that_holds_something_else_is_no_key(tmp_path: Path, content: bytes):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "store-key.key").write_bytes(content)
    with pytest.raises(Trouble):
        FileKeeper(tmp_path).read(STORE_KEY)


# --- the keyring ----------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["file", "keyring", "memory"])
def test_a_forgotten_key_is_certainly_gone_and_forgetting_twice_is_no_error(
    tmp_path: Path, system_keyring: MemoryKeyring, where: str
):
    keepers: dict[str, SecretKeeper] = {"file": FileKeeper(tmp_path), "memory": FakeKeeper()}
    keeper = keepers.get(where) or choose_keeper(tmp_path)
    keeper.write(STORE_KEY, b"k" * 32)
    for _ in range(2):
        keeper.forget(STORE_KEY)
        assert keeper.read(STORE_KEY) is None
    assert not system_keyring.kept


def test_a_keyring_that_cannot_be_asked_forgets_nothing_silently(
    tmp_path: Path, system_keyring: MemoryKeyring
):
    keeper = choose_keeper(tmp_path)
    keeper.write(STORE_KEY, b"k" * 32)
    system_keyring.raising = KeyringLocked("no")
    with pytest.raises(Trouble) as caught:
        keeper.forget(STORE_KEY)
    assert caught.value.code is Code.STORE_KEY_LOCKED
    system_keyring.raising = None
    assert keeper.read(STORE_KEY) == b"k" * 32


def test_a_key_in_the_keyring_is_found_again(tmp_path: Path, system_keyring: MemoryKeyring):
    keeper = choose_keeper(tmp_path)
    assert keeper.protection == "keyring"
    key = load_or_create_key(keeper, store_exists=False)
    again = choose_keeper(tmp_path)
    assert again.protection == "keyring"
    assert load_or_create_key(again, store_exists=True) == key
    assert not (tmp_path / "keys").exists()


def test_two_tills_of_one_account_have_two_keys(tmp_path: Path, system_keyring: MemoryKeyring):
    keys = {
        load_or_create_key(choose_keeper(tmp_path / name), store_exists=False)
        for name in ("one", "two")
    }
    assert len(keys) == len(system_keyring.kept) == 2


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (KeyringLocked("no"), "locked"),
        (InitError("Prompt dismissed.."), "dismissed"),
        (NoKeyringError("none"), "no_backend"),
        (RuntimeError("D-Bus is gone"), "failed"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "odd"), "failed"),
    ],
)
@pytest.mark.fault(41, "the till says why the key cannot be read and makes no new one")
def test_every_way_of_not_answering_is_told_apart_and_none_is_an_absent_key(
    tmp_path: Path, system_keyring: MemoryKeyring, raised: Exception, reason: str
):
    key = load_or_create_key(choose_keeper(tmp_path), store_exists=False)
    before = dict(system_keyring.kept)
    system_keyring.raising = raised
    with pytest.raises(Trouble) as caught:
        load_or_create_key(choose_keeper(tmp_path), store_exists=True)
    assert (caught.value.code, caught.value.facts["reason"]) == (Code.STORE_KEY_LOCKED, reason)
    with pytest.raises(Trouble):
        choose_keeper(tmp_path).write(STORE_KEY, b"x" * 32)
    assert system_keyring.kept == before
    system_keyring.raising = None
    assert load_or_create_key(choose_keeper(tmp_path), store_exists=True) == key


@pytest.mark.fault(41, "the till says why the key cannot be read and makes no new one")
def test_a_keyring_that_vanished_is_not_replaced_by_a_file(
    tmp_path: Path, system_keyring: MemoryKeyring, monkeypatch
):
    load_or_create_key(choose_keeper(tmp_path), store_exists=False)
    monkeypatch.setattr(module, "TRUSTED_BACKENDS", ())
    keeper = choose_keeper(tmp_path)
    assert keeper.protection == "keyring"
    for ask in (lambda: keeper.read(STORE_KEY), lambda: keeper.write(STORE_KEY, b"x" * 32)):
        with pytest.raises(Trouble) as caught:
            ask()
        assert caught.value.facts["reason"] == "no_backend"
    assert not (tmp_path / "keys").exists()


@pytest.mark.fault(41, "the key is missing; it can come back from the cloud's escrow")
def test_a_keyring_that_lost_the_key_is_told_and_gets_no_new_one(
    tmp_path: Path, system_keyring: MemoryKeyring
):
    load_or_create_key(choose_keeper(tmp_path), store_exists=False)
    system_keyring.kept.clear()
    with pytest.raises(Trouble) as caught:
        load_or_create_key(choose_keeper(tmp_path), store_exists=True)
    assert caught.value.code is Code.STORE_KEY_MISSING
    assert system_keyring.kept == {}


def test_something_else_in_the_keyring_is_no_key(tmp_path: Path, system_keyring: MemoryKeyring):
    load_or_create_key(choose_keeper(tmp_path), store_exists=False)
    system_keyring.kept = dict.fromkeys(system_keyring.kept, "not hex")
    with pytest.raises(Trouble) as caught:
        choose_keeper(tmp_path).read(STORE_KEY)
    assert caught.value.code is Code.STORE_KEY_WRONG


# --- the choice -----------------------------------------------------------------------------------


def test_without_a_keyring_the_key_lies_in_a_file_and_the_till_says_so(tmp_path: Path):
    keeper = choose_keeper(tmp_path)
    key = load_or_create_key(keeper, store_exists=False)
    assert keeper.protection == choose_keeper(tmp_path).protection == "file"
    assert load_or_create_key(choose_keeper(tmp_path), store_exists=True) == key


def test_a_keyring_found_later_does_not_hide_the_key_in_the_file(
    tmp_path: Path, system_keyring: MemoryKeyring, monkeypatch
):
    FileKeeper(tmp_path).write(STORE_KEY, b"k" * 32)
    assert choose_keeper(tmp_path).protection == "file"
    (tmp_path / MARK_FILE).unlink()
    assert choose_keeper(tmp_path).protection == "file"
    assert load_or_create_key(choose_keeper(tmp_path), store_exists=True) == b"k" * 32


def test_a_new_till_whose_keyring_nobody_unlocks_may_open_with_a_file(
    tmp_path: Path, system_keyring: MemoryKeyring
):
    system_keyring.raising = InitError("Prompt dismissed..")
    keeper = choose_keeper(tmp_path)
    assert keeper.protection == "file"
    load_or_create_key(keeper, store_exists=False)
    system_keyring.raising = None
    assert choose_keeper(tmp_path).protection == "file"


def test_choosing_changes_nothing(tmp_path: Path, system_keyring: MemoryKeyring):
    choose_keeper(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert system_keyring.kept == {}


def test_only_backends_on_the_list_are_trusted(monkeypatch):
    monkeypatch.setattr(keyring, "get_keyring", MemoryKeyring)
    assert trusted_backend() is None


def test_a_trusted_backend_inside_a_chain_is_found(system_keyring: MemoryKeyring, monkeypatch):
    class Chain(MemoryKeyring):
        backends = (system_keyring,)

    monkeypatch.setattr(keyring, "get_keyring", Chain)
    assert trusted_backend() is system_keyring
    assert trusted_backend("keyring.backends.macOS.Keyring") is None


def test_windows_keeps_the_key_on_this_machine(monkeypatch):
    class WinVaultKeyring(MemoryKeyring):
        persist = "enterprise"

    WinVaultKeyring.__module__ = "keyring.backends.Windows"
    WinVaultKeyring.__qualname__ = "WinVaultKeyring"
    monkeypatch.setattr(keyring, "get_keyring", WinVaultKeyring)
    backend = trusted_backend()
    assert isinstance(backend, WinVaultKeyring)
    assert backend.persist == "local machine"


# --- the note beside the store --------------------------------------------------------------------


def test_the_note_says_who_keeps_the_key(tmp_path: Path):
    assert read_mark(tmp_path) is None
    mark = KeeperMark("keyring", "till-1", "keyring.backends.macOS.Keyring")
    write_mark(tmp_path / "new", mark)
    assert read_mark(tmp_path / "new") == mark


@pytest.mark.parametrize("content", [b"", b"{}", b'{"keeper":"usb","till":"1"}', b"\xff"])
def test_a_note_that_cannot_be_read_is_no_reason_for_a_new_choice(tmp_path: Path, content: bytes):
    (tmp_path / MARK_FILE).write_bytes(content)
    with pytest.raises(Trouble) as caught:
        choose_keeper(tmp_path)
    assert (caught.value.code, caught.value.facts["reason"]) == (
        Code.STORE_KEY_LOCKED,
        "mark_unreadable",
    )


def test_a_till_with_its_key_in_a_file_never_loads_the_keyring(tmp_path: Path, monkeypatch):
    FileKeeper(tmp_path).write(STORE_KEY, b"k" * 32)
    monkeypatch.setattr(module, "trusted_backend", lambda *_: pytest.fail("asked the keyring"))
    assert load_or_create_key(choose_keeper(tmp_path), store_exists=True) == b"k" * 32


def test_a_keeper_without_a_backend_says_what_protects_the_key(tmp_path: Path):
    assert KeyringKeeper(tmp_path, "till-1", None).protection == "keyring"
