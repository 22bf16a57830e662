"""Looks into the database for the chaos tests, which have another one open themselves.

Each line it gets on standard input is a question; it prints the answer as JSON.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime
from typing import Any

from callboard.accounts import accounts, keys
from callboard.accounts.actor import Actor
from callboard.database import opened_database, reading, writing
from callboard.runtime import prepare_database
from callboard.upkeep import check
from callboard.webhooks import turn

# What a worker held when it died, with the webhook's URL. Only this may be repeated.
_LEASED = """
    SELECT d.event, w.url FROM delivery d JOIN webhook w ON w.id = d.webhook
    WHERE d.lease LIKE :worker || '/%'
"""
# Webhooks whose every call in flight was made by a worker that is dead.
_FULL = """
    SELECT w.url FROM turn t JOIN webhook w ON w.id = t.webhook WHERE
        CASE WHEN t.ordered OR t.lane = 'patient' THEN 1 ELSE t.slots END <= (
        SELECT count(*) FROM delivery d
        WHERE d.webhook = t.webhook AND d.lease IS NOT NULL
          AND d.lease NOT LIKE :one || '/%' AND d.lease NOT LIKE :other || '/%')
"""
_SLOTS = """
    SELECT min(t.slots) AS n FROM turn t JOIN webhook w ON w.id = t.webhook
    WHERE w.state = 'active' AND w.url NOT LIKE '%/again'
"""
_WAITING = "SELECT count(*) AS n FROM delivery WHERE state IN ('pending', 'held')"
_FINISHED = """
    SELECT d.event, w.url, d.finished_at FROM delivery d
    JOIN webhook w ON w.id = d.webhook
    WHERE d.event > :after AND d.finished_at IS NOT NULL
"""


async def key() -> str:
    await prepare_database()
    async with opened_database():
        account = await accounts.first()
        assert account
        by = Actor(account.id, "chaos", datetime.now(UTC))
        return (await keys.create(by, "chaos", ()))[1]


async def leased(worker: str) -> list[tuple[str, str]]:
    return [(row["event"], row["url"]) for row in await _rows(_LEASED, worker=worker)]


async def full(one: str = "", other: str = "") -> list[str]:
    """Given the workers that live."""
    return [row["url"] for row in await _rows(_FULL, one=one, other=other)]


async def patient(webhook: str) -> None:
    """Its calls may last as long as none may by its settings."""
    async with opened_database(), writing() as db:
        sql = "UPDATE webhook SET timeout = 60 WHERE id = :id"
        await db.fetch(sql, id=webhook)
        await turn.touch(db, webhook)


async def slots() -> int:
    return await _number(_SLOTS)


async def waiting() -> int:
    return await _number(_WAITING)


async def finished(after: str) -> list[tuple[str, str, float]]:
    rows = await _rows(_FINISHED, after=after)
    return [(r["event"], r["url"], r["finished_at"].timestamp()) for r in rows]


async def keys_stored() -> list[str]:
    return [row["key"] for row in await _rows("SELECT key FROM event")]


async def findings() -> list[str]:
    async with opened_database():
        found = await check.ledger(datetime.now(UTC))
    return [f"{each.count} {each.what}: {each.examples}" for each in found]


async def _number(sql: str) -> int:
    (row,) = await _rows(sql)
    found: int = row["n"]
    return found


async def _rows(sql: str, **values: object) -> Any:
    async with opened_database(), reading() as db:
        return await db.fetch(sql, **values)


ASKED = (key, leased, full, patient, slots, waiting, finished, keys_stored, findings)
QUESTIONS: dict[str, Any] = {each.__name__: each for each in ASKED}

if __name__ == "__main__":
    for line in sys.stdin:
        question, *about = line.split()
        answer = asyncio.run(QUESTIONS[question](*about))
        print(json.dumps(answer), flush=True)  # noqa: T201
