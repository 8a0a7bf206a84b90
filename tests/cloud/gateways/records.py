"""Published records of providers, where they lie beside this checkout, and keys made for a test."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PAYMENTS = Path(__file__).parents[4] / "shared" / "data" / "payments"


def record(name: str) -> Any:
    """Return one file of records; skips the test where a fresh clone has none."""
    path = PAYMENTS / name
    if not path.exists():
        pytest.skip(f"shared/data/payments/{name} is not beside this checkout")
    return json.loads(path.read_text("utf-8"))


@cache
def made_key(name: str) -> rsa.RSAPrivateKey:
    """Return the private key of that name, made anew in each run of the tests."""
    assert name
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


def private_text(key: rsa.RSAPrivateKey) -> str:
    """Write a private key as a provider's tool would."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def public_text(key: rsa.RSAPrivateKey) -> str:
    """Write the public half in PEM."""
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
