"""The people in it, who may do anything at any moment."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from callboard import ids, spells
from callboard.delivery import by_hand, runs
from callboard.errors import CallboardError, Conflict, Invalid, NotFound
from callboard.replays import replays
from callboard.replays.selection import Selection
from callboard.webhooks import lifecycle, webhooks
from tests.domain.ledger_work import Work
from tests.engine import KEEP


class World(Work):
    async def pause(self, hook: int) -> None:
        await self.may_refuse(lifecycle.pause, hook)
        await self.accept(2, 0)

    async def deactivate(self, hook: int) -> None:
        await self.may_refuse(lifecycle.deactivate, hook)
        await self.accept(2, 1)

    async def delete(self, hook: int) -> None:
        if hook in (0, 4):
            await self.may_refuse(lifecycle.delete, hook)
            self.owed.delete(self.hooks[hook])

    async def run_now(self, hook: int) -> None:
        await self.may_refuse(runs.run_now, hook)

    async def activate(self, hook: int, held: Any) -> None:
        """Is never refused because something is still on its way."""
        id = self.hooks[hook]
        (row,) = await self.rows("SELECT state FROM webhook WHERE id = :id", id=id)
        refusals = () if held else (Invalid,)
        with contextlib.suppress(NotFound, *refusals):
            await lifecycle.activate(self.by, id, held)
            if row["state"] != "active":
                self.owed.lost.pop(id, None)

    async def lose(self, hook: int, follows: bool, held: Any) -> None:
        """The rule stops it, and a person activates it within the same second."""
        id = self.hooks[hook]
        for _ in range(12):
            (row,) = await self.rows("SELECT state FROM webhook WHERE id = :id", id=id)
            if row["state"] != "active":
                break
            await self.accept(1, 0)
            await self.call(id, 500, most=20 if follows else 1)
            await self.wait(101)
            await spells.deactivate_waiting(self.clock)
        if follows:
            await self.sweep()
            await self.must_hold()
        await self.activate(hook, held)

    async def call(self, webhook: str, status: int, most: int = 20) -> None:
        """So many of the calls that it may have now, whoever makes them."""
        await self.claim("wrk_b", 20)
        mine = [
            (flights, flight)
            for flights in self.flights.values()
            for flight in flights
            if flight[0].webhook == webhook
        ]
        for flights, flight in mine[:most]:
            await self.begin_call(flight)
            flights.remove(flight)
            await self.write(flight, status, slow=False)
            await self.must_hold()

    async def may_refuse(self, act: Callable[..., Awaitable[Any]], hook: int) -> None:
        with contextlib.suppress(Conflict, NotFound):
            await act(self.by, self.hooks[hook])

    async def change(self, hook: int, ordered: bool, concurrency: int) -> None:
        """From ordered to not and back, with whatever is under way."""
        new = {"ordered": ordered, "concurrency": concurrency}
        id, vault = self.hooks[hook], self.vault
        with contextlib.suppress(NotFound):
            await webhooks.change(self.by, id, new, vault, True)

    async def cancel(self, which: int) -> None:
        await self.by_hand(by_hand.cancel, which)

    async def try_now(self, which: int) -> None:
        await self.by_hand(by_hand.try_now, which)

    async def repeat(self, which: int) -> None:
        self.repeats += await self.by_hand(by_hand.repeat, which)

    async def fail(self, hook: int) -> None:
        """Its receiver refuses all that is due, until the next tries are."""
        await self.call(self.hooks[hook], 500)
        await self.wait(11)

    async def come_back(self, hook: int, held: Any) -> None:
        """After a pause in which something came; what is held begins to go."""
        await self.pause(hook)
        await self.activate(hook, held)
        await self.sweep()

    async def replay(self, hook: int, missing: bool, rate: float | None) -> None:
        """All that has ended, of which there is some, or all that it never got."""
        await self.accept(3, 0)
        await self.call(self.hooks[hook], 200)
        await self.wait(1)  # or nothing has ended yet
        wanted = Selection(
            webhook=self.hooks[hook], missing=missing, rate_per_second=rate
        )
        with contextlib.suppress(Conflict, Invalid):
            await replays.start(self.by, wanted, KEEP)

    async def drain(self) -> None:
        await super().drain()
        rows = await self.rows(
            "SELECT total, made, delivered + failed + expired + cancelled AS ended"
            " FROM replay WHERE state IN ('finished', 'cancelled')"
        )
        assert [r for r in rows if not r["ended"] == r["made"] <= r["total"]] == []

    async def steer(self, which: int, act: str) -> None:
        """The replay stops, goes on or ends."""
        rows = await self.rows("SELECT id FROM replay ORDER BY id")
        if rows:
            id = rows[which % len(rows)]["id"]
            with contextlib.suppress(Conflict):
                await getattr(replays, act)(self.by, id)

    async def by_hand(self, act: Callable[..., Awaitable[Any]], which: int) -> int:
        if not (rows := await self.rows("SELECT seq FROM delivery ORDER BY seq")):
            return 0
        id = ids.from_sequence("dlv", rows[which % len(rows)]["seq"])
        try:
            await act(self.by, id)
        except CallboardError:
            return 0
        return 1
