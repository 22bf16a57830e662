"""A webhook as the sender needs it: read, unsealed and compiled once per version."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from callboard.auth.settings import MASK, Auth, headers_of
from callboard.catalogue import shapes
from callboard.catalogue.shapes import Shapes
from callboard.egress.addresses import one_spelling
from callboard.payload.composing import Composer
from callboard.retry import RetryPlan, SuccessRule
from callboard.schedule import Schedule
from callboard.signing.keyring import UNSIGNED, Keyring
from callboard.signing.schemes import Scheme
from callboard.vault import Vault, VaultError
from callboard.webhooks.auth import unseal
from callboard.webhooks.secrets import open_keyring, read_secrets
from callboard.webhooks.settings import NewWebhook, settings_of
from callboard.webhooks.states import WebhookState
from callboard.webhooks.tables import Webhook

_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Target:
    """`composer` fills `url` and makes the body. `delivery`: its scheduled runs, each
    of which is a try. `masked`: the headers of its own as they may be shown, for they
    may carry its receiver's keys.

    `problem`: why nothing can be sent with these settings; empty when all is well.
    """

    webhook: str
    version: int
    method: str
    url: str
    host: str
    composer: Composer
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    masked: tuple[tuple[str, str], ...]
    keyring: Keyring
    success: SuccessRule
    plan: RetryPlan
    timeout: float
    auth: Auth = field(default_factory=Auth)
    delivery: Schedule | None = None
    problem: str = ""

    @property
    def sends_arrays(self) -> bool:
        return self.delivery is not None and self.delivery.sends_arrays


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
        rows = await Webhook.objects().where(Webhook.id.is_in(missing))
        declared = await shapes.declared({row.account for row in rows})
        for row in rows:
            target = _read(row, self._vault, declared[row.account])
            self._known[row.id] = target

    def __getitem__(self, webhook: str) -> Target:
        return self._known[webhook]

    def _has(self, webhook: str, version: int) -> bool:
        known = self._known.get(webhook)
        return known is not None and known.version >= version


async def read_target(row: Webhook, vault: Vault) -> Target:
    declared = await shapes.declared({row.account})
    return _read(row, vault, declared[row.account])


def read_keyring(row: Webhook, vault: Vault) -> Keyring:
    """Raises VaultError when no key of the vault opens a secret."""
    sealed, scheme = read_secrets(row.secrets), Scheme(row.signing)
    return open_keyring(scheme, row.signature_header, sealed, row.id, vault)


def composer_of(settings: NewWebhook, account: str, declared: Shapes) -> Composer:
    source = f"urn:callboard:{account}"
    return Composer(settings.url, settings.method, settings.payload, source, declared)


def target_of(
    settings: NewWebhook,
    composer: Composer,
    keyring: Keyring,
    webhook: str = "",
    version: int = 0,
    problem: str = "",
) -> Target:
    headers = (*settings.headers.items(), *headers_of(settings.auth))
    return Target(
        webhook=webhook,
        version=version,
        method=settings.method,
        url=settings.url,
        host=one_spelling(urlsplit(settings.url).hostname or ""),
        composer=composer,
        headers=headers,
        masked=_masked(headers, settings.auth),
        keyring=keyring,
        success=settings.success,
        plan=RetryPlan(settings.schedule),
        timeout=float(settings.timeout),
        auth=settings.auth,
        delivery=settings.delivery,
        problem=problem,
    )


def _masked(
    headers: tuple[tuple[str, str], ...], auth: Auth
) -> tuple[tuple[str, str], ...]:
    names = [name for name, _ in headers]
    if auth.type == "oauth2":
        names.append("Authorization")  # its token is put in at each call
    return tuple((name, MASK) for name in names)


def _read(row: Webhook, vault: Vault, declared: Shapes) -> Target:
    settings = settings_of(row)
    composer = composer_of(settings, row.account, declared)
    keyring, problem = UNSIGNED, ""
    if row.state == WebhookState.DELETED:  # its keys are gone: nothing goes unsigned
        problem = "The webhook was deleted."
    try:
        keyring = read_keyring(row, vault)
        settings = replace(settings, auth=unseal(settings.auth, row.id, vault))
    except VaultError as error:
        problem = str(error)
    return target_of(settings, composer, keyring, row.id, row.version, problem)
