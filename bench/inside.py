"""What needs Callboard's own functions, in a process with its settings."""

import asyncio
import json
import os
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

import click

from callboard.accounts import accounts, keys
from callboard.check import ledger
from callboard.config import Settings
from callboard.database import opened_database, reading
from callboard.runtime import prepare_database


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


async def _make_key() -> str:
    account = await accounts.first()
    assert account is not None
    now = datetime.now(UTC)
    _, secret = await keys.create(account.id, "benchmark", (), "benchmark", now)
    return secret


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
