"""Password hashes: Argon2id, made in a thread because they are slow on purpose."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from callboard.errors import Problem

SHORTEST = 10
LONGEST = 1000  # hashing takes longer the longer the text

# OWASP's figures; the library's own take 64 MiB for each sign-in under way.
_hasher = PasswordHasher(memory_cost=19 * 1024, time_cost=2, parallelism=1)
# What an unknown email is checked against, so that it takes as long as a known one.
_NOBODY = _hasher.hash("nobody signs in with this")


async def hashed(password: str) -> str:
    return await asyncio.to_thread(_hasher.hash, password)


async def fits(password: str, password_hash: str) -> bool:
    """False for an empty hash too, in the same time."""
    known = await asyncio.to_thread(_verify, password_hash or _NOBODY, password)
    return known and bool(password_hash)


def is_dated(password_hash: str) -> bool:
    return _hasher.check_needs_rehash(password_hash)


def check(password: str) -> list[Problem]:
    if len(password) < SHORTEST:
        text = f"Use at least {SHORTEST} characters."
        return [Problem("password", "too_short", text)]
    if len(password) > LONGEST:
        text = f"Use at most {LONGEST} characters."
        return [Problem("password", "too_long", text)]
    return []


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
