"""What is changed in one process is honoured by every other within a second."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from tests.chaos.conftest import LONG, Tell
from tests.chaos.report import Figures
from tests.chaos.world import World

ROUNDS = 5 if LONG else 1
TYPE = "changed.often"
SEEN = 1.0
LOOKED = 0.5
_WITHIN = 20.0


@dataclass
class Posts:
    """Receipts, with the times before and after each."""

    world: World
    place: int
    receipts: list[tuple[float, float, str, int]] = field(default_factory=list)

    async def calls(self, path: str) -> list[tuple[str, float]]:
        found = await self.world.calls_since(self.place)
        return [(id, at) for id, called, at in found if called == path]

    async def many(self, path: str) -> None:
        """Waits until it is called all the time."""
        now = time.monotonic()
        async with asyncio.timeout(_WITHIN):
            while len([at for _, at in await self.calls(path) if at > now]) < 20:
                pass

    async def got(self) -> set[str]:
        return {id for path in ("/one", "/two") for id, _ in await self.calls(path)}

    async def caught_up(self) -> None:
        """Waits until all that was accepted by now has been called."""
        accepted = {id for _, _, id, webhooks in self.receipts if webhooks}
        async with asyncio.timeout(_WITHIN):
            while not accepted <= await self.got():
                pass

    async def none_later(self, path: str, done: float) -> None:
        await asyncio.sleep(max(done + SEEN + LOOKED - time.monotonic(), 0))
        late = [at - done for _, at in await self.calls(path) if at > done + SEEN]
        assert late == []


async def test_a_change_is_seen_by_all_within_a_second(
    world: World, tell: Tell
) -> None:
    await world.post("/event-types", {"name": TYPE})
    accepted = 0
    for _ in range(ROUNDS):
        accepted += await _change_everything(world)
    assert accepted > 0
    nothing = {"refused": {}, "held": 0, "went_on": None, "taken_over": None}
    tell(4 * ROUNDS, Figures(accepted=accepted, repeats=0, **nothing))


async def _change_everything(world: World) -> int:
    base = (await world.get("/webhooks"))["items"][0]["url"].split("/", 3)
    first, second = ("/".join([*base[:3], path]) for path in ("one", "two"))
    more = {"events": [TYPE], "concurrency": 64, "state": "active"}
    made = await world.post("/webhooks", {"url": first, **more})
    webhook = f"/webhooks/{made['id']}"
    # Its first call fails, so that it waits for its next try when it is deleted.
    waits = {"url": "/".join([*base[:3], "again"]), "events": [TYPE], "state": "active"}
    failing = await world.post(
        "/webhooks", {**waits, "retry": {"schedule": [2]}, "deactivate_after": None}
    )
    async with posting(world) as posts:
        await posts.many("/one")
        await world.patch(webhook, {"url": second})
        await posts.none_later("/one", time.monotonic())
        await posts.many("/two")
        await world.post(f"{webhook}/pause", None, "web 2")
        await posts.none_later("/two", time.monotonic())
        await world.post(f"{webhook}/activate", {"held": "deliver"})
        await posts.caught_up()  # with what was held: a deleted one gets no more of it
        begun = time.monotonic()
        await world.delete(webhook, "web 2")
        await world.delete(f"/webhooks/{failing['id']}")
        deleted = time.monotonic()
        await asyncio.sleep(2.5)  # the time for its next try, and for a run
        await posts.none_later("/two", deleted)
        await posts.none_later("/again", deleted)
    named = {n for before, _, _, n in posts.receipts if before > deleted}
    assert named == {0}
    got = await posts.got()
    wanted = {id for _, after, id, n in posts.receipts if n and after < begun - SEEN}
    assert wanted <= got
    assert not await world.ask("waiting")
    assert not await world.ask("findings")
    return len(posts.receipts)


@asynccontextmanager
async def posting(world: World) -> AsyncIterator[Posts]:
    posts = Posts(world, len(await world.calls_since(0)))
    over = asyncio.Event()

    async def pour(webs: Any) -> None:
        while not over.is_set():
            before = time.monotonic()
            event = {"type": TYPE, "data": {}}
            receipt = await world.post("/events", event, next(webs))
            row = (before, time.monotonic(), receipt["id"], receipt["deliveries"])
            posts.receipts.append(row)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(2):
            tasks.create_task(pour(cycle(world.web_ports)))
        yield posts
        over.set()
