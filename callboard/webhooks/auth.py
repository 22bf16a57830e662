"""The secret in a webhook's auth: brought, kept sealed, opened for calls."""

from dataclasses import replace

from callboard.auth.settings import Auth
from callboard.vault import Vault, VaultError
from callboard.webhooks.settings import NewWebhook, settings_of
from callboard.webhooks.tables import Webhook


def completed(new: NewWebhook, row: Webhook, vault: Vault) -> NewWebhook:
    """A secret that was not brought again is the one that the webhook has.

    Still sealed where nothing else about the auth changes, else open, so that the whole
    can be judged; missing where it is for another type or no key opens it.
    """
    auth, before = new.auth, settings_of(row).auth
    if auth.secret is not None or auth.type != before.type:
        return new
    if auth.shown == before.shown:
        return replace(new, auth=before)
    try:
        opened = unseal(before, row.id, vault)
    except VaultError:
        return new
    return replace(new, auth=replace(auth, secret=opened.secret))


def seal(auth: Auth, webhook: str, vault: Vault) -> Auth:
    if auth.secret is None:
        return auth
    sealed = vault.seal(auth.secret, context_of(webhook))
    return replace(auth, secret=None, sealed=sealed)


def unseal(auth: Auth, webhook: str, vault: Vault) -> Auth:
    """Raises VaultError when no key opens it."""
    if not auth.sealed:
        return auth
    return replace(auth, secret=vault.unseal(auth.sealed, context_of(webhook)))


def context_of(webhook: str) -> str:
    """What the vault calls the secret."""
    return f"{webhook} auth"
