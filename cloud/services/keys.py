"""The server's own private keys, kept in one file its owner alone may read and never in a database.

Two signing keys may be valid at a time, so that a fleet can learn the next one before it is used.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from app.wire.messages import KeySet, PublicKey
from app.wire.proofs import Proof
from app.wire.tokens import prove_answer
from cloud.db.engine import read_private, write_private


class _Key(msgspec.Struct, frozen=True):
    kid: str
    private: bytes
    expires_ms: int = 0


class _KeyFile(msgspec.Struct, frozen=True):
    signing: list[_Key]
    escrow: _Key
    token_secret: bytes


class ServerKeys:
    """Keys in memory: the first signing key signs, all are published."""

    def __init__(self, file: _KeyFile) -> None:
        self._signing = [
            (key, Ed25519PrivateKey.from_private_bytes(key.private)) for key in file.signing
        ]
        self._escrow = file.escrow
        self.escrow = X25519PrivateKey.from_private_bytes(file.escrow.private)
        self.token_secret = file.token_secret

    def published(self) -> KeySet:
        """Return the public halves, as tills learn them."""
        return KeySet(
            signing=[
                PublicKey(
                    kid=key.kid,
                    key=private.public_key().public_bytes_raw(),
                    expires_ms=key.expires_ms,
                )
                for key, private in self._signing
            ],
            escrow=PublicKey(
                kid=self._escrow.kid,
                key=self.escrow.public_key().public_bytes_raw(),
                expires_ms=self._escrow.expires_ms,
            ),
        )

    def metrics_token(self) -> str:
        """Return what shows that somebody may read this server's figures."""
        return hmac.digest(self.token_secret, b"gp1-metrics", hashlib.sha256).hex()

    def prove(self, nonce: str, status: int, body: bytes) -> str:
        """Return the proof header of an answer."""
        key, private = self._signing[0]
        return prove_answer(key.kid, private, nonce, status, body)

    def prove_payment(self, proof: Proof) -> str:
        """Return a proof of payment as a customer shows it."""
        key, private = self._signing[0]
        return proof.sign(key.kid, private)


def load_keys(file: Path) -> ServerKeys:
    """Read the keys, making them the first time."""
    if not file.exists():
        write_private(file, msgspec.json.encode(_new_keys()))
    return ServerKeys(msgspec.json.decode(read_private(file), type=_KeyFile))


def _new_keys() -> _KeyFile:
    return _KeyFile(
        signing=[_Key(_kid("s"), os.urandom(32)), _Key(_kid("s"), os.urandom(32))],
        escrow=_Key(_kid("e"), os.urandom(32)),
        token_secret=os.urandom(32),
    )


def _kid(use: str) -> str:
    return use + os.urandom(4).hex()
