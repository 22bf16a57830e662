"""Browsers that a member has signed in from before: what they show to prove it.

Guessers have no such proof, so they can be slowed down without locking the member out
(OWASP, "Slow down online guessing attacks with device cookies"). It signs nobody in.
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence

_NONCE = 22  # characters: 16 bytes in Base64


def proof(keys: Sequence[str], email: str) -> str:
    """Of a browser that has signed in as `email` just now. The first key signs."""
    nonce = secrets.token_urlsafe(16)
    return nonce + _mac(keys[0], nonce, email)


def known(keys: Sequence[str], shown: str, email: str) -> str:
    """A name for the browser; empty where it has not signed in as `email` before."""
    nonce, mac = shown[:_NONCE], shown[_NONCE:].encode()
    good = (_mac(key, nonce, email).encode() for key in keys)
    return nonce if any(hmac.compare_digest(mac, each) for each in good) else ""


def _mac(key: str, nonce: str, email: str) -> str:
    derived = hashlib.sha256(b"callboard devices v1:" + key.encode()).digest()
    said = f"{nonce}:{email}".encode(errors="replace")
    return hmac.digest(derived, said, "sha256").hex()
