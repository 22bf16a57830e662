"""Replays, and the deliveries that they make again."""

from datetime import datetime, timedelta
from typing import Any

from callboard.database import writing
from callboard.replays import progress, replays, running
from callboard.replays.progress import ReplayView
from callboard.replays.selection import Selection
from tests.engine import KEEP, Engine, eventually
from tests.receiver import Answer

OTHER = "order.paid"
PLACES = 100


async def failed(engine: Engine, count: int, **more: Any) -> str:
    """A webhook to which so many deliveries have failed, and that works again."""
    webhook = await engine.webhook(schedule=(), deactivate_after=None, **more)
    engine.receiver.usually["/"] = Answer(500)
    async with engine.working():
        for number in range(count):
            await engine.post(b"%d" % number)
        await engine.settled()
    engine.receiver.usually.clear()
    engine.receiver.calls.clear()
    await well(engine)
    return webhook


async def well(engine: Engine) -> None:
    async with writing() as db:
        await db.fetch("UPDATE health SET since = NULL")


async def start(engine: Engine, webhook: str, **more: Any) -> ReplayView:
    wanted = Selection(webhook=webhook, **more)
    return await replays.start(engine.by, wanted, KEEP)


async def count(engine: Engine, webhook: str, **more: Any) -> int:
    wanted, now = Selection(webhook=webhook, **more), engine.runtime.clock()
    return (await replays.preview(engine.account, wanted, KEEP, now)).count


async def finished(engine: Engine, replay: ReplayView) -> ReplayView:
    async def met() -> bool:
        return not (await progress.get(engine.account, replay.id)).is_open

    await eventually(met)
    return await progress.get(engine.account, replay.id)


async def steps(engine: Engine, count: int, after: datetime | None = None) -> datetime:
    """As if time passed between them; what they make is not sent."""
    now = after or engine.runtime.clock()
    for _ in range(count):
        now += timedelta(seconds=1.1)
        await running.advance(now, PLACES)
    return now


async def made(engine: Engine) -> list[Any]:
    """What each delivery that was made again repeats."""
    rows = await engine.rows("SELECT * FROM delivery WHERE extra ORDER BY seq")
    return [row["repeats"] for row in rows]
