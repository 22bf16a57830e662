"""Webhooks: create, change, read.

A saved webhook is a draft and calls nobody. Each change moves the account's version in
its transaction, so that no process goes on with an old copy; that comes first, and
waits for the accepts under way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from piccolo.columns.combination import WhereRaw

from callboard import ids
from callboard.accounts import accounts, audit
from callboard.accounts.actor import Actor
from callboard.database import Database, writing
from callboard.errors import Conflict, NotFound
from callboard.matching.patterns import compile_patterns
from callboard.paging import Page, decode_cursor, page_of
from callboard.signing.schemes import Scheme
from callboard.vault import Vault
from callboard.webhooks import auth, timetable, turn
from callboard.webhooks.checking import checked
from callboard.webhooks.secrets import make, seal, write_secrets
from callboard.webhooks.settings import SETTINGS, NewWebhook, columns, settings_of
from callboard.webhooks.states import WebhookState
from callboard.webhooks.tables import Webhook

_MOST_CHOICES = 1000


@dataclass(frozen=True, slots=True)
class Choice:
    id: str
    name: str
    state: str


async def create(
    by: Actor, new: NewWebhook, vault: Vault, allow_http: bool
) -> tuple[Webhook, str | None]:
    """A draft, and the secret that it shares with its receiver, shown this once."""
    new = await checked(by.account, new, allow_http, by.now)
    scheme = Scheme(new.signing)
    text = await make(scheme, new.secret)
    row = _draft(by, new, text, vault)
    async with writing() as db:
        await row.save()
        await turn.insert(db, row, by.now)
        await timetable.follow(db, row.id, None, new.delivery, by.now)
        await audit.note(by, "webhook.created", row.id, row.name)
        await accounts.bump(db, by.account)
    return row, text if scheme.shares_secret else None


async def change(
    by: Actor, id: str, wanted: Mapping[str, Any], vault: Vault, allow_http: bool
) -> tuple[Webhook, str | None]:
    """`wanted`: values by the names of NewWebhook; other settings stay as they are.

    Another signing scheme gets a key of its own, and the old keys sign no longer. The
    secret of the new one is returned where it is shared, and shown this once.
    """
    before = await get(by.account, id)
    new = await changed(before, wanted, vault, allow_http, by.now)
    text = await _key_for(before, new)  # no transaction waits until it is made
    async with writing() as db:
        await accounts.bump(db, by.account)
        row = await get(by.account, id)
        if row.signing != before.signing:
            raise Conflict("Somebody else has changed this webhook just now.")
        new = await changed(row, wanted, vault, allow_http, by.now)
        await _write(db, row, new, text, vault, by.now)
        if names := _differing(settings_of(row), new):
            await audit.note(by, "webhook.changed", id, ", ".join(names))
        await turn.touch(db, id)
        row = await get(by.account, id)
    return row, text if Scheme(row.signing).shares_secret else None


async def changed(
    row: Webhook,
    wanted: Mapping[str, Any],
    vault: Vault,
    allow_http: bool,
    now: datetime,
) -> NewWebhook:
    """All its settings as `change` would have them; raises Invalid as it does."""
    new = auth.completed(replace(settings_of(row), **wanted), row, vault)
    return await checked(row.account, new, allow_http, now, row.signing)


async def get(account: str, id: str) -> Webhook:
    row = await Webhook.objects().get(
        (Webhook.account == account)
        & (Webhook.id == id)
        & (Webhook.state != WebhookState.DELETED)
    )
    if row is None:
        raise NotFound("There is no such webhook.")
    return row


async def page(
    account: str, cursor: str | None = None, search: str = "", limit: int = 50
) -> Page[Webhook]:
    """Newest first; `search` is looked for in names and URLs."""
    where = (Webhook.account == account) & (Webhook.state != WebhookState.DELETED)
    if search:
        like = f"%{search.lower()}%"
        found = "(lower(name) LIKE {} OR lower(url) LIKE {})"
        where &= WhereRaw(found, like, like)
    if cursor:
        where &= Webhook.id < decode_cursor(cursor)
    rows = (
        await Webhook.objects()
        .where(where)
        .order_by(Webhook.id, ascending=False)
        .limit(limit + 1)
    )
    return page_of(rows, limit, lambda row: row.id)


async def states(account: str) -> set[str]:
    """Those that any of its webhooks has."""
    mine = (Webhook.account == account) & (Webhook.state != WebhookState.DELETED)
    rows = await Webhook.select(Webhook.state).where(mine).group_by(Webhook.state)
    return {row["state"] for row in rows}


async def names(account: str, webhook_ids: list[str]) -> dict[str, str]:
    """Deleted ones too: their past deliveries keep a name."""
    if not webhook_ids:
        return {}
    rows = await Webhook.select(Webhook.id, Webhook.name).where(
        Webhook.account == account, Webhook.id.is_in(webhook_ids)
    )
    return {row["id"]: row["name"] for row in rows}


async def choices(account: str, chosen: str = "") -> list[Choice]:
    """To choose one from, by name: all that there are, or of very many the newest; the
    `chosen` one in any case."""
    mine = (Webhook.account == account) & (Webhook.state != WebhookState.DELETED)
    columns = (Webhook.id, Webhook.name, Webhook.state)
    newest = Webhook.select(*columns).where(mine).order_by(Webhook.id, ascending=False)
    rows = await newest.limit(_MOST_CHOICES)
    if chosen and chosen not in {row["id"] for row in rows}:
        rows += await Webhook.select(*columns).where(mine, Webhook.id == chosen)
    return sorted((Choice(**row) for row in rows), key=lambda each: each.name.lower())


async def listening_to(account: str, type: str) -> list[Webhook]:
    """Those that list it, or a pattern that covers it; in any state, sorted by name."""
    rows = await Webhook.objects().where(
        Webhook.account == account, Webhook.state != WebhookState.DELETED
    )
    found = [
        row
        for row in rows
        if compile_patterns(msgspec.json.decode(row.events)).matches(type)
    ]
    return sorted(found, key=lambda row: row.name)


def _draft(by: Actor, new: NewWebhook, text: str | None, vault: Vault) -> Webhook:
    id = ids.make("wh", by.now)
    new = replace(new, auth=auth.seal(new.auth, id, vault))
    return Webhook(
        id=id,
        account=by.account,
        state=WebhookState.DRAFT,
        state_since=by.now,
        version=1,
        secrets=_sealed(Scheme(new.signing), text, id, vault, by.now),
        created_at=by.now,
        changed_at=by.now,
        **columns(new),
    )


async def _key_for(row: Webhook, new: NewWebhook) -> str | None:
    """The key that another scheme needs."""
    if new.signing == row.signing:
        return None
    return await make(Scheme(new.signing), new.secret)


def _differing(before: NewWebhook, new: NewWebhook) -> list[str]:
    """A form sends all settings, whichever somebody has changed."""
    return [each for each in SETTINGS if getattr(before, each) != getattr(new, each)]


async def _write(
    db: Database,
    row: Webhook,
    new: NewWebhook,
    text: str | None,
    vault: Vault,
    now: datetime,
) -> None:
    new = replace(new, auth=auth.seal(new.auth, row.id, vault))
    changes: dict[Any, Any] = columns(new) | {"changed_at": now}
    if new.signing != row.signing:
        changes["secrets"] = _sealed(Scheme(new.signing), text, row.id, vault, now)
    await Webhook.update(changes).where(Webhook.id == row.id)
    if new.url != row.url:
        await turn.forget_speed(db, row.id)
    before = settings_of(row).delivery
    await timetable.follow(db, row.id, before, new.delivery, now)


def _sealed(
    scheme: Scheme, text: str | None, id: str, vault: Vault, now: datetime
) -> str:
    return write_secrets([seal(scheme, text, id, vault, now)] if text else [])
