"""Prefixed ids that sort by the time they were made.

48 bits of milliseconds and 80 random bits in Crockford's base 32, lower case:
`evt_01k4y9c2m8x3t6q0r5v7w9z1ab`. A delivery's id comes from its database sequence
instead, because its order within a webhook must not depend on clocks.
"""

import os
from datetime import datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
_VALUES = {char: value for value, char in enumerate(_ALPHABET)}

AFTER_ALL = 2**63 - 1  # no number of a sequence is as large


def make(prefix: str, now: datetime) -> str:
    number = int(now.timestamp() * 1000) << 80 | int.from_bytes(os.urandom(10))
    return f"{prefix}_{_encode(number, 26)}"


def earliest(prefix: str, time: datetime) -> str:
    """No id made at `time` or later sorts before it."""
    return f"{prefix}_{_encode(int(time.timestamp() * 1000) << 80, 26)}"


def from_sequence(prefix: str, sequence: int) -> str:
    return f"{prefix}_{_encode(sequence, 14)}"


def to_sequence(prefix: str, public_id: str) -> int | None:
    """The sequence number in an id made by `from_sequence`; None for any other text."""
    head, _, tail = public_id.partition("_")
    if head != prefix or len(tail) != 14 or not set(tail) <= _VALUES.keys():
        return None
    number = 0
    for char in tail:
        number = number << 5 | _VALUES[char]
    return number if number < 1 << 63 else None


def _encode(number: int, length: int) -> str:
    pairs = []
    for _ in range(length // 2):
        pairs.append(_PAIRS[number & 1023])
        number >>= 10
    return "".join(reversed(pairs))
