"""Client certificates: do chain and key belong together, and are they any good?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from callboard.errors import Problem

LONGEST_CHAIN = 64 * 1024
LONGEST_KEY = 8 * 1024
MOST_CERTIFICATES = 10
RSA_BITS = (2048, 4096)  # larger ones take everybody's time in each handshake
ENDS_SOON = timedelta(days=30)

_CHAIN, _KEY = "auth.certificate", "auth.private_key"
_OurKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a person can tell it by. The names are its maker's words."""

    subject: str
    issuer: str
    begins_at: datetime
    ends_at: datetime

    def ends_soon(self, now: datetime) -> bool:
        return self.ends_at - now < ENDS_SOON


def describe(chain: str) -> Certificate:
    """The first of the chain, which is ours. Raises ValueError."""
    return _described(_certificates(chain)[0])


def check(chain: str, key: str, now: datetime) -> list[Problem]:
    """No message holds any of the key."""
    if found := list(_wrong_texts(chain, key)):
        return found
    certificates, ours = _try_certificates(chain), _try_key(key)
    found = [each for each in (certificates, ours) if isinstance(each, Problem)]
    if not isinstance(certificates, Problem):
        found += _unfit(certificates, now)
        if not isinstance(ours, Problem):
            found += _mismatch(certificates, ours)
    return found


def bundle(chain: str, key: str, password: bytes) -> bytes:
    """Both in one PEM text, the key locked: no plain key need touch a disk."""
    opened = _key(key)
    locked = opened.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password)
    )
    certificates = [each.public_bytes(Encoding.PEM) for each in _certificates(chain)]
    return b"".join([locked, *certificates])


def _wrong_texts(chain: str, key: str) -> Iterator[Problem]:
    for field, text, most in (
        (_CHAIN, chain, LONGEST_CHAIN),
        (_KEY, key, LONGEST_KEY),
    ):
        if len(text) > most:
            message = f"Use at most {most} characters."
            yield Problem(field, "too_long", message)
        elif not text.isascii():
            message = "Paste the PEM text alone, from its first ----- to its last."
            yield Problem(field, "characters", message)
    if "PRIVATE KEY-----" in chain:
        message = "Keep the private key out of here: it has a field of its own."
        yield Problem(_CHAIN, "private_key", message)


def _try_certificates(chain: str) -> list[x509.Certificate] | Problem:
    try:
        found = _certificates(chain)
        _described(found[0])
    except (ValueError, UnsupportedAlgorithm):
        message = "Paste the certificate as PEM: -----BEGIN CERTIFICATE----- and so on."
        return Problem(_CHAIN, "certificate", message)
    if len(found) > MOST_CERTIFICATES:
        message = f"Bring at most {MOST_CERTIFICATES} certificates: yours, its issuers."
        return Problem(_CHAIN, "too_many", message)
    return found


def _try_key(text: str) -> _OurKey | Problem:
    try:
        key = _key(text)
    except TypeError:
        message = "Bring the key without a pass phrase: it is sealed here."
        return Problem(_KEY, "locked", message)
    except (ValueError, UnsupportedAlgorithm):
        message = "Paste the key as PEM: -----BEGIN PRIVATE KEY----- and so on."
        return Problem(_KEY, "private_key", message)
    if not isinstance(key, _OurKey):
        return Problem(_KEY, "kind", "Use an RSA, EC or Ed25519 key.")
    least, most = RSA_BITS
    if isinstance(key, rsa.RSAPrivateKey) and not least <= key.key_size <= most:
        message = f"Use an RSA key of {least} to {most} bits, not {key.key_size}."
        return Problem(_KEY, "weak" if key.key_size < least else "too_long", message)
    return key


def _unfit(chain: list[x509.Certificate], now: datetime) -> Iterator[Problem]:
    own = _described(chain[0])
    if own.ends_at <= now:
        message = (
            f"This certificate expired on {own.ends_at:%d %b %Y}: bring a new one."
        )
        yield Problem(_CHAIN, "expired", message)
    if own.begins_at > now:
        message = f"This certificate is good only from {own.begins_at:%d %b %Y} on."
        yield Problem(_CHAIN, "too_early", message)
    if not _is_for_clients(chain[0]):
        message = "This certificate is for servers: ask its issuer for a client's."
        yield Problem(_CHAIN, "usage", message)


def _mismatch(chain: list[x509.Certificate], key: _OurKey) -> Iterator[Problem]:
    belongs = [each.public_key() == key.public_key() for each in chain]
    if not any(belongs):
        message = "This key belongs to another certificate: bring the two together."
        yield Problem(_KEY, "another", message)
    elif not belongs[0]:
        message = "Put the key's own certificate first, and its issuers below."
        yield Problem(_CHAIN, "order", message)


def _is_for_clients(certificate: x509.Certificate) -> bool:
    """RFC 5280, 4.2.1.12: where uses are listed, this one has to be."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return True
    uses = (ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    return any(use in found.value for use in uses)


def _certificates(chain: str) -> list[x509.Certificate]:
    """At least one, each with all that is looked at here. Raises ValueError."""
    found = x509.load_pem_x509_certificates(chain.strip().encode())
    for each in found:
        each.public_key()
        _ = each.extensions
    return found


def _key(text: str) -> PrivateKeyTypes:
    """Without tests for primes, which take seconds for a large key: whoever brings a
    bad one harms nobody else."""
    pem = text.strip().encode()
    return load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)


def _described(certificate: x509.Certificate) -> Certificate:
    return Certificate(
        certificate.subject.rfc4514_string(),
        certificate.issuer.rfc4514_string(),
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
    )
