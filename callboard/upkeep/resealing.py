"""From an old key of SECRET_KEY to the new one: which secrets have moved, and moving.

Only when nothing is sealed with a key any more may it be taken out of SECRET_KEY.
"""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace

import msgspec

from callboard.database import writing
from callboard.vault import Vault, VaultError
from callboard.webhooks.auth import context_of
from callboard.webhooks.secrets import read_secrets, write_secrets
from callboard.webhooks.settings import as_json, settings_of
from callboard.webhooks.tables import Webhook

_AT_ONCE = 200


class WrongKey(Exception):
    """SECRET_KEY is not the one that the secrets here were sealed with."""


@dataclass(frozen=True, slots=True)
class Look:
    """`old`: webhooks with secrets under an older key. `lost`: ids of those whose
    secrets no key opens."""

    old: int
    lost: tuple[str, ...]


async def look(vault: Vault) -> Look:
    """Reads every webhook: microseconds each."""
    old, lost = 0, []
    async for row in _webhooks():
        try:
            old += _is_old(row, vault)
        except VaultError:
            lost.append(row.id)
    return Look(old, tuple(lost))


async def check_key(vault: Vault) -> None:
    """Raises WrongKey when most secrets of the oldest webhooks cannot be opened.

    Their calls would fail, and they be deactivated, for nothing but a wrong setting.
    Whoever has lost the key for good gives them new secrets on their pages first.
    """
    opened = lost = 0
    rows = await Webhook.objects().order_by(Webhook.id).limit(_AT_ONCE)
    for row in rows:
        try:
            secrets = [vault.unseal(*each) for each in _sealed_in(row)]
        except VaultError:
            lost += 1
        else:
            opened += bool(secrets)
    if lost > opened:
        raise WrongKey(
            f"SECRET_KEY opens the secrets of {opened} webhooks and not those of"
            f" {lost}: nothing is sent before it is the key that sealed them, or has"
            " that key behind the new one, after a comma. If it is lost for good, give"
            " them new secrets: the pages run without a worker."
        )


async def reseal(vault: Vault) -> int:
    """How many webhooks had something to move; what cannot be opened stays as it is.

    May run beside everything else, also twice: a row that changes meanwhile is sealed
    with the first key anyway.
    """
    count = 0
    async for row in _webhooks():
        try:
            if not _is_old(row, vault):
                continue
            secrets, auth = _moved(row, vault)
        except VaultError:
            continue
        async with writing():
            moved = await (
                Webhook.update({Webhook.secrets: secrets, Webhook.auth: auth})
                .where(Webhook.id == row.id)
                .where(Webhook.secrets == row.secrets)
                .where(Webhook.auth == row.auth)
                .returning(Webhook.id)
            )
        count += len(moved)
    return count


async def _webhooks() -> AsyncIterator[Webhook]:
    """All of them, also deleted ones."""
    last = ""
    while True:
        rows = (
            await Webhook.objects()
            .where(Webhook.id > last)
            .order_by(Webhook.id)
            .limit(_AT_ONCE)
        )
        for row in rows:
            yield row
        if len(rows) < _AT_ONCE:
            return
        last = rows[-1].id


def _is_old(row: Webhook, vault: Vault) -> bool:
    """VaultError if any of its secrets cannot be opened."""
    return sum([vault.is_old(*each) for each in _sealed_in(row)]) > 0


def _sealed_in(row: Webhook) -> Iterator[tuple[str, str]]:
    """What is sealed, and in which context."""
    for each in read_secrets(row.secrets):
        yield each.sealed, row.id
    auth = settings_of(row).auth
    if auth.sealed:
        yield auth.sealed, context_of(row.id)


def _moved(row: Webhook, vault: Vault) -> tuple[str, str]:
    def anew(sealed: str, context: str) -> str:
        return vault.seal(vault.unseal(sealed, context), context)

    secrets = [
        msgspec.structs.replace(each, sealed=anew(each.sealed, row.id))
        for each in read_secrets(row.secrets)
    ]
    auth = settings_of(row).auth
    if auth.sealed:
        auth = replace(auth, sealed=anew(auth.sealed, context_of(row.id)))
    return write_secrets(secrets), as_json(auth.kept())
