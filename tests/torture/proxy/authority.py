"""Certificates made for one test: a local authority, and servers it vouches for well or badly."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """A certificate authority; `bundle` is the file whoever trusts it is given."""

    home: Path
    name: str
    key: EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def bundle(self) -> Path:
        """The authority's own certificate as a file."""
        return self.home / f"{self.name}.crt"

    def server(
        self, host: str, *, begins: timedelta = -DAY, ends: timedelta = 30 * DAY
    ) -> ssl.SSLContext:
        """Return what a server of this name presents; the dates are relative to now."""
        key, now = generate(SECP256R1()), datetime.now(UTC)
        made = (
            _builder(host, self.certificate.subject, key, now + begins, now + ends)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .sign(self.key, SHA256())
        )
        both = self.home / f"{host}-{made.serial_number}.both"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        both.write_bytes(private + made.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)
        return context


def new_authority(home: Path, name: str) -> Authority:
    """Make an authority whose files lie in a directory of the test."""
    key, now = generate(SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        _builder(name, subject, key, now - 400 * DAY, now + 400 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    made = Authority(home, name, key, certificate)
    made.bundle.write_bytes(certificate.public_bytes(Encoding.PEM))
    return made


def _builder(
    name: str, issuer: x509.Name, key: EllipticCurvePrivateKey, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
