"""A change of state takes an instant, whatever waits for the webhook."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from callboard import spells
from callboard.database import writing
from callboard.delivery.following.course import STEP
from callboard.errors import NotFound
from callboard.ingest import NewEvent
from callboard.webhooks import lifecycle
from tests.engine import TYPE, Engine


async def by_rule(engine: Engine, webhook: str) -> None:
    async with writing() as db:
        await db.fetch(
            "INSERT INTO health (webhook, lost, verdict) VALUES (:id, 1, 'failed')",
            id=webhook,
        )
    await spells.deactivate(webhook, engine.runtime.clock())


async def by_hand(engine: Engine, webhook: str) -> None:
    await lifecycle.deactivate(engine.by, webhook)


async def there_and_back(engine: Engine, webhook: str) -> None:
    await engine.pause(webhook)
    await engine.activate(webhook, "deliver")


@pytest.mark.parametrize(
    "act", [by_rule, by_hand, Engine.pause, Engine.delete, there_and_back]
)
async def test_it_costs_the_same_for_ten_as_for_very_many(
    engine: Engine, queries: Callable[[], Any], act: Any
):
    """What waits follows later, in steps; until then none of it is touched."""
    counts = []
    for waiting in (10, STEP + 1):
        webhook = await engine.webhook()
        await engine.post_all([NewEvent(TYPE, b"1")] * waiting)
        before = await rows(engine, webhook)
        with queries() as seen:
            await act(engine, webhook)
        assert await rows(engine, webhook) == before
        assert len(before) == waiting
        assert not [sql for sql in seen if "UPDATE delivery" in sql]
        counts.append(len(seen))
        with suppress(NotFound):
            await engine.delete(webhook)
    assert counts[0] == counts[1]
    await engine.work()


async def rows(engine: Engine, webhook: str) -> list[dict[str, Any]]:
    found = await engine.rows(
        "SELECT * FROM delivery WHERE webhook = :id ORDER BY seq", id=webhook
    )
    return [dict(row) for row in found]
