"""Authorities, certificates that they have issued, and servers that ask for them."""

import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from callboard.signing import private as private_keys
from tests.make import NOW

FOR_CLIENTS = ExtendedKeyUsageOID.CLIENT_AUTH
FOR_SERVERS = ExtendedKeyUsageOID.SERVER_AUTH


@dataclass(frozen=True)
class Issued:
    certificate: x509.Certificate
    private: Any

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key(self) -> str:
        return self.locked(None)

    def locked(self, password: str | None) -> str:
        lock: Any = serialization.NoEncryption()
        if password:
            lock = serialization.BestAvailableEncryption(password.encode())
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock
        ).decode()


def authority(name: str = "Test authority") -> Issued:
    return issue(name, None, is_authority=True)


def issue(
    name: str,
    issuer: Issued | None,
    *,
    private: Any = None,
    use: x509.ObjectIdentifier | None = None,
    begins: datetime = NOW - timedelta(days=1),
    ends: datetime = NOW + timedelta(days=90),
    is_authority: bool = False,
    address: str = "127.0.0.1",
) -> Issued:
    """Signed by itself where there is no issuer."""
    private = private or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    good_for = x509.IPAddress(ip_address(address))
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .add_extension(x509.SubjectAlternativeName([good_for]), critical=False)
    )
    if use:
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    signer = issuer.private if issuer else private
    digest = hashes.SHA256() if hasattr(signer, "curve") else None
    return Issued(builder.sign(signer, digest), private)


def shows(certificate: Issued, context: ssl.SSLContext, aside: Path) -> ssl.SSLContext:
    """`aside`: a folder, as Python loads keys from files."""
    file = aside / "shown.pem"
    file.write_text(certificate.key + certificate.pem)
    context.load_cert_chain(file)
    return context


def receives(server: Issued, aside: Path) -> ssl.SSLContext:
    """The TLS of a receiver."""
    return shows(server, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), aside)


def asks_for_certificates(
    server: Issued, trusts: Issued, aside: Path, newest: ssl.TLSVersion
) -> ssl.SSLContext:
    """The TLS of a receiver that lets in whom the authority knows."""
    context = receives(server, aside)
    context.maximum_version = newest
    context.load_verify_locations(cadata=trusts.pem)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def large_rsa_key() -> str:
    """Of 8192 bits, as PEM. Its factors are no primes: those would take minutes."""
    p, q = 3 * 2**4094 + 1, 3 * 2**4094 + 3
    public = rsa.RSAPublicNumbers(65537, p * q)
    numbers = rsa.RSAPrivateNumbers(p, q, 5, 3, 3, 7, public)
    key = numbers.private_key(unsafe_skip_rsa_key_validation=True)
    return private_keys.to_pem(key)
