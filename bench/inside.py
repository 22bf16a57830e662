"""What needs Callboard's own functions, in a process with its settings."""

import asyncio
import json
import os
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

import click

from bench.load import make_data
from callboard import ids
from callboard.accounts import accounts, keys
from callboard.accounts.actor import Actor
from callboard.accounts.tables import Account
from callboard.config import Settings
from callboard.database import Database, Rows, opened_database, reading, writing
from callboard.delivery import ledger as ledger_rows
from callboard.runtime import prepare_database
from callboard.upkeep.check import ledger
from callboard.webhooks.tables import Webhook

_AT_ONCE = 5000
_DATA = make_data(200)


@click.group()
def main() -> None:
    """Each prints JSON."""


@main.command()
def prepare() -> None:
    """Migrates; prints a new API key."""
    Settings.read(os.environ)
    asyncio.run(prepare_database())
    _show(_make_key())


@main.command()
def check() -> None:
    """Prints what the ledger check found, and how many deliveries are in each state."""
    _show(_check())


@main.command()
@click.argument("type")
@click.argument("count", type=int)
def remember(type: str, count: int) -> None:
    """Events as if they had been accepted when no webhook wanted them."""
    _show(_remember(type, count))


async def _remember(type: str, count: int) -> int:
    account = await accounts.first()
    assert account is not None
    columns = {"id": "text", "account": "text", "type": "text", "data": "text"}
    columns |= {"context": "text", "deliveries": "int"}
    columns |= {"occurred_at": "timestamptz", "accepted_at": "timestamptz"}
    for begin in range(0, count, _AT_ONCE):
        now = datetime.now(UTC)
        rows = [
            (ids.make("evt", now), account.id, type, _DATA, "[]", 0, now, now)
            for _ in range(min(_AT_ONCE, count - begin))
        ]
        async with writing() as db:
            await db.insert("event", Rows(columns, rows))
    return count


@main.command()
@click.argument("type")
@click.argument("count", type=int)
def crowd(type: str, count: int) -> None:
    """So many events of the type are waiting for each webhook that listens to it."""
    _show(_crowd(type, count))


@main.command()
def another() -> None:
    """One more account; prints its API key."""
    _show(_another())


async def _another() -> str:
    return await _make_key(await accounts.add("Another", datetime.now(UTC)))


async def _make_key(account: Account | None = None) -> str:
    account = account or await accounts.first()
    assert account is not None
    by = Actor(account.id, "benchmark", datetime.now(UTC))
    _, secret = await keys.create(by, "benchmark", ())
    return secret


async def _crowd(type: str, count: int) -> None:
    """Put straight into PostgreSQL: accepting them would take minutes."""
    rows = await Webhook.select(Webhook.id, Webhook.account, Webhook.events)
    for row in rows:
        if json.loads(row["events"]) == [type]:
            async with writing() as db:
                await _put_waiting(db, row["id"], row["account"], type, count)


async def _put_waiting(
    db: Database, webhook: str, account: str, type: str, count: int
) -> None:
    now = datetime.now(UTC)
    await db.fetch(
        """
        INSERT INTO event (id, account, type, data, context, occurred_at, accepted_at,
                           deliveries)
        SELECT :made || lpad(n::text, 16, '0'), :account, :type, '{"number":1}', '[]',
               :now, :now, 1 FROM generate_series(1, :count) AS n
        """,
        made=ids.earliest("evt", now)[:-16],
        account=account,
        type=type,
        count=count,
        now=now,
    )
    await db.fetch(
        """
        INSERT INTO delivery (event, account, webhook, state, due, created_at, trigger,
                              tries, attempts, extra)
        SELECT id, account, :webhook, 'pending', :now, :now, 'plan', 0, 0, false
        FROM event WHERE account = :account
        """,
        account=account,
        webhook=webhook,
        now=now,
    )
    await db.fetch("ANALYZE delivery")
    await ledger_rows.nudge(db, [webhook], now)


async def _check() -> dict[str, Any]:
    findings = await ledger(datetime.now(UTC))
    async with reading() as db:
        rows = await db.fetch(
            "SELECT state, count(*) AS n FROM delivery GROUP BY state"
        )
    return {
        "findings": [f"{found.count} {found.what}" for found in findings],
        "states": {row["state"]: row["n"] for row in rows},
    }


def _show(work: Coroutine[Any, Any, Any]) -> None:
    async def inside() -> Any:
        async with opened_database():
            return await work

    click.echo(json.dumps(asyncio.run(inside())))


if __name__ == "__main__":
    main()
