"""A worker that is killed while it sends again what a webhook has missed."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from tests.chaos.conftest import LONG, Tell
from tests.chaos.load import GOES_ON, TAKEN_OVER
from tests.chaos.report import Figures
from tests.chaos.world import World

MANY = 200 if LONG else 100
RATE = 50
_WITHIN = 10.0 + GOES_ON + TAKEN_OVER


async def test_a_replay_and_a_drain_outlive_workers_that_are_killed(
    world: World, tell: Tell
) -> None:
    for type in ("drained.again", "replayed.again"):
        await world.post("/event-types", {"name": type})
    drained = await _webhook(world, "drained.again")
    await world.post(f"/webhooks/{drained}/pause", None)
    held = await _send(world, "drained.again")
    missed = await _send(world, "replayed.again")
    sent = held | missed
    place = len(await world.calls_since(0))
    new = await _webhook(world, "replayed.again")
    wanted = {"webhook": new, "missing": True, "rate_per_second": RATE}
    replay = f"/replays/{(await world.post('/replays', wanted))['id']}"

    async def begun() -> list[int]:
        called = {id for id, _, _ in await world.calls_since(place)}
        return [len(called & kind) for kind in (held, missed)]

    async def goes_out() -> bool:
        return max(await begun()) > 0

    async def half_way() -> bool:
        return min(await begun()) >= MANY // 5

    async def over() -> bool:
        return bool((await world.get(replay))["finished_at"])

    async def all_sent() -> bool:
        return not await world.ask("waiting")

    await _until(goes_out)  # a drain is quicker than a replay with a rate
    await world.post(f"/webhooks/{drained}/activate", {"held": "deliver"})
    await _until(half_way)
    assert max(await begun()) < MANY
    flying = await _kill(world, "worker 1") + await _kill(world, "worker 2")
    await world.heal()
    await _until(over)
    await _until(all_sent)
    got = Counter(id for id, _, _ in await world.calls_since(place) if id in sent)
    assert got.keys() == sent
    assert [id for id, times in got.items() if times > 1 + flying[id]] == []
    report = await world.get(replay)
    assert (report["state"], report["delivered"]) == ("finished", MANY)
    assert not await world.ask("findings")
    assert not world.complaints()
    for webhook in (drained, new):
        await world.delete(f"/webhooks/{webhook}")
    tell(
        2,
        Figures(
            accepted=len(sent),
            refused={},
            held=flying.total(),
            repeats=got.total() - len(got),
            went_on=None,
            taken_over=None,
        ),
        "a drain and a replay",
    )


async def _until(met: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(_WITHIN):
        while not await met():  # noqa: ASYNC110  nobody tells us
            await asyncio.sleep(0.05)


async def _webhook(world: World, type: str) -> str:
    """Its receiver takes a while, so that there is something in flight."""
    url = f"{world.receives}/slow"
    wanted = {"url": url, "events": [type], "concurrency": 20, "state": "active"}
    return str((await world.post("/webhooks", wanted))["id"])


async def _send(world: World, type: str) -> set[str]:
    """Of a type that no other webhook wants."""
    events = [{"type": type, "data": number} for number in range(MANY)]
    receipts = await world.post("/events/batch", {"events": events})
    return {receipt["id"] for receipt in receipts["events"]}


async def _kill(world: World, name: str) -> "Counter[str]":
    """The events of the deliveries that it had in flight."""
    return Counter(event for event, _ in await world.kill_worker(name))
