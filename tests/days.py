"""The engine under a clock that the test turns: days of scheduled runs in a moment."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from callboard import spells
from callboard.accounts.actor import Actor
from callboard.database import Clock, reading, writing
from callboard.delivery import following, runs
from callboard.delivery.tables import Run
from callboard.delivery.workers import Watch
from callboard.dispatch import Pump
from callboard.ingest import NewEvent
from callboard.schedule import Schedule
from callboard.webhooks import webhooks
from tests.clock import ToldClock
from tests.engine import TYPE, WHO, Engine
from tests.receiver import Received

EVERY_FIVE = Schedule(every_minutes=5)


@dataclass
class Days:
    """`gone` counts the calls that were looked at."""

    engine: Engine
    now: datetime
    pump: Pump = field(init=False)
    gone: int = 0

    def __post_init__(self) -> None:
        self.pump = self.engine.pump()
        self.pump.clock = self.clock

    @property
    def by(self) -> Actor:
        """Alice, at this moment."""
        return Actor(self.engine.account, WHO, self.now)

    async def webhook(self, delivery: Schedule, path: str = "/", **more: Any) -> str:
        more = {"deactivate_after": None, "concurrency": 1} | more
        id = await self.engine.webhook(path, delivery=delivery, **more)
        self.now = self.engine.runtime.clock()
        return id

    async def change(self, webhook: str, **what: Any) -> None:
        vault = self.engine.runtime.vault
        await webhooks.change(self.by, webhook, what, vault, True)

    async def post(self, *bodies: bytes, type: str = TYPE) -> None:
        events = [NewEvent(type, body) for body in bodies]
        account = self.engine.account
        await self.engine.acceptor.accept(account, events, self.now)

    async def post_numbers(self, first: int, count: int) -> None:
        await self.post(*(b"%d" % number for number in range(first, first + count)))

    async def after(self, minutes: float, looks: int = 1) -> list[Received]:
        """What was called in the time that then has passed; `looks` of the sweep."""
        step = timedelta(minutes=minutes) / looks
        for _ in range(looks):
            self.now += step
            await self.work()
        return self.calls()

    def calls(self) -> list[Received]:
        """Those since the last time."""
        calls = self.engine.receiver.calls[self.gone :]
        self.gone += len(calls)
        return calls

    async def work(self) -> None:
        """All that a worker does until nothing is left for this moment."""
        await Watch("wrk_a").beat(self.now)
        await runs.mend(self.now)
        await self._follow()
        await self.look()
        while await self._fly():
            pass
        await spells.deactivate_waiting(self.clock)
        await self._follow()
        await self.look()

    async def look(self) -> None:
        await runs.look(self.clock, lambda: None)

    @property
    def clock(self) -> Clock:
        return ToldClock(lambda: self.now)

    async def _follow(self) -> None:
        async with reading() as db:
            webhooks = await following.webhooks(db)
        for webhook in webhooks:
            more = True
            while more:
                async with writing() as db:
                    more = await following.follow(db, webhook, self.now)

    async def _fly(self) -> bool:
        await self.pump.look()
        if not self.pump.in_flight:
            return False
        while self.pump.in_flight:  # noqa: ASYNC110  flights tell nobody
            await asyncio.sleep(0.001)
        return True

    async def runs(self) -> list[Run]:
        return await Run.objects().order_by(Run.id)


def numbers(calls: list[Received]) -> list[int]:
    return [call.data for call in calls]


def arrays(calls: list[Received]) -> list[list[int]]:
    return [[each["data"] for each in msgspec.json.decode(c.body)] for c in calls]
