"""Links in mails: signed, so that they open a page without signing in.

A token names what it is for; nothing is kept of it. Whether it still is of any use is
for the page behind it to find out.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence

import msgspec

_MAC = 24
_ACTIVATE = "activate"
_UNSUBSCRIBE = "unsubscribe"


class Links:
    """The first key signs, every key is accepted, as in the vault."""

    def __init__(self, keys: Sequence[str], public_url: str) -> None:
        self._keys = [
            hashlib.sha256(b"callboard links v1:" + key.encode()).digest()
            for key in keys
        ]
        self._base = public_url

    def page(self, path: str) -> str:
        return self._base + path

    def activate(self, webhook: str, spell: str) -> str:
        """Good for this spell of this webhook only."""
        return self.page(f"/activate/{self._token(_ACTIVATE, webhook, spell)}")

    def unsubscribe(self, webhook: str, address: str) -> str:
        return self.page(f"/unsubscribe/{self._token(_UNSUBSCRIBE, webhook, address)}")

    def read_activate(self, token: str) -> tuple[str, str] | None:
        """Webhook and spell; None for what we did not sign for this."""
        return self._read(_ACTIVATE, token)

    def read_unsubscribe(self, token: str) -> tuple[str, str] | None:
        """Webhook and address."""
        return self._read(_UNSUBSCRIBE, token)

    def _token(self, purpose: str, webhook: str, what: str) -> str:
        said = msgspec.json.encode([purpose, webhook, what])
        return urlsafe_b64encode(_mac(self._keys[0], said) + said).decode().rstrip("=")

    def _read(self, purpose: str, token: str) -> tuple[str, str] | None:
        try:
            data = urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4))
        except ValueError:
            return None
        mac, said = data[:_MAC], data[_MAC:]
        if not any(hmac.compare_digest(mac, _mac(key, said)) for key in self._keys):
            return None
        named, webhook, what = msgspec.json.decode(said, type=tuple[str, str, str])
        return (webhook, what) if named == purpose else None


def _mac(key: bytes, said: bytes) -> bytes:
    return hmac.digest(key, said, "sha256")[:_MAC]
