"""Where the store's key lies: the system's secret service, else a 0600 file of our own.

The rule above all others: a key that cannot be read is never replaced by a new one. "There is none",
"it is locked" and "there is no keeper" are three answers, and only the first one, on a till that
has no store yet, may lead to a new key.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from app.devices.durable import create_private, flush_folder
from app.devices.keeper_mark import KeeperMark, read_mark, write_mark
from app.errors import Code, Trouble, file_trouble
from app.ports import SecretKeeper

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

STORE_KEY = "store-key"
KEY_BYTES = 32
_SERVICE = "GuidePOS"

TRUSTED_BACKENDS = (
    "keyring.backends.SecretService.Keyring",
    "keyring.backends.Windows.WinVaultKeyring",
    "keyring.backends.macOS.Keyring",
)
"""The only keyring backends used. Third-party ones may keep plain text or ask on stdin."""


class KeyringKeeper:
    """The port `SecretKeeper` on Secret Service, Credential Manager or Keychain.

    `backend` is None where the till was set up with one that is gone now: then nothing can be said
    about the key, and every question raises.
    """

    protection = "keyring"

    def __init__(self, folder: Path, till: str, backend: KeyringBackend | None) -> None:
        self._folder, self._till, self._backend = folder, till, backend

    def read(self, name: str) -> bytes | None:
        """Return a secret, None only if the keyring itself said that there is none.

        Raises Trouble(STORE_KEY_LOCKED, retryable), `reason` no_backend, locked, dismissed or failed.
        """
        try:
            text = self._ask().get_password(_SERVICE, self._account(name))
        except Exception as error:
            raise _locked(error) from error
        return None if text is None else _from_text(text)

    def write(self, name: str, secret: bytes) -> None:
        """Keep a secret, then note beside the store that it lies in the keyring."""
        backend = self._ask()
        try:
            backend.set_password(_SERVICE, self._account(name), secret.hex())
        except Exception as error:
            raise _locked(error) from error
        write_mark(self._folder, KeeperMark("keyring", self._till, backend_name(backend)))

    def forget(self, name: str) -> None:
        """Drop a secret; none to drop is no error. Raises Trouble(STORE_KEY_LOCKED, retryable)."""
        backend = self._ask()
        try:
            if backend.get_password(_SERVICE, self._account(name)) is not None:
                backend.delete_password(_SERVICE, self._account(name))
        except Exception as error:
            raise _locked(error) from error

    def _ask(self) -> KeyringBackend:
        if self._backend is None:
            raise Trouble(Code.STORE_KEY_LOCKED, retryable=True, reason="no_backend")
        return self._backend

    def _account(self, name: str) -> str:
        # Several tills may live side by side in one account of the system.
        return f"{self._till}/{name}"


class FileKeeper:
    """The port `SecretKeeper` on files only their owner can read: reduced protection.

    Whoever can read this account's files can read the key; it protects a lost backup, not a lost
    tablet.
    """

    protection = "file"

    def __init__(self, folder: Path, till: str = "") -> None:
        self._folder, self.till = folder, till

    def read(self, name: str) -> bytes | None:
        """Return a secret, None if there is no file. Raises Trouble(STORE_KEY_LOCKED, retryable).

        A file that was copied back open to others is closed again.
        """
        file = self._file(name)
        try:
            if os.name == "posix" and file.stat().st_mode & 0o077:
                file.chmod(0o600)
            return _from_text(file.read_text("ascii"))
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise _locked(error) from error

    def write(self, name: str, secret: bytes) -> None:
        """Keep a secret that is not kept yet, durable before this returns.

        Raises Trouble(STORE_IN_USE, retryable) if another process has just kept one of this name:
        replacing it would lock that process out of its store. Raises Trouble: STORE_FULL,
        STORE_READ_ONLY, STORE_DAMAGED for a disk that does not keep it.
        """
        try:
            self._write(name, secret)
        except OSError as error:
            raise file_trouble(error) from error

    def _write(self, name: str, secret: bytes) -> None:
        target = self._file(name)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.parent.chmod(0o700)
        draft = target.with_name(f".{target.name}.{os.urandom(8).hex()}")
        try:
            create_private(draft, secret.hex().encode())
            _claim(draft, target)
        except FileExistsError as error:
            raise Trouble(Code.STORE_IN_USE, retryable=True) from error
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()
        flush_folder(target.parent)
        write_mark(self._folder, KeeperMark("file", self.till))

    def forget(self, name: str) -> None:
        """Drop a secret; none to drop is no error."""
        with suppress(FileNotFoundError):
            self._file(name).unlink()

    def _file(self, name: str) -> Path:
        return self._folder / "keys" / f"{name}.key"


def choose_keeper(folder: Path) -> SecretKeeper:
    """Return the keeper of the till that lives in `folder`. Changes nothing.

    The keeper noted when the key was made stays the keeper, even while it cannot be reached. Only a
    till without a key gets a new choice: the system's keyring if it answers, else the file.
    """
    mark = read_mark(folder)
    if mark is None:
        return _first_choice(folder)
    if mark.keeper == "file":
        return FileKeeper(folder, mark.till)
    return KeyringKeeper(folder, mark.till, trusted_backend(mark.backend))


def load_or_create_key(keeper: SecretKeeper, *, store_exists: bool) -> bytes:
    """Return the 32-byte key of the store, making it only for a till that has no store.

    Raises Trouble: STORE_KEY_MISSING when there is a store but certainly no key, STORE_KEY_LOCKED
    (retryable) when the keeper cannot be asked or did not keep what it was given, STORE_KEY_WRONG
    when what it holds is no key.
    """
    key = keeper.read(STORE_KEY)
    if key is None:
        if store_exists:
            raise Trouble(Code.STORE_KEY_MISSING, keeper=keeper.protection)
        key = os.urandom(KEY_BYTES)
        keeper.write(STORE_KEY, key)
        if keeper.read(STORE_KEY) != key:
            raise Trouble(Code.STORE_KEY_LOCKED, retryable=True, reason="not_kept")
    if len(key) != KEY_BYTES:
        raise Trouble(Code.STORE_KEY_WRONG, keeper=keeper.protection)
    return key


def adopt_key(folder: Path, key: bytes) -> None:
    """Keep a recovered key in a file from now on, whatever held it before.

    The caller has proved that it opens the store. Raises Trouble(STORE_KEY_WRONG) if it is no key.
    """
    if len(key) != KEY_BYTES:
        raise Trouble(Code.STORE_KEY_WRONG)
    mark = read_mark(folder)
    keeper = FileKeeper(folder, mark.till if mark else "")
    if keeper.read(STORE_KEY) != key:
        keeper.forget(STORE_KEY)
        keeper.write(STORE_KEY, key)
    elif mark is None or mark.keeper != "file":
        write_mark(folder, KeeperMark("file", keeper.till))


def trusted_backend(wanted: str = "") -> KeyringBackend | None:
    """Return the system's keyring if it is on the list of trusted ones, and is `wanted` if given.

    Asks `keyring` for its choice, so its own environment variables and configuration are heeded.
    Credentials on Windows are kept for this machine only instead of roaming with the account.
    """
    # Takes 60 ms to import; a till with a file key never needs it.
    import keyring

    chosen = keyring.get_keyring()
    several: list[KeyringBackend] = list(getattr(chosen, "backends", ()))
    for backend in (chosen, *several):
        if backend_name(backend) in TRUSTED_BACKENDS and wanted in ("", backend_name(backend)):
            if backend_name(backend).startswith("keyring.backends.Windows."):
                setattr(backend, "persist", "local machine")  # noqa: B010 - absent from the base class
            return backend
    return None


def backend_name(backend: KeyringBackend) -> str:
    """Return the dotted name of a keyring's class."""
    return f"{type(backend).__module__}.{type(backend).__qualname__}"


def _first_choice(folder: Path) -> SecretKeeper:
    till = os.urandom(8).hex()
    in_file = FileKeeper(folder, till)
    backend = trusted_backend()
    if backend is None or in_file.read(STORE_KEY) is not None:
        return in_file
    in_keyring = KeyringKeeper(folder, till, backend)
    try:
        in_keyring.read(STORE_KEY)
    except Trouble:
        # Nothing of this till lies there, so a keyring that nobody can unlock (a kiosk that signs
        # in by itself) need not keep the shop closed.
        return in_file
    return in_keyring


def _from_text(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise Trouble(Code.STORE_KEY_WRONG) from error


def _locked(error: Exception) -> Trouble:
    """Say why a keeper cannot be asked. Backends raise what they like, so everything lands here."""
    if isinstance(error, Trouble):
        return error
    reasons = {"KeyringLocked": "locked", "LockedException": "locked", "InitError": "dismissed"}
    reason = reasons.get(type(error).__name__, "failed")
    if type(error).__name__ == "NoKeyringError":
        reason = "no_backend"
    detail = type(error).__name__
    return Trouble(Code.STORE_KEY_LOCKED, retryable=True, reason=reason, detail=detail)


def _claim(draft: Path, target: Path) -> None:
    """Give a finished file its name unless the name is taken. Raises FileExistsError."""
    try:
        os.link(draft, target)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links (an SD card): the window of a race is one system call.
        if target.exists():
            raise FileExistsError(target) from None
        draft.rename(target)
