"""Private keys, kept as PKCS #8 PEM: RSA, and Ed25519 also as `whsk_`."""

from binascii import Error, a2b_base64

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from callboard.errors import Invalid, Problem, invalid

_FIELD = "signing.secret"

PREFIX = "whsk_"
LARGEST = 16 * 1024
_BITS = (2048, 4096)


def generate_rsa() -> str:
    """Takes some 40 ms, mostly outside of Python's lock: call it in a thread."""
    return to_pem(rsa.generate_private_key(65537, _BITS[0]))


def generate_ed25519() -> str:
    return to_pem(Ed25519PrivateKey.generate())


def to_pem(key: RSAPrivateKey | Ed25519PrivateKey) -> str:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem.decode()


def open_rsa(kept: str) -> RSAPrivateKey:
    """Of what was checked when it was brought; checking again takes 40 ms."""
    data = kept.encode()
    key = load_pem_private_key(data, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, RSAPrivateKey)
    return key


def open_ed25519(kept: str) -> Ed25519PrivateKey:
    key = load_pem_private_key(kept.encode(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


def read_rsa(brought: str) -> RSAPrivateKey:
    """`Invalid` for what cannot sign, or should not. The key is in no message."""
    key = _read_pem(brought, "a private RSA key")
    if not isinstance(key, RSAPrivateKey):
        message = "This is a key of another kind: bring an RSA key."
        raise invalid(_FIELD, "kind", message)
    if not _BITS[0] <= key.key_size <= _BITS[1]:
        message = f"Bring a key of {_BITS[0]} to {_BITS[1]} bits, not {key.key_size}."
        raise invalid(_FIELD, "length", message)
    _read_pem(brought, "a private RSA key", prove=True)
    return key


def read_ed25519(brought: str) -> Ed25519PrivateKey:
    if brought.startswith(PREFIX):
        return _read_whsk(brought)
    key = _read_pem(brought, "a private Ed25519 key")
    if not isinstance(key, Ed25519PrivateKey):
        message = "This is a key of another kind: bring an Ed25519 key."
        raise invalid(_FIELD, "kind", message)
    return key


def _read_whsk(brought: str) -> Ed25519PrivateKey:
    """As the libraries have it: the seed, and mostly the public key behind it."""
    try:
        data = a2b_base64(brought.removeprefix(PREFIX), strict_mode=True)
    except (Error, ValueError):
        data = b""
    if len(data) not in (32, 64):
        message = f"After {PREFIX}, write the key in base64: 32 or 64 bytes."
        raise invalid(_FIELD, "base64", message)
    key = Ed25519PrivateKey.from_private_bytes(data[:32])
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    if data[32:] not in (b"", public):
        raise invalid(_FIELD, "pair", "The two halves of this key are no pair.")
    return key


def _read_pem(brought: str, what: str, *, prove: bool = False) -> object:
    """To `prove` an RSA key takes 40 ms, but minutes where it is very large."""
    if len(brought) > LARGEST:
        raise invalid(_FIELD, "length", f"Bring {what} of at most {LARGEST} bytes.")
    try:
        data = brought.encode()
        return load_pem_private_key(
            data, None, unsafe_skip_rsa_key_validation=not prove
        )
    except TypeError:
        message = "This key has a password: bring it without one."
    except (ValueError, UnsupportedAlgorithm):
        message = f"Bring {what} as PEM, from -----BEGIN to the end of -----END …-----."
    raise Invalid([Problem(_FIELD, "pem", message)])
