"""Alipay's optional encryption of contents: AES-128-CBC, an initial vector of zeroes, PKCS#7, base64.

Source: the AES tests of Alipay's Easy SDK. The fixed vector is Alipay's rule; what protects the call is
TLS and the signature, this only keeps contents out of intermediaries' logs.
"""

from __future__ import annotations

import base64
import binascii

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

_ZEROES = bytes(16)


class ContentUnreadable(Exception):  # noqa: N818 - says what happened, like the house's own
    """Encrypted content does not open with this key."""


def encrypt(key_b64: str, text: str) -> str:
    """Encrypt a request's contents; the key is base64 as Alipay's console shows it."""
    padder = padding.PKCS7(AES.block_size).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    encryptor = _cipher(key_b64).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def decrypt(key_b64: str, sealed: str) -> str:
    """Decrypt an answer's contents. Raises ContentUnreadable."""
    try:
        decryptor = _cipher(key_b64).decryptor()
        padded = decryptor.update(base64.b64decode(sealed, validate=True)) + decryptor.finalize()
        unpadder = padding.PKCS7(AES.block_size).unpadder()
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except (ValueError, binascii.Error) as error:
        raise ContentUnreadable("does not open") from error


def _cipher(key_b64: str) -> Cipher[CBC]:
    return Cipher(AES(base64.b64decode(key_b64, validate=True)), CBC(_ZEROES))
