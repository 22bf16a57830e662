"""Signing keys at rest: sealed, the newest first, old ones with an end."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

import msgspec

from callboard.signing import keys
from callboard.signing.keyring import UNSIGNED, Key, Keyring
from callboard.signing.public import PublicKey
from callboard.signing.schemes import Scheme
from callboard.vault import Vault


class SealedSecret(msgspec.Struct, frozen=True, omit_defaults=True):
    """`until`: it signs no longer; None for the one in use. `public`: of a pair."""

    sealed: str
    until: datetime | None = None
    made_at: datetime | None = None
    public: PublicKey | None = None

    def is_good(self, now: datetime) -> bool:
        return self.until is None or self.until > now


def read_secrets(kept: str) -> list[SealedSecret]:
    return msgspec.json.decode(kept, type=list[SealedSecret])


def write_secrets(secrets: Iterable[SealedSecret]) -> str:
    return msgspec.json.encode(list(secrets)).decode()


async def make(scheme: Scheme, brought: str | None) -> str | None:
    """The text of a key, None where nothing is signed.

    In a thread: RSA takes a while, and leaves Python's lock alone meanwhile.
    """
    if scheme is Scheme.NONE:
        return None
    if brought is None:
        return await asyncio.to_thread(keys.generate, scheme)
    return await asyncio.to_thread(keys.bring, scheme, brought)


def seal(
    scheme: Scheme, text: str, webhook: str, vault: Vault, now: datetime
) -> SealedSecret:
    public = keys.public_key(scheme, text)
    return SealedSecret(vault.seal(text, webhook), made_at=now, public=public)


def open_keyring(
    scheme: Scheme,
    header: str,
    sealed: Iterable[SealedSecret],
    webhook: str,
    vault: Vault,
) -> Keyring:
    """Raises VaultError when no key of the vault opens one."""
    if scheme is Scheme.NONE:
        return UNSIGNED
    opened = (
        Key(keys.open_key(scheme, vault.unseal(each.sealed, webhook)), each.until)
        for each in sealed
    )
    return Keyring(scheme, header or scheme.usual_header, tuple(opened))
