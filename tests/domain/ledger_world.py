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

LEFT = """SELECT 1 FROM replay_delivery l JOIN delivery d ON d.seq = l.delivery
    WHERE l.replay = :id AND d.state IN ('pending', 'held') AND d.lease IS NULL"""


class World(Work):
    async def pause(self, hook: int) -> None:
        await self.may_refuse(lifecycle.pause, hook)
        await self.accept(2, 0)

    async def deactivate(self, hook: int) -> None:
        await self.may_refuse(lifecycle.deactivate, hook)
        await self.accept(2, 1)

    async def delete(self, hook: int) -> None:
        await lifecycle.delete(self.by, self.hooks[hook])
        self.owed.delete(self.hooks[hook])

    async def run_now(self, hook: int) -> None:
        known = await self.latest_run()
        await self.may_refuse(runs.run_now, hook)
        await self.runs_pass_nothing(known)

    async def activate(self, hook: int, held: Any) -> None:
        """Is never refused because something is still on its way."""
        id = self.hooks[hook]
        (row,) = await self.rows("SELECT state FROM webhook WHERE id = :id", id=id)
        refusals = () if held else (Invalid,)
        with contextlib.suppress(NotFound, *refusals):
            await lifecycle.activate(self.by, id, held)
            if row["state"] != "active":
                self.owed.lost.pop(id, None)
                await self.doom(id, held)

    async def doom(self, webhook: str, held: Any) -> None:
        """What waits when it is activated goes out, or is discarded."""
        waiting = await self.rows(
            "SELECT seq, lease FROM delivery WHERE webhook = :id"
            " AND state IN ('pending', 'held')",
            id=webhook,
        )
        for row in waiting if held == "discard" else ():
            self.doomed[row["lease"] is not None].add(row["seq"])
        if held == "discard":
            lost = {seq for seq, id in self.owed.by_seq.items() if id == webhook}
            self.doomed[False] |= lost

    async def lose(self, hook: int, follows: bool, held: Any) -> None:
        """The rule stops it, a person activates it within the same second, and then
        comes an event, which must not pass what failed."""
        id = self.hooks[hook]
        for _ in range(12):
            (row,) = await self.rows("SELECT state FROM webhook WHERE id = :id", id=id)
            if row["state"] != "active":
                break
            if not await self.waiting(id, "pending"):
                await self.accept(1, 0)
            await self.call(id, 500, most=20 if follows else 1)
            await self.wait(101)
            await spells.deactivate_waiting(self.clock)
        if follows:
            await self.sweep()
            await self.must_hold()
        await self.activate(hook, held)
        await self.accept(1, 1)
        await self.claim("wrk_a", 20)

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
            await self.write([flight], status, slow=False)
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

    async def cancel(self, seq: int) -> None:
        if await self.by_hand(by_hand.cancel, seq):
            self.cancelled.add(seq)

    async def try_now(self, seq: int) -> None:
        await self.by_hand(by_hand.try_now, seq)

    async def repeat(self, seq: int) -> None:
        self.repeats += await self.by_hand(by_hand.repeat, seq)

    async def fail(self, hook: int) -> None:
        """Its receiver refuses all that is due, until the next tries are."""
        await self.call(self.hooks[hook], 500)
        await self.wait(11)

    async def come_back(self, hook: int, held: Any) -> None:
        """After a pause in which something came; what is held begins to go."""
        await self.pause(hook)
        await self.activate(hook, held)
        await self.follow(hook)

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

    async def steer(self, id: str, act: str) -> None:
        """The replay stops, goes on or ends. Of one that ends nothing waits."""
        with contextlib.suppress(Conflict):
            await getattr(replays, act)(self.by, id)
        assert act != "cancel" or await self.rows(LEFT, id=id) == []

    async def by_hand(self, act: Callable[..., Awaitable[Any]], seq: int) -> int:
        try:
            await act(self.by, ids.from_sequence("dlv", seq))
        except CallboardError:
            return 0
        return 1
