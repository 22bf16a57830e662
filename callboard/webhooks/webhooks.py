"""A webhook's life: create, change, activate, pause, deactivate, delete.

A saved webhook is a draft and calls nobody. Each change moves the account's version in
its transaction, so that no process goes on with an old copy; that comes first, and
waits for the accepts under way. Changes of state take an instant whatever waits,
because the waiting deliveries follow in steps.
"""

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import Enum
from typing import Any, Literal

import msgspec
from piccolo.columns.combination import WhereRaw

from callboard import ids
from callboard.accounts import accounts, audit
from callboard.accounts.tables import Member
from callboard.catalogue.tables import EventType
from callboard.database import Database, writing
from callboard.errors import Conflict, Invalid, NotFound, Problem, invalid
from callboard.matching.patterns import check_events, compile_patterns
from callboard.paging import Page, decode_cursor, encode_cursor
from callboard.retry import DEFAULT_PLAN, check_plan
from callboard.signing import secrets as standard_secrets
from callboard.vault import Vault
from callboard.webhooks import rules
from callboard.webhooks.secrets import SealedSecret, seal, seal_secrets
from callboard.webhooks.states import WebhookState
from callboard.webhooks.tables import Webhook

Success = Literal["2xx", "200"] | tuple[int, ...]
SIGNING = ("standard", "none")
_NUMBERS = (
    "timeout",
    "concurrency",
    "rate_per_second",
    "hold_days",
    "deactivate_after",
)
MOST_RECIPIENTS = 50
DEFAULT_NOTIFY = ("failing", "deactivated", "reminder", "recovered")
NOTIFY = (*DEFAULT_NOTIFY, "delivery_failed")
THE_RULE = "Callboard"  # as the audit log calls it


class Unset(Enum):
    """In a change: leave as it is (None may be a value)."""

    LEAVE = "leave"


LEAVE = Unset.LEAVE


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook:
    """`secret` is brought by the caller, or made here for a scheme that needs one.

    `recipients`: ids of members, or mail addresses.
    """

    url: str
    events: tuple[str, ...]
    name: str = ""
    app: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    signing: str = "standard"
    secret: str | None = None
    success: Success = "2xx"
    schedule: tuple[int, ...] = DEFAULT_PLAN.gaps
    timeout: int = 15
    rate_per_second: float | None = None
    concurrency: int = 10
    ordered: bool = False
    hold_days: int = 5
    deactivate_after: int | None = 1
    recipients: tuple[str, ...] = ()
    notify: tuple[str, ...] = DEFAULT_NOTIFY


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChange:
    """Only what is given changes."""

    url: str | Unset = LEAVE
    events: tuple[str, ...] | Unset = LEAVE
    name: str | Unset = LEAVE
    app: str | Unset = LEAVE
    headers: dict[str, str] | Unset = LEAVE
    signing: str | Unset = LEAVE
    success: Success | Unset = LEAVE
    schedule: tuple[int, ...] | Unset = LEAVE
    timeout: int | Unset = LEAVE
    rate_per_second: float | Unset | None = LEAVE
    concurrency: int | Unset = LEAVE
    ordered: bool | Unset = LEAVE
    hold_days: int | Unset = LEAVE
    deactivate_after: int | Unset | None = LEAVE
    recipients: tuple[str, ...] | Unset = LEAVE
    notify: tuple[str, ...] | Unset = LEAVE


async def create(
    account: str,
    actor: str,
    new: NewWebhook,
    vault: Vault,
    allow_http: bool,
    now: datetime,
) -> tuple[Webhook, str | None]:
    """A draft, and its signing secret, which is shown this once."""
    new = await checked(account, new, allow_http)
    secret = new.secret or standard_secrets.generate()
    if new.signing == "none":
        secret = ""
    id = ids.make("wh", now)
    row = Webhook(
        id=id,
        account=account,
        state=WebhookState.DRAFT,
        state_since=now,
        version=1,
        method="POST",
        secrets=seal_secrets([seal(secret, id, vault)] if secret else []),
        created_at=now,
        changed_at=now,
        **_columns(new),
    )
    async with writing() as db:
        await row.save()
        await _insert_turn(db, row, now)
        await audit.note(account, actor, "webhook.created", row.id, row.name, now)
        await accounts.bump(db, account)
    return row, secret or None


async def change(
    account: str,
    actor: str,
    id: str,
    wanted: WebhookChange,
    allow_http: bool,
    now: datetime,
) -> Webhook:
    given = {
        f.name: value
        for f in fields(wanted)
        if (value := getattr(wanted, f.name)) is not LEAVE
    }
    async with writing() as db:
        await accounts.bump(db, account)
        row = await get(account, id)
        new = await checked(account, replace(settings_of(row), **given), allow_http)
        if new.signing == "standard" and row.secrets == "[]":
            text = "It has no secret yet: make one under Keys, which turns signing on."
            raise invalid("signing.scheme", "no_secret", text)
        columns: dict[Any, Any] = _columns(new)
        await Webhook.update({**columns, "changed_at": now}).where(Webhook.id == id)
        if new.url != row.url:
            await _forget_speed(db, id)
        names = ", ".join(sorted(given))
        await audit.note(account, actor, "webhook.changed", id, names, now)
        await _touch(db, id)
        return await get(account, id)


async def rotate(
    account: str, actor: str, id: str, vault: Vault, until: datetime, now: datetime
) -> str:
    """A new secret, shown this once; the one in use signs beside it until `until`.

    A webhook that did not sign its calls does so from now on.
    """
    secret = standard_secrets.generate()
    async with writing() as db:
        await accounts.bump(db, account)
        row = await get(account, id)
        old = msgspec.json.decode(row.secrets, type=list[SealedSecret])
        kept = [
            msgspec.structs.replace(each, until=each.until or until)
            for each in old
            if each.until is None or each.until > now
        ]
        sealed = seal_secrets([seal(secret, id, vault), *kept])
        changes: dict[Any, Any] = {"secrets": sealed, "signing": "standard"}
        await Webhook.update(changes).where(Webhook.id == id)
        await audit.note(account, actor, "webhook.secret_rotated", id, "", now)
        await _touch(db, id)
    return secret


async def activate(
    account: str,
    actor: str,
    id: str,
    held: Literal["deliver", "discard"] | None,
    now: datetime,
) -> Webhook:
    """`held`: what becomes of held deliveries; Invalid when it is None and some are.

    Unchanged if it is active already.
    """
    async with writing() as db:
        row = await get(account, id)
        if row.state == WebhookState.ACTIVE:
            return row
        waiting = await held_count(db, id)
        if waiting and held is None:
            text = f"{waiting} deliveries are held: choose to deliver or discard them."
            raise Invalid([Problem("held", "required", text)])
        act = {"deliver": "release", "discard": "discard"}.get(held or "deliver")
        await _refuse_while_moving(db, id, held)
        return await _set_state(
            db, row, actor, WebhookState.ACTIVE, act if waiting else None, now
        )


async def pause(account: str, actor: str, id: str, now: datetime) -> Webhook:
    return await _stop(account, actor, id, WebhookState.PAUSED, now)


async def deactivate(account: str, actor: str, id: str, now: datetime) -> Webhook:
    return await _stop(account, actor, id, WebhookState.DEACTIVATED, now)


async def stop_by_rule(db: Database, id: str, now: datetime) -> Webhook | None:
    """Carries a verdict of the rule out; None if a person was quicker."""
    row = await Webhook.objects().get(Webhook.id == id)
    if row is None:
        return None
    await accounts.bump(db, row.account)  # from here on nobody else changes its state
    row = await Webhook.objects().get(Webhook.id == id)
    rows = await db.fetch("SELECT verdict FROM health WHERE webhook = :id", id=id)
    cause = rows[0]["verdict"] if rows else None
    if row is None or cause is None:
        return None
    if row.state != WebhookState.ACTIVE:
        await db.fetch("UPDATE health SET verdict = NULL WHERE webhook = :id", id=id)
        return None
    return await _set_state(
        db, row, THE_RULE, WebhookState.DEACTIVATED, "salvage", now, cause
    )


async def unsubscribe(id: str, address: str, now: datetime) -> None:
    """Takes an address off the webhook's recipients, if it still is among them."""
    async with writing() as db:
        row = await Webhook.objects().get(Webhook.id == id)
        if row is None or row.state == WebhookState.DELETED:
            return
        await accounts.bump(db, row.account)
        row = await get(row.account, id)
        chosen = settings_of(row).recipients
        left = [each for each in chosen if each != address]
        if len(left) < len(chosen):
            kept = Webhook.update({Webhook.recipients: _json(left)})
            await kept.where(Webhook.id == id)
            act = "webhook.unsubscribed"
            await audit.note(row.account, address, act, id, row.name, now)


async def name_of(id: str) -> str:
    """Whoever's it is: for pages behind a link that we have signed."""
    row = await Webhook.objects().get(Webhook.id == id)
    if row is None:
        raise NotFound("There is no such webhook.")
    return row.name


async def delete(account: str, actor: str, id: str, now: datetime) -> None:
    """No more calls; what waits is cancelled; the past stays readable."""
    async with writing() as db:
        row = await get(account, id)
        await _set_state(db, row, actor, WebhookState.DELETED, "cancel", now)


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
    more = encode_cursor(rows[limit - 1].id) if len(rows) > limit else None
    return Page(rows[:limit], more)


async def names(account: str, webhook_ids: list[str]) -> dict[str, str]:
    """Deleted ones too: their past deliveries keep a name."""
    if not webhook_ids:
        return {}
    rows = await Webhook.select(Webhook.id, Webhook.name).where(
        Webhook.account == account, Webhook.id.is_in(webhook_ids)
    )
    return {row["id"]: row["name"] for row in rows}


async def listening_to(account: str, type: str) -> list[Webhook]:
    """By name or by pattern, in whatever state, by their names."""
    rows = await Webhook.objects().where(
        Webhook.account == account, Webhook.state != WebhookState.DELETED
    )
    found = [
        row
        for row in rows
        if compile_patterns(msgspec.json.decode(row.events)).matches(type)
    ]
    return sorted(found, key=lambda row: row.name)


async def held_count(db: Database, id: str) -> int:
    """All that wait for a webhook that is not active."""
    rows = await db.fetch(
        """
        SELECT count(*) AS held FROM delivery
        WHERE webhook = :id AND state IN ('pending', 'held')
        """,
        id=id,
    )
    return int(rows[0]["held"])


def settings_of(row: Webhook) -> NewWebhook:
    """What a form shows and a change starts from; the secret stays where it is."""
    decode = msgspec.json.decode
    success = decode(row.success)
    return NewWebhook(
        url=row.url,
        events=tuple(decode(row.events)),
        name=row.name,
        app=row.app,
        headers=decode(row.headers),
        signing=row.signing,
        success=tuple(success) if isinstance(success, list) else success,
        schedule=tuple(decode(row.schedule)),
        timeout=row.timeout,
        rate_per_second=row.rate_per_second,
        concurrency=row.concurrency,
        ordered=row.ordered,
        hold_days=row.hold_days,
        deactivate_after=row.deactivate_after,
        recipients=tuple(decode(row.recipients)),
        notify=tuple(decode(row.notify)),
    )


async def check(account: str, new: NewWebhook, allow_http: bool) -> list[Problem]:
    """Every problem of the settings at once."""
    _, problems = rules.check_url(new.url, allow_http)
    types = await EventType.select(EventType.name).where(EventType.account == account)
    problems += check_events(new.events, [row["name"] for row in types])
    problems += rules.check_headers(new.headers)
    problems += check_plan(new.schedule)
    problems += rules.check_success(_as_rule(new.success))
    for name in _NUMBERS:
        problems += rules.check_number(name, getattr(new, name))
    if new.signing not in SIGNING:
        text = f"Choose one of {', '.join(SIGNING)}."
        problems.append(Problem("signing.scheme", "unknown", text))
    if new.secret is not None:
        problems += standard_secrets.check(new.secret)
    if new.name:
        problems += rules.check_name(new.name)
    if new.app:
        problems += rules.check_name(new.app, "app")
    if not set(new.notify) <= set(NOTIFY):
        text = f"Choose from {', '.join(NOTIFY)}."
        problems.append(Problem("notify", "unknown", text))
    return problems + await _check_recipients(account, new.recipients)


async def checked(account: str, new: NewWebhook, allow_http: bool) -> NewWebhook:
    """As it will be kept; raises Invalid with every problem."""
    problems = await check(account, new, allow_http)
    if problems:
        raise Invalid(problems)
    url, _ = rules.check_url(new.url, allow_http)
    assert url is not None
    return replace(new, url=url, name=new.name.strip() or _name_from(url))


def _name_from(url: str) -> str:
    return url.partition("://")[2].partition("/")[0][:100]


async def _check_recipients(account: str, recipients: tuple[str, ...]) -> list[Problem]:
    if len(recipients) > MOST_RECIPIENTS:
        text = f"Choose at most {MOST_RECIPIENTS} recipients."
        return [Problem("recipients", "too_many", text)]
    rows = await Member.select(Member.id).where(Member.account == account)
    known = {row["id"] for row in rows}
    return [
        Problem(
            f"recipients.{place}",
            "recipient",
            "Choose a member, or write an address such as ops@example.org.",
        )
        for place, recipient in enumerate(recipients)
        if recipient not in known and not rules.is_mail_address(recipient)
    ]


def _columns(new: NewWebhook) -> dict[str, Any]:
    return {
        "name": new.name,
        "app": new.app,
        "url": new.url,
        "events": _json(new.events),
        "headers": _json(new.headers),
        "signing": new.signing,
        "success": _json(_as_rule(new.success)),
        "schedule": _json(new.schedule),
        "timeout": new.timeout,
        "rate_per_second": new.rate_per_second,
        "concurrency": new.concurrency,
        "ordered": new.ordered,
        "hold_days": new.hold_days,
        "deactivate_after": new.deactivate_after,
        "recipients": _json(new.recipients),
        "notify": _json([each for each in NOTIFY if each in new.notify]),
    }


def _as_rule(success: Success) -> str | list[int]:
    return success if isinstance(success, str) else list(success)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def _insert_turn(db: Database, row: Webhook, now: datetime) -> None:
    await db.fetch(
        """
        INSERT INTO turn (webhook, account, version, open, lane, ordered, cap, slots,
            leased, next_due, empty_looks, served, rate, tokens, tokens_at, follow)
        VALUES (:id, :account, 1, false, 'untried', :ordered, :cap, 1,
            0, NULL, 0, 0, :rate, 1, :now, NULL)
        """,
        id=row.id,
        account=row.account,
        ordered=row.ordered,
        cap=1 if row.ordered else row.concurrency,
        rate=row.rate_per_second,
        now=now,
    )


async def _touch(db: Database, id: str) -> None:
    """The webhook and its turn move on together; senders see it at their next claim."""
    await db.fetch("UPDATE webhook SET version = version + 1 WHERE id = :id", id=id)
    await db.fetch(
        """
        UPDATE turn SET version = w.version, ordered = w.ordered,
            rate = w.rate_per_second,
            cap = CASE WHEN w.ordered THEN 1 ELSE w.concurrency END,
            slots = CASE WHEN w.ordered THEN 1
                WHEN turn.slots > w.concurrency THEN w.concurrency ELSE turn.slots END
        FROM webhook w WHERE w.id = turn.webhook AND turn.webhook = :id
        """,
        id=id,
    )


async def _forget_speed(db: Database, id: str) -> None:
    """Nobody knows yet how quick the new receiver is."""
    await db.fetch(
        "UPDATE turn SET lane = 'untried', slots = 1 WHERE webhook = :id", id=id
    )


async def _stop(
    account: str, actor: str, id: str, state: WebhookState, now: datetime
) -> Webhook:
    async with writing() as db:
        row = await get(account, id)
        if row.state == state:
            return row
        if row.state == WebhookState.DRAFT:
            raise Conflict("A draft calls nobody: there is nothing to stop.")
        return await _set_state(db, row, actor, state, "hold", now)


async def _refuse_while_moving(db: Database, id: str, held: str | None) -> None:
    """What was discarded must stay so, and what is not held yet cannot be."""
    rows = await db.fetch("SELECT follow FROM turn WHERE webhook = :id", id=id)
    if rows[0]["follow"] == "discard":
        raise Conflict("Deliveries are still being discarded; try again in a moment.")
    # What failed is lost to an activation until it is held.
    if rows[0]["follow"] == "salvage" or (
        rows[0]["follow"] == "hold" and held == "discard"
    ):
        raise Conflict("Deliveries are still being put on hold; try again in a moment.")


async def _set_state(
    db: Database,
    row: Webhook,
    actor: str,
    state: WebhookState,
    follow: str | None,
    now: datetime,
    cause: str | None = None,
) -> Webhook:
    await accounts.bump(db, row.account)
    changed = await db.fetch(
        """
        UPDATE webhook SET state = :state, state_since = :now, cause = :cause
        WHERE id = :id AND state = :before RETURNING id
        """,
        state=state,
        now=now,
        cause=cause,
        id=row.id,
        before=row.state,
    )
    if not changed:
        raise Conflict("Somebody else has changed this webhook just now; look again.")
    await db.fetch(
        """
        UPDATE turn SET open = :open, next_due = :now, empty_looks = 0,
            follow = CASE WHEN follow IN ('discard', 'salvage')
                AND :follow IN ('hold', 'salvage') THEN follow ELSE :follow END
        WHERE webhook = :id
        """,
        open=state is WebhookState.ACTIVE,
        now=now,
        follow=follow,
        id=row.id,
    )
    await _end_spell(db, row.id, state)
    await _touch(db, row.id)
    await audit.note(row.account, actor, f"webhook.{state}", row.id, row.name, now)
    row.state, row.state_since, row.cause = state, now, cause
    return row


async def _end_spell(db: Database, id: str, state: WebhookState) -> None:
    """An activation is a new beginning; what people believe stays as it is."""
    begins = (
        "since = NULL, tries = 0, lost = 0, first_lost = NULL, told = false,"
        " reminded = false, tests = 0, "
    )
    changes = begins if state is WebhookState.ACTIVE else ""
    await db.fetch(
        f"UPDATE health SET {changes}verdict = NULL WHERE webhook = :id",  # noqa: S608
        id=id,
    )
