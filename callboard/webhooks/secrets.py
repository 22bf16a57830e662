"""Signing secrets at rest: sealed, the newest first, old ones with an end."""

from collections.abc import Iterable, Iterator
from datetime import datetime

import msgspec

from callboard.signing.secrets import parse
from callboard.vault import Vault


class SealedSecret(msgspec.Struct, frozen=True):
    """`until`: it signs no longer; None for the one in use."""

    sealed: str
    until: datetime | None = None


def read_secrets(kept: str) -> list[SealedSecret]:
    return msgspec.json.decode(kept, type=list[SealedSecret])


def seal_secrets(secrets: Iterable[SealedSecret]) -> str:
    return msgspec.json.encode(list(secrets)).decode()


def seal(secret: str, webhook: str, vault: Vault) -> SealedSecret:
    return SealedSecret(vault.seal(secret, webhook))


def open_secrets(
    sealed: Iterable[SealedSecret], webhook: str, vault: Vault
) -> Iterator[tuple[bytes, datetime | None]]:
    """Raises VaultError when no key opens one."""
    for each in sealed:
        yield parse(vault.unseal(each.sealed, webhook)), each.until
