"""Secrets that sender and receiver share.

For `standard`: `whsec_` and Base64 of 24–64 bytes. For the hex schemes: any text, whose
UTF-8 bytes are the key.
"""

import os
from binascii import Error, a2b_base64, b2a_base64

from callboard.errors import Problem, raise_all

_FIELD = "signing.secret"

PREFIX = "whsec_"
LONGEST_TEXT = 1024
_GOOD_LENGTH = 24


def generate() -> str:
    return PREFIX + b2a_base64(os.urandom(32), newline=False).decode()


def generate_text() -> str:
    return os.urandom(32).hex()


def parse(secret: str) -> bytes:
    """The key's bytes; `Invalid` for a secret that `check` would refuse."""
    raise_all(check(secret))
    return a2b_base64(secret.removeprefix(PREFIX))


def check(secret: str) -> list[Problem]:
    """The secret itself is in no message: problems end up in answers and logs."""
    if not secret.startswith(PREFIX):
        return [Problem(_FIELD, "prefix", f"Begin the secret with {PREFIX}.")]
    key = _decode(secret.removeprefix(PREFIX))
    if key is None:
        message = f"After {PREFIX}, write the key in base64 with its = padding."
        return [Problem(_FIELD, "base64", message)]
    if not 24 <= len(key) <= 64:
        message = f"Bring a key of 24 to 64 bytes; this one has {len(key)}."
        return [Problem(_FIELD, "length", message)]
    return []


def check_text(secret: str) -> list[Problem]:
    size = len(secret.encode("utf-8", "surrogatepass"))
    if not 1 <= size <= LONGEST_TEXT or "\0" in secret:
        message = f"Bring a text of 1 to {LONGEST_TEXT} bytes."
        return [Problem(_FIELD, "length", message)]
    return []


def hint_text(secret: str) -> str:
    """What to say of a text that is good enough to be taken; mostly nothing."""
    if len(secret.encode()) >= _GOOD_LENGTH:
        return ""
    return (
        f"This secret has fewer than {_GOOD_LENGTH} bytes and might be guessed."
        " Take a longer one if the receiver can."
    )


def _decode(text: str) -> bytes | None:
    try:
        return a2b_base64(text, strict_mode=True)
    except (Error, ValueError):
        return None
