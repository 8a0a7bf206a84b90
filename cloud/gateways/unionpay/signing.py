"""UnionPay's signature in two steps, for its acp 5.1.0 and its service-provider interface.

Needs a contract: nothing here has met UnionPay's servers. The rule is read from demo code and from an
open aggregator (PAYMENTS-OPERATIONS.md says which), and must be confirmed in the test environment that
comes with a contract before it carries money.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from cloud.gateways.signing import rsa


def digest(parameters: Mapping[str, str]) -> bytes:
    """Return what RSA signs: the lower-case SHA-256 of the sorted parameters without `signature`."""
    named = {name: value for name, value in parameters.items() if name != "signature" and value}
    text = "&".join(f"{name}={named[name]}" for name in sorted(named))
    return hashlib.sha256(text.encode()).hexdigest().encode()


def sign(key: RSAPrivateKey, parameters: Mapping[str, str]) -> str:
    """Return the `signature` of a request."""
    return rsa.sign(key, digest(parameters))


def verify(key: RSAPublicKey, parameters: Mapping[str, str]) -> None:
    """Return if an answer or notification holds. Raises SignatureWrong."""
    rsa.verify(key, digest(parameters), parameters.get("signature", ""))
