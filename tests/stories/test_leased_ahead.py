"""What a worker has leased, but not begun, knows of changes made meanwhile."""

from collections.abc import Awaitable, Callable
from time import monotonic

import pytest

from callboard.ingest import NewEvent
from tests import make
from tests.engine import TYPE, Engine, eventually

SEEN = 1.0
HANGS = "contact.hangs"
HANGING = [f"/hangs/{number}" for number in range(3)]


async def move(engine: Engine, webhook: str) -> None:
    await engine.change(webhook, url=engine.receiver.url + "/moved")


@pytest.mark.parametrize("change", [move, Engine.delete])
async def test_it_is_given_back_before_a_change_is_a_second_old(
    engine: Engine, change: Callable[[Engine, str], Awaitable[None]]
):
    """The only place is taken by calls that hang, a second each."""
    await make.event_type(engine.account, HANGS)
    for path in HANGING:
        await engine.webhook(path, events=(HANGS,))
    webhook = await engine.webhook("/changed", events=(TYPE,))
    async with engine.working(places=1):
        await engine.post_all([NewEvent(HANGS, b"{}"), NewEvent(TYPE, b"{}")])
        await engine.settled()  # so all of them are known as quick
        gates = [engine.receiver.close_gate(path) for path in HANGING]
        await engine.post_all([NewEvent(HANGS, b"{}")])
        await leased(engine, 3)
        await engine.post()
        await leased(engine, 4)
        await change(engine, webhook)
        changed = monotonic()
        for path in HANGING:
            await engine.receiver.got(2, path)
        for gate in gates:
            gate.set()
        await engine.settled()
    first, *others = engine.receiver.at("/changed")
    assert first.at < changed
    assert [call for call in others if call.at > changed + SEEN] == []
    assert len(engine.receiver.at("/moved")) == (change is move)


async def leased(engine: Engine, count: int) -> None:
    async def are() -> bool:
        sql = "SELECT 1 FROM delivery WHERE lease IS NOT NULL"
        return len(await engine.rows(sql)) == count

    await eventually(are)
