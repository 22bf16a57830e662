"""What a receiver needs of a private key, in the forms that receivers ask for."""

import json
from base64 import b64encode, urlsafe_b64encode
from hashlib import sha256

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class PublicKey(msgspec.Struct, frozen=True):
    """`xml`: as .NET reads it, for RSA alone. `whpk`: as the Standard Webhooks
    libraries read it, for Ed25519 alone."""

    pem: str
    jwk: dict[str, str]
    xml: str | None = None
    whpk: str | None = None


def describe_rsa(key: RSAPublicKey, alg: str) -> PublicKey:
    """`alg` as RFC 7518 names it."""
    numbers = key.public_numbers()
    n, e = _octets(numbers.n), _octets(numbers.e)
    members = {"e": _url64(e), "kty": "RSA", "n": _url64(n)}
    modulus, exponent = b64encode(n).decode(), b64encode(e).decode()
    return PublicKey(
        pem=_pem(key),
        jwk=_jwk(members, alg),
        xml=f"<RSAKeyValue><Modulus>{modulus}</Modulus>"
        f"<Exponent>{exponent}</Exponent></RSAKeyValue>",
    )


def describe_ed25519(key: Ed25519PublicKey) -> PublicKey:
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    members = {"crv": "Ed25519", "kty": "OKP", "x": _url64(raw)}
    return PublicKey(
        pem=_pem(key),
        jwk=_jwk(members, "EdDSA"),
        whpk="whpk_" + b64encode(raw).decode(),
    )


def _jwk(members: dict[str, str], alg: str) -> dict[str, str]:
    """Named by its thumbprint (RFC 7638), which needs the members in this order."""
    text = json.dumps(members, separators=(",", ":"), sort_keys=True)
    kid = _url64(sha256(text.encode()).digest())
    return members | {"use": "sig", "alg": alg, "kid": kid}


def _pem(key: RSAPublicKey | Ed25519PublicKey) -> str:
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def _octets(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


def _url64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
