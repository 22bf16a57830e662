"""A worker that is asked to end while its receivers keep it waiting."""

import asyncio
import signal
import time
from typing import Any

import pytest

from tests.chaos.conftest import LONG, Tell
from tests.chaos.load import GOES_ON
from tests.chaos.report import Figures
from tests.chaos.world import World

TYPE = "hung.up"
LONGEST = 20  # seconds that a call may last by a webhook's settings
GRACE = 22.0  # and by the worker's will
KILLED_AFTER = 30.0  # by a platform

pytestmark = pytest.mark.skipif(not LONG, reason="it takes a while: make chaos")


async def test_a_worker_ends_in_time_whoever_keeps_it_waiting(
    world: World, tell: Tell
) -> None:
    """It is asked again and again. One of its calls ends by the webhook's own limit,
    one has no such limit and is cut off; each is tried once more, by another worker."""
    await world.end("worker 2")
    await world.post("/event-types", {"name": TYPE})
    usual, patient = await _webhook(world, 1), await _webhook(world, 2)
    await world.ask("patient", patient)
    place, begun = len(await world.calls_since(0)), time.monotonic()
    event = (await world.post("/events", {"type": TYPE, "data": {}}))["id"]
    await _called(world, place, 2)
    world.start("worker 2")
    await world.started("worker 2")
    asked = time.monotonic()
    for _ in range(3):
        world.signal("worker 1", signal.SIGTERM)
        await asyncio.sleep(0.5)
    assert await world.end("worker 1") == 0
    ended = time.monotonic() - asked
    assert GRACE <= ended < KILLED_AFTER - 5
    calls = await _called(world, place, 4)
    assert all(at - begun > LONGEST for at in calls[2:])
    assert len(calls) == 4
    assert "in time" in await _why(world, event, usual)
    assert "worker was stopped" in await _why(world, event, patient)
    assert not await world.ask("findings")
    await world.heal()
    for webhook in (usual, patient):
        await world.delete(f"/webhooks/{webhook}")
    figures = Figures(accepted=1, held=2, repeats=2)
    tell(1, figures, f"ended after {ended:.0f} s")


async def _webhook(world: World, number: int) -> str:
    url = f"{world.receives}/hangs/{number}"
    wanted = {"url": url, "events": [TYPE], "timeout": LONGEST, "state": "active"}
    more = {"retry": {"schedule": [1]}, "deactivate_after": None}
    return str((await world.post("/webhooks", wanted | more))["id"])


async def _called(world: World, place: int, times: int) -> list[float]:
    """When, once it was so often."""
    async with asyncio.timeout(GOES_ON):
        while len(calls := await world.calls_since(place)) < times:
            pass
    return [at for _, _, at in calls]


async def _why(world: World, event: str, webhook: str) -> str:
    """What is written down of the first call; the second one succeeded."""
    path = f"/deliveries?event={event}&webhook={webhook}"
    (found,) = (await world.get(path))["items"]
    first, second = (await _delivered(world, found["id"]))["attempts"]
    assert (first["status"], second["status"]) == (None, 200)
    assert first["error"] == "timed_out"
    return str(first["detail"])


async def _delivered(world: World, delivery: str) -> Any:
    async with asyncio.timeout(GOES_ON):
        while (found := await world.get(f"/deliveries/{delivery}"))[
            "state"
        ] != "delivered":
            pass
    return found
