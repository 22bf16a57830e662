"""A webhook's states: activate, pause, deactivate, delete.

A change of state takes an instant whatever waits, because the waiting deliveries
follow in steps.
"""

from datetime import datetime
from typing import Any, Literal

from callboard.accounts import accounts, audit
from callboard.accounts.actor import Actor
from callboard.auth.settings import Auth
from callboard.database import Database, reading, writing
from callboard.errors import Conflict, Invalid, Problem
from callboard.ids import AFTER_ALL
from callboard.numerals import MOST_COUNTED, counted
from callboard.webhooks import turn, webhooks
from callboard.webhooks.settings import as_json
from callboard.webhooks.states import WebhookState
from callboard.webhooks.tables import Webhook

THE_RULE = "Callboard"  # as the audit log calls it


async def activate(
    by: Actor, id: str, held: Literal["deliver", "discard"] | None
) -> Webhook:
    """`held`: what becomes of held deliveries; Invalid when it is None and some are.

    Unchanged if it is active already.
    """
    async with writing() as db:
        row = await _locked(db, by.account, id)
        if row.state == WebhookState.ACTIVE:
            return row
        waits = await held_count(db, id, most=1) > 0
        if held is not None or not waits:
            act = None if row.state == WebhookState.DRAFT else "release"
            discards = held == "discard" and waits
            active = WebhookState.ACTIVE
            return await _set_state(db, row, by, active, act, discards=discards)
    async with reading() as db:  # locks nothing: many take a moment to count
        many = counted(await held_count(db, id, MOST_COUNTED + 1)).capitalize()
    text = f"{many} deliveries are held: choose to deliver or discard them."
    raise Invalid([Problem("held", "required", text)])


async def pause(by: Actor, id: str) -> Webhook:
    return await _stop(by, id, WebhookState.PAUSED)


async def deactivate(by: Actor, id: str) -> Webhook:
    return await _stop(by, id, WebhookState.DEACTIVATED)


async def delete(by: Actor, id: str) -> None:
    """No more calls; what waits is cancelled; the past stays readable, but no secret is
    kept of it."""
    async with writing() as db:
        row = await _locked(db, by.account, id)
        await _set_state(db, row, by, WebhookState.DELETED, "cancel")
        await db.fetch(
            "UPDATE webhook SET secrets = '[]', headers = '{}', auth = :nothing"
            " WHERE id = :id",
            nothing=as_json(Auth().kept()),
            id=id,
        )


async def stop_by_rule(db: Database, id: str, now: datetime) -> Webhook | None:
    """Carries a verdict of the rule out; None if a person was quicker."""
    row = await Webhook.objects().get(Webhook.id == id)
    if row is None:
        return None
    await accounts.bump(db, row.account)  # as `_locked` does
    row = await Webhook.objects().get(Webhook.id == id)
    rows = await db.fetch("SELECT verdict FROM health WHERE webhook = :id", id=id)
    cause = rows[0]["verdict"] if rows else None
    if row is None or cause is None:
        return None
    if row.state != WebhookState.ACTIVE:
        await db.fetch("UPDATE health SET verdict = NULL WHERE webhook = :id", id=id)
        return None
    rule = Actor(row.account, THE_RULE, now)
    return await _set_state(db, row, rule, WebhookState.DEACTIVATED, "hold", cause)


async def held_count(db: Database, id: str, most: int = AFTER_ALL) -> int:
    """All that wait for a webhook that is not active, and what is still to join them
    because it failed since the last success; no further than to `most`."""
    rows = await db.fetch(
        f"""
        SELECT count(*) AS held FROM (
            SELECT 1 FROM (SELECT seq FROM delivery
                WHERE webhook = :id AND state IN ('pending', 'held')
                LIMIT :most) AS waiting
            UNION ALL
            SELECT 1 FROM turn t JOIN delivery d ON d.webhook = t.webhook
            WHERE t.webhook = :id AND {turn.LOST} LIMIT :most) AS waiting
        """,
        id=id,
        most=most,
    )
    return int(rows[0]["held"])


async def _stop(by: Actor, id: str, state: WebhookState) -> Webhook:
    async with writing() as db:
        row = await _locked(db, by.account, id)
        if row.state == state:
            return row
        if row.state == WebhookState.DRAFT:
            raise Conflict("A draft calls nobody: there is nothing to stop.")
        return await _set_state(db, row, by, state, "hold")


async def _locked(db: Database, account: str, id: str) -> Webhook:
    """Until the end of the transaction nobody else changes its state."""
    await accounts.bump(db, account)
    return await webhooks.get(account, id)


async def _set_state(
    db: Database,
    row: Webhook,
    by: Actor,
    state: WebhookState,
    follow: str | None,
    cause: str | None = None,
    discards: bool = False,
) -> Webhook:
    changes: dict[Any, Any] = {"state": state, "state_since": by.now, "cause": cause}
    await Webhook.update(changes).where(Webhook.id == row.id)
    active = state is WebhookState.ACTIVE
    await turn.follow(db, row.id, follow, active, by.now, discards)
    await _end_spell(db, row.id, state)
    await turn.touch(db, row.id)
    await audit.note(by, f"webhook.{state}", row.id, row.name)
    row.state, row.state_since, row.cause = state, by.now, cause
    return row


async def _end_spell(db: Database, id: str, state: WebhookState) -> None:
    """An activation is a new beginning; what people believe stays as it is."""
    begins = (
        "since = NULL, tries = 0, lost = 0, first_lost = NULL, told = false,"
        " reminded = false, tests = 0, "
    )
    changes = begins if state is WebhookState.ACTIVE else ""
    await db.fetch(
        f"UPDATE health SET {changes}verdict = NULL WHERE webhook = :id",
        id=id,
    )
