"""How providers name certificates: Alipay by an MD5 over issuer and serial, WeChat Pay by the serial.

Sources: the AntCertificationUtil of Alipay's SDKs and published certificates with their numbers;
wechatpay-go for WeChat Pay.
"""

from __future__ import annotations

import base64
import hashlib
import re
import warnings
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from cloud.gateways.signing.rsa import KeyUnfit

_BLOCK = re.compile(r"-{5}BEGIN CERTIFICATE-{5}(.*?)-{5}END CERTIFICATE-{5}", re.DOTALL)
_RSA_SIGNATURES = "1.2.840.113549.1.1."
"""Object identifiers of all signature algorithms that sign with RSA (PKCS#1) begin like this."""

_SHORT = {
    NameOID.COMMON_NAME: "CN",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.LOCALITY_NAME: "L",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.COUNTRY_NAME: "C",
}


def leaf(text: str) -> x509.Certificate:
    """Return the first certificate of a PEM file, which is the one its owner signs with. Raises KeyUnfit."""
    found = _BLOCK.search(text)
    if found is None:
        raise KeyUnfit("the file holds no certificate")
    try:
        return _load(found.group(1))
    except ValueError as error:
        raise KeyUnfit("the certificate cannot be read") from error


def end_of(text: str) -> datetime | None:
    """Return until when a PEM file's certificate is valid, None for a text that is none."""
    return leaf(text).not_valid_after_utc if _BLOCK.search(text) else None


def alipay_serial(certificate: x509.Certificate) -> str:
    """Return what Alipay calls a certificate's SN: MD5 of the issuer's name and the decimal serial."""
    issuer = ",".join(
        f"{_SHORT.get(part.oid, part.oid.dotted_string)}={part.value!s}"
        for rdn in reversed(list(certificate.issuer.rdns))
        for part in rdn
    )
    text = f"{issuer}{certificate.serial_number}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def alipay_root_serial(text: str) -> str:
    """Return the SN of Alipay's root file: those of its RSA-signed certificates, joined by "_".

    Blocks that cannot be parsed are skipped: the public root file holds one with an elliptic curve no
    common library knows, and what is not RSA does not count anyway. Raises KeyUnfit when none is left.
    """
    serials = []
    for block in _BLOCK.findall(text):
        try:
            certificate = _load(block)
        except ValueError:
            continue
        if certificate.signature_algorithm_oid.dotted_string.startswith(_RSA_SIGNATURES):
            serials.append(alipay_serial(certificate))
    if not serials:
        raise KeyUnfit("the root file holds no RSA-signed certificate")
    return "_".join(serials)


def wechat_serial(certificate: x509.Certificate) -> str:
    """Return a certificate's number as WeChat Pay writes it: upper-case hexadecimal."""
    return f"{certificate.serial_number:X}"


def _load(block: str) -> x509.Certificate:
    der = base64.b64decode("".join(block.split()), validate=True)
    with warnings.catch_warnings():
        # Old test certificates break small rules of newer standards; that is no reason to say no.
        warnings.simplefilter("ignore")
        return x509.load_der_x509_certificate(der)
