"""What is changed in one process is honoured by every other within a second."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, NamedTuple

from standardwebhooks import Webhook, WebhookVerificationError

from tests.chaos.conftest import LONG, Tell
from tests.chaos.load import GOES_ON
from tests.chaos.report import Figures
from tests.chaos.world import RETRY, World

ROUNDS = 5 if LONG else 1
TYPE = "changed.often"
# One moves, one is paused, one gets a filter, and two are deleted: one that works, and
# one that fails at first, so that some of its deliveries wait for their next try.
PATHS = ("/moves", "/paused", "/filtered", "/deleted", "/again")
SEEN = 1.0
LOOKED = 0.5
_EVERY = 0.02
_WITHIN = 20.0


SECRET = "whsec_" + "A" * 32
SETTINGS: dict[str, Any] = {
    "headers": {"X-Site": "new"},
    "auth": {"type": "bearer", "token": "new"},
    "method": "PUT",
    "payload": {"format": "data"},
}


class Whole(NamedTuple):
    """A call of the webhook whose settings are changed."""

    at: float
    method: str
    headers: dict[str, str]
    body: str

    def shows(self) -> set[str]:
        """The new settings that it was made with."""
        shown = {
            "headers": self.headers.get("X-Site") == "new",
            "auth": self.headers.get("Authorization") == "Bearer new",
            "method": self.method == "PUT",
            "payload": self.body == "{}",
            "secret": self._is_signed_anew(),
        }
        return {name for name, is_shown in shown.items() if is_shown}

    def _is_signed_anew(self) -> bool:
        try:
            Webhook(SECRET).verify(self.body, self.headers)
        except WebhookVerificationError:
            return False
        return True


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
            while len([at for _, at in await self.calls(path) if at > now]) < 10:
                pass

    async def got(self, *paths: str) -> set[str]:
        return {id for path in paths for id, _ in await self.calls(path)}

    async def caught_up(self, *paths: str) -> None:
        """Waits until all that was accepted by now has been called."""
        accepted = {id for _, _, id, _ in self.receipts}
        async with asyncio.timeout(_WITHIN):
            while not accepted <= await self.got(*paths):
                pass

    async def late(self, path: str, done: float) -> list[float]:
        """The calls that came more than a second later."""
        return [at - done for _, at in await self.calls(path) if at > done + SEEN]


async def test_a_change_is_seen_by_all_within_a_second(
    world: World, tell: Tell
) -> None:
    await world.post("/event-types", {"name": TYPE})
    accepted = 0
    for _ in range(ROUNDS):
        accepted += await _change_everything(world)
    assert accepted > 0
    tell((len(PATHS) + len(SETTINGS) + 1) * ROUNDS, Figures(accepted=accepted))


async def _change_everything(world: World) -> int:
    webhooks = {path: await _webhook(world, path) for path in PATHS}
    whole, earlier = await _webhook(world, "/whole"), len(await world.whole_calls())
    async with posting(world) as posts:
        for path in (*PATHS, "/whole"):
            await posts.many(path)
        begun = time.monotonic()
        set_at = await _set(world, whole)
        done = await _change(world, webhooks)
        await asyncio.sleep(RETRY + LOOKED)
        late = {path: await posts.late(path, done[path]) for path in PATHS}
        await world.post(f"{webhooks['/paused']}/activate", {"held": "deliver"})
        await posts.caught_up("/paused")
        await posts.caught_up("/moves", "/moved")
    await _all_sent(world)
    assert late == {path: [] for path in PATHS}
    _must_show((await _whole_calls(world))[earlier:], begun, set_at)
    deleted = max(done.values())
    assert {n for before, _, _, n in posts.receipts if before > deleted} == {3}
    wanted = {id for _, after, id, _ in posts.receipts if after < begun - SEEN}
    assert wanted <= await posts.got("/deleted")
    assert not await world.ask("findings")
    for webhook in (*(webhooks[path] for path in PATHS[:3]), whole):
        await world.delete(webhook)
    return len(posts.receipts)


async def _change(world: World, webhooks: dict[str, str]) -> dict[str, float]:
    """When each was done."""
    moves, paused, filtered, deleted, failing = (webhooks[path] for path in PATHS)
    await world.patch(moves, {"url": world.receives + "/moved"})
    moved = time.monotonic()
    await world.post(f"{paused}/pause", None, "web 2")
    stopped = time.monotonic()
    await world.patch(filtered, {"filter": "none=1"}, "web 2")
    narrowed = time.monotonic()
    await world.delete(deleted, "web 2")
    await world.delete(failing)
    ended = time.monotonic()
    return dict(zip(PATHS, (moved, stopped, narrowed, ended, ended), strict=True))


async def _set(world: World, webhook: str) -> dict[str, float]:
    """When each was done; the next one not before it is seen, which would show both."""
    done = {}
    for (name, change), web in zip(SETTINGS.items(), cycle(world.web_ports)):
        await world.patch(webhook, {name: change}, web)
        done[name] = time.monotonic()
        await _seen(world, name)
    rotation = {"overlap_hours": 0, "secret": SECRET}
    await world.post(f"{webhook}/keys/rotate", rotation, "web 2")
    return done | {"secret": time.monotonic()}


async def _seen(world: World, name: str) -> None:
    async with asyncio.timeout(_WITHIN):
        while name not in (await _whole_calls(world))[-1].shows():
            pass


async def _whole_calls(world: World) -> list[Whole]:
    return [Whole(*call) for call in await world.whole_calls()]


def _must_show(calls: list[Whole], begun: float, done: dict[str, float]) -> None:
    """None before, and all of them a second later."""
    earlier = [call for call in calls if call.at < begun]
    assert {name for call in earlier for name in call.shows()} == set()
    for name, at in done.items():
        later = [call for call in calls if call.at > at + SEEN]
        assert later
        assert [call for call in later if name not in call.shows()] == [], name


async def _webhook(world: World, path: str) -> str:
    wanted = {"url": world.receives + path, "events": [TYPE], "state": "active"}
    more = {"concurrency": 64, "retry": {"schedule": [RETRY]}, "deactivate_after": None}
    return f"/webhooks/{(await world.post('/webhooks', wanted | more))['id']}"


async def _all_sent(world: World) -> None:
    async with asyncio.timeout(GOES_ON):
        while await world.ask("waiting"):
            pass


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
            await asyncio.sleep(_EVERY)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(2):
            tasks.create_task(pour(cycle(world.web_ports)))
        yield posts
        over.set()
