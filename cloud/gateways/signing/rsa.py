"""RSA as payment providers use it: PKCS#1 v1.5 with SHA-256, and OAEP for single fields.

A signature that does not hold is an exception and never a False somebody could forget to look at.
"""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

LEAST_BITS = 2048
"""Alipay and WeChat Pay ask for keys of at least 2048 bits."""


_Key = TypeVar("_Key", RSAPrivateKey, RSAPublicKey)


class SignatureWrong(Exception):  # noqa: N818 - says what happened, like the house's own
    """A signature is absent, unreadable or does not belong to these bytes."""


class KeyUnfit(Exception):  # noqa: N818 - says what happened, like the house's own
    """A key cannot be read, is of another kind or too short. The text holds nothing of the key."""


def load_private(text: str) -> RSAPrivateKey:
    """Read a private key as providers hand it out: PEM (PKCS#1 or #8) or its bare base64.

    Raises KeyUnfit.
    """
    try:
        if "-----" in text:
            key = serialization.load_pem_private_key(text.encode(), None)
        else:
            key = serialization.load_der_private_key(_bare(text), None)
    except (ValueError, TypeError) as error:
        raise KeyUnfit("the private key cannot be read") from error
    if not isinstance(key, RSAPrivateKey):
        raise KeyUnfit("the private key is not an RSA key")
    return _long_enough(key)


def load_public(text: str) -> RSAPublicKey:
    """Read a public key from PEM, from a certificate in PEM, or from its bare base64. Raises KeyUnfit."""
    key: object
    try:
        if "CERTIFICATE" in text:
            key = x509.load_pem_x509_certificate(text.encode()).public_key()
        elif "-----" in text:
            key = serialization.load_pem_public_key(text.encode())
        else:
            key = serialization.load_der_public_key(_bare(text))
    except ValueError as error:
        raise KeyUnfit("the public key cannot be read") from error
    if not isinstance(key, RSAPublicKey):
        raise KeyUnfit("the public key is not an RSA key")
    return _long_enough(key)


def _bare(text: str) -> bytes:
    return base64.b64decode("".join(text.split()), validate=True)


def _long_enough(key: _Key) -> _Key:
    if key.key_size < LEAST_BITS:
        raise KeyUnfit(f"the key has {key.key_size} bits, {LEAST_BITS} are the least")
    return key


def sign(key: RSAPrivateKey, message: bytes) -> str:
    """Return the base64 signature over `message`; the same bytes always get the same signature."""
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def verify(key: RSAPublicKey, message: bytes, signature: str) -> None:
    """Return if `signature` (base64) belongs to `message`. Raises SignatureWrong; empty ones never hold."""
    if not message or not signature:
        raise SignatureWrong("empty")
    try:
        raw = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureWrong("not base64") from error
    try:
        key.verify(raw, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as error:
        raise SignatureWrong("does not hold") from error


# SHA-1 inside OAEP is what WeChat Pay prescribes for sensitive fields; it hashes a label, no secret.
_OAEP = padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)  # noqa: S303


def seal(key: RSAPublicKey, text: str) -> str:
    """Encrypt a short field to the owner of `key` (RSA-OAEP with SHA-1), base64."""
    return base64.b64encode(key.encrypt(text.encode(), _OAEP)).decode()


def unseal(key: RSAPrivateKey, sealed: str) -> str:
    """Decrypt a field sealed to us. Raises ValueError."""
    return key.decrypt(base64.b64decode(sealed, validate=True), _OAEP).decode()
