"""A scheduled run goes on by itself when those who make its calls are killed."""

import asyncio
from collections import Counter, defaultdict

import pytest

from tests.chaos.conftest import LONG, Tell
from tests.chaos.load import GOES_ON, TAKEN_OVER
from tests.chaos.report import Figures
from tests.chaos.world import World

TYPE = "gathered.often"
MANY = 200
TOGETHER = 5
PLAN = {"mode": "schedule", "every_minutes": 1440, "batch_size": MANY}
# Of two workers: the other goes on, or, where both are killed, who is started then.
KILLED = (1, 2, 1, 2)

pytestmark = pytest.mark.skipif(not LONG, reason="it takes a while: make chaos")


async def test_a_run_goes_on_when_its_workers_are_killed(
    world: World, tell: Tell
) -> None:
    await world.post("/event-types", {"name": TYPE})
    webhook = await _webhook(world)
    sent, got, held = set[str](), Counter[str](), Counter[str]()
    for killed in KILLED:
        place = len(await world.calls_since(0))
        sent |= await _run(world, webhook)
        await _half_way(world, place)
        held += await _kill_busy(world, killed)
        if killed == len(world.workers):
            await world.heal()
        await _over(world, webhook)
        got += await _received(world, place)
        await world.heal()
    assert got.keys() == sent
    assert [id for id, times in got.items() if times > 1 + held[id]] == []
    assert not await world.ask("findings")
    assert not world.complaints()
    await world.delete(webhook)
    repeats = got.total() - len(got)
    figures = Figures(accepted=len(sent), held=held.total(), repeats=repeats)
    tell(sum(KILLED), figures, "scheduled runs")


async def _webhook(world: World) -> str:
    """Its receiver takes a while, so that there is something in flight."""
    url = f"{world.receives}/slow"
    wanted = {"url": url, "events": [TYPE], "concurrency": 4, "state": "active"}
    plan = {"delivery": PLAN | {"bucket_size": TOGETHER}}
    return f"/webhooks/{(await world.post('/webhooks', wanted | plan))['id']}"


async def _run(world: World, webhook: str) -> set[str]:
    """The events that it takes."""
    events = [{"type": TYPE, "data": number} for number in range(MANY)]
    receipts = await world.post("/events/batch", {"events": events})
    assert (await world.post(f"{webhook}/run", None))["taken"] == MANY
    return {receipt["id"] for receipt in receipts["events"]}


async def _half_way(world: World, place: int) -> None:
    async with asyncio.timeout(GOES_ON):
        while len(await world.calls_since(place)) < MANY // 2:
            pass


async def _kill_busy(world: World, number: int) -> "Counter[str]":
    """So many workers, the busiest first; the events that they had in flight."""
    found = {n: await world.ask("leased", world.worker_id(n)) for n in world.workers}
    busy = sorted(found, key=lambda name: len(found[name]), reverse=True)
    held = [await world.kill_worker(name) for name in busy[:number]]
    return Counter(event for each in held for event, _ in each)


async def _over(world: World, webhook: str) -> None:
    async with asyncio.timeout(GOES_ON + TAKEN_OVER):
        while not (run := (await world.get(f"{webhook}/runs"))["last"])["ended_at"]:
            pass
    assert (run["taken"], run["delivered"]) == (MANY, MANY)


async def _received(world: World, place: int) -> "Counter[str]":
    """How often each event came, always in the same call with the same others."""
    calls = defaultdict[str, list[list[str]]](list)
    for id, _, _ in await world.calls_since(place):
        if id.startswith("bat_"):
            members: list[str] = []
            calls[id].append(members)
        else:
            members.append(id)
    assert len(calls) == MANY // TOGETHER
    assert all(each == again[0] for again in calls.values() for each in again)
    return Counter(id for again in calls.values() for each in again for id in each)
