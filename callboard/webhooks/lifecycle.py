"""A webhook's states: activate, pause, deactivate, delete.

A change of state takes an instant whatever waits, because the waiting deliveries
follow in steps.
"""

from datetime import datetime
from typing import Literal

from callboard.accounts import accounts, audit
from callboard.database import Database, writing
from callboard.errors import Conflict, Invalid, Problem
from callboard.webhooks import turn, webhooks
from callboard.webhooks.states import WebhookState
from callboard.webhooks.tables import Webhook

THE_RULE = "Callboard"  # as the audit log calls it


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
        row = await webhooks.get(account, id)
        if row.state == WebhookState.ACTIVE:
            return row
        waiting = await held_count(db, id)
        if waiting and held is None:
            text = f"{waiting} deliveries are held: choose to deliver or discard them."
            raise Invalid([Problem("held", "required", text)])
        act = {"deliver": "release", "discard": "discard"}.get(held or "deliver")
        if held != "discard":
            await _refuse_while_moving(db, id)
        return await _set_state(
            db, row, actor, WebhookState.ACTIVE, act if waiting else None, now
        )


async def pause(account: str, actor: str, id: str, now: datetime) -> Webhook:
    return await _stop(account, actor, id, WebhookState.PAUSED, now)


async def deactivate(account: str, actor: str, id: str, now: datetime) -> Webhook:
    return await _stop(account, actor, id, WebhookState.DEACTIVATED, now)


async def delete(account: str, actor: str, id: str, now: datetime) -> None:
    """No more calls; what waits is cancelled; the past stays readable."""
    async with writing() as db:
        row = await webhooks.get(account, id)
        await _set_state(db, row, actor, WebhookState.DELETED, "cancel", now)


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


async def _stop(
    account: str, actor: str, id: str, state: WebhookState, now: datetime
) -> Webhook:
    async with writing() as db:
        row = await webhooks.get(account, id)
        if row.state == state:
            return row
        if row.state == WebhookState.DRAFT:
            raise Conflict("A draft calls nobody: there is nothing to stop.")
        return await _set_state(db, row, actor, state, "hold", now)


async def _refuse_while_moving(db: Database, id: str) -> None:
    """What was discarded must stay so, and what failed is lost until it is held."""
    moving = await turn.followed_by(db, id)
    if moving == "discard":
        raise Conflict("Deliveries are still being discarded; try again in a moment.")
    if moving == "salvage":
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
    await turn.follow(db, row.id, follow, state is WebhookState.ACTIVE, now)
    await _end_spell(db, row.id, state)
    await turn.touch(db, row.id)
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
