"""Keepers of keys and keyrings that answer, forget, lock or are not there."""

from __future__ import annotations

from keyring.backend import KeyringBackend

from app.errors import Code, Trouble


class FakeKeeper:
    """The port `SecretKeeper` in memory. `locked` makes it refuse to answer."""

    protection: str

    def __init__(self, protection: str = "keyring") -> None:
        self.protection = protection
        self.secrets: dict[str, bytes] = {}
        self.locked = False
        self.forgetful = False

    def read(self, name: str) -> bytes | None:
        self._answer()
        return self.secrets.get(name)

    def write(self, name: str, secret: bytes) -> None:
        self._answer()
        if not self.forgetful:
            self.secrets[name] = secret

    def forget(self, name: str) -> None:
        self._answer()
        self.secrets.pop(name, None)

    def _answer(self) -> None:
        if self.locked:
            raise Trouble(Code.STORE_KEY_LOCKED, retryable=True, reason="locked")


class MemoryKeyring(KeyringBackend):
    """A keyring backend in memory. `raising` is what every question to it raises.

    Its priority keeps `keyring` from ever choosing it by itself.
    """

    priority = -1.0

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}
        self.raising: Exception | None = None

    def get_password(self, service: str, username: str) -> str | None:
        self._answer()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._answer()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._answer()
        del self.kept[service, username]

    def _answer(self) -> None:
        if self.raising is not None:
            raise self.raising
