"""A webhook as the sender needs it: read, unsealed and compiled once per version."""

from collections.abc import Iterable
from dataclasses import dataclass

from callboard.retry import RetryPlan, SuccessRule
from callboard.signing.keyring import UNSIGNED, Keyring
from callboard.signing.schemes import Scheme
from callboard.vault import Vault, VaultError
from callboard.webhooks.secrets import open_keyring, read_secrets
from callboard.webhooks.settings import NewWebhook, settings_of
from callboard.webhooks.tables import Webhook

_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Target:
    """`problem`: why nothing can be sent with these settings; empty if all is well."""

    webhook: str
    version: int
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    keyring: Keyring
    success: SuccessRule
    plan: RetryPlan
    timeout: float
    problem: str = ""


class Targets:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._known: dict[str, Target] = {}

    async def load(self, wanted: Iterable[tuple[str, int]]) -> None:
        """(webhook, version) pairs; reads only what is not known in that version."""
        missing = [
            webhook
            for webhook, version in set(wanted)
            if not self._has(webhook, version)
        ]
        if not missing:
            return
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        for row in await Webhook.objects().where(Webhook.id.is_in(missing)):
            self._known[row.id] = read_target(row, self._vault)

    def __getitem__(self, webhook: str) -> Target:
        return self._known[webhook]

    def _has(self, webhook: str, version: int) -> bool:
        known = self._known.get(webhook)
        return known is not None and known.version >= version


def read_target(row: Webhook, vault: Vault) -> Target:
    keyring, problem = UNSIGNED, ""
    try:
        keyring = read_keyring(row, vault)
    except VaultError as error:
        problem = str(error)
    return target_of(settings_of(row), keyring, row.id, row.version, problem)


def read_keyring(row: Webhook, vault: Vault) -> Keyring:
    """Raises VaultError when no key of the vault opens a secret."""
    sealed, scheme = read_secrets(row.secrets), Scheme(row.signing)
    return open_keyring(scheme, row.signature_header, sealed, row.id, vault)


def target_of(
    settings: NewWebhook,
    keyring: Keyring,
    webhook: str = "",
    version: int = 0,
    problem: str = "",
) -> Target:
    return Target(
        webhook=webhook,
        version=version,
        method=settings.method,
        url=settings.url,
        headers=tuple(settings.headers.items()),
        keyring=keyring,
        success=settings.success,
        plan=RetryPlan(settings.schedule),
        timeout=float(settings.timeout),
        problem=problem,
    )
