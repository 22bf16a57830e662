"""Secrets at rest: sealed with a key that is not in the database."""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from callboard.errors import CallboardError

_MARK = "v1."
_NONCE = 12


class VaultError(CallboardError):
    """A sealed secret was changed, moved, or sealed with a key that is gone."""

    code = "sealed"


class Vault:
    """The first key seals, every key opens: put a new one in front to change keys."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys or not all(keys):
            raise ValueError("a vault needs at least one key, and none of them empty")
        self._ciphers = [AESGCM(_derived(key)) for key in keys]

    def seal(self, secret: str, context: str) -> str:
        """`context` says whose secret it is; nothing else can be opened with it."""
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[0].encrypt(nonce, secret.encode(), context.encode())
        return _MARK + urlsafe_b64encode(nonce + sealed).decode()

    def unseal(self, sealed: str, context: str) -> str:
        """`VaultError` where it cannot be opened. Costs microseconds; no cache here."""
        return self._open(sealed, context)[1]

    def is_old(self, sealed: str, context: str) -> bool:
        """Sealed with another key than the first; `VaultError` if with none of them."""
        return self._open(sealed, context)[0] > 0

    def _open(self, sealed: str, context: str) -> tuple[int, str]:
        data = _decoded(sealed)
        for place, cipher in enumerate(self._ciphers):
            try:
                secret = cipher.decrypt(data[:_NONCE], data[_NONCE:], context.encode())
            except InvalidTag:
                continue
            return place, secret.decode()
        raise VaultError(
            f"No key in SECRET_KEY opens the secret of {context}."
            " Add the key that sealed it behind the present one, after a comma."
        )


def _derived(key: str) -> bytes:
    """Its own purpose, so that the same SECRET_KEY can serve others too."""
    derivation = HKDF(SHA256(), length=32, salt=None, info=b"callboard vault v1")
    return derivation.derive(key.encode())


def _decoded(sealed: str) -> bytes:
    try:
        data = urlsafe_b64decode(sealed.removeprefix(_MARK))
    except ValueError:
        data = b""
    if not sealed.startswith(_MARK) or len(data) < _NONCE + 16:
        raise VaultError("This is no sealed secret.")
    return data
