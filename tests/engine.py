"""The delivery engine as one process runs it, for tests to drive and to look into."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from callboard import ids
from callboard.accounts.actor import Actor
from callboard.database import reading
from callboard.delivery.calls.targets import Targets
from callboard.delivery.workers import Watch, bury
from callboard.dispatch import Pump
from callboard.ingest import Acceptor, NewEvent, Receipt
from callboard.replays import running
from callboard.runtime import Runtime
from callboard.upkeep import check, sweep
from callboard.webhooks import lifecycle, webhooks
from callboard.webhooks.settings import NewWebhook
from tests import make
from tests.clock import SkippingClock
from tests.receiver import WITHIN, Receiver

TYPE = "contact.created"
WHO = "alice@acme.example"
KEEP = timedelta(days=30)
BEAT = 0.1  # of the sweep, for which many tests wait


@dataclass
class Engine:
    account: str
    runtime: Runtime
    receiver: Receiver
    acceptor: Acceptor = field(init=False)
    pumps: list[Pump] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.acceptor = Acceptor(self.ring)

    @property
    def is_postgres(self) -> bool:
        return not self.runtime.settings.is_sqlite

    @property
    def by(self) -> Actor:
        """Alice, at this moment."""
        return Actor(self.account, WHO, self.runtime.clock())

    def ring(self) -> None:
        for pump in self.pumps:
            pump.ring()

    async def webhook(self, path: str = "/", active: bool = True, **more: Any) -> str:
        """Listens to all types unless told otherwise."""
        new = NewWebhook(**{"url": self.receiver.url + path, "events": ("*",)} | more)
        by = self.by
        row, secret = await webhooks.create(by, new, self.runtime.vault, True)
        self.secrets[row.id] = secret or ""
        if active:
            await lifecycle.activate(by, row.id, None)
        return row.id

    def skip(self, seconds: float) -> None:
        """What is due until then comes now."""
        assert isinstance(self.runtime.clock, SkippingClock)
        self.runtime.clock.skip(seconds)
        self.ring()

    async def activate(self, webhook: str, held: Any = None) -> None:
        await lifecycle.activate(self.by, webhook, held)

    async def pause(self, webhook: str) -> None:
        await lifecycle.pause(self.by, webhook)

    async def delete(self, webhook: str) -> None:
        await lifecycle.delete(self.by, webhook)

    async def change(self, webhook: str, **what: Any) -> None:
        await webhooks.change(self.by, webhook, what, self.runtime.vault, True)

    async def post(self, data: bytes = b"{}", **more: Any) -> Receipt:
        (receipt,) = await self.post_all([NewEvent(TYPE, data, **more)])
        return receipt

    async def post_all(self, events: list[NewEvent]) -> list[Receipt]:
        now = self.runtime.clock()
        return await self.acceptor.accept(self.account, events, now)

    def pump(self, worker: str = "wrk_a", places: int = 64, **more: Any) -> Pump:
        return Pump(
            worker=worker,
            sender=self.runtime.sender,
            targets=Targets(self.runtime.vault),
            clock=self.runtime.clock,
            places=places,
            **more,
        )

    @asynccontextmanager
    async def working(self, *workers: str, places: int = 64) -> AsyncIterator[None]:
        """Workers of this process, each a pump and a sweep, stopped as on SIGTERM."""
        async with asyncio.TaskGroup() as tasks:
            beside = []
            for worker in workers or ("wrk_a",):
                pump = self.pump(worker, places)
                watch = Watch(worker, pump.hosts)
                await watch.beat(self.runtime.clock())
                self.pumps.append(pump)
                tasks.create_task(pump.run())
                beside.append(tasks.create_task(self._sweep(watch, pump)))
            try:
                yield
            finally:
                for pump in self.pumps:
                    await pump.stop(WITHIN)
                self.pumps.clear()
                for task in beside:
                    task.cancel()
        for worker in workers or ("wrk_a",):
            await bury(worker, self.runtime.clock())

    async def _sweep(self, watch: Watch, pump: Pump) -> None:
        """It takes replays further, as if Redis were away."""
        clock = self.runtime.clock

        async def catch_up() -> None:
            if await running.advance(clock(), pump.bulk_ahead()):
                pump.ring()

        await sweep.run(watch, clock, pump.ring, KEEP, catch_up, BEAT)

    async def settled(self) -> None:
        """Waits until nothing is under way, nor has anything left to be done."""

        async def quiet() -> bool:
            rows = await self.rows(
                "SELECT 1 FROM delivery d JOIN turn t ON t.webhook = d.webhook"
                " WHERE d.lease IS NOT NULL OR t.follow IS NOT NULL"
                " OR (t.open AND d.state = 'pending') LIMIT 1"
            )
            return not rows

        await eventually(quiet)

    async def work(self) -> None:
        """One worker, until nothing is left to be done."""
        async with self.working():
            await self.settled()

    async def followed(self) -> None:
        """Waits until the deliveries have followed their webhook's change of state."""

        async def done() -> bool:
            return not await self.rows("SELECT 1 FROM turn WHERE follow IS NOT NULL")

        await eventually(done)

    async def tried(self) -> None:
        """Waits until what came of a call has been written down."""

        async def done() -> bool:
            return bool(await self.rows("SELECT 1 FROM attempt LIMIT 1"))

        await eventually(done)

    async def deactivated(self, webhook: str) -> None:
        """Waits until the rule has done it."""

        async def done() -> bool:
            return await self.state(webhook) == "deactivated"

        await eventually(done)
        await self.followed()

    async def state(self, webhook: str) -> str:
        return (await webhooks.get(self.account, webhook)).state

    async def states(self, webhook: str | None = None) -> list[str]:
        rows = await self.rows("SELECT webhook, state FROM delivery ORDER BY seq")
        return [r["state"] for r in rows if webhook in (None, r["webhook"])]

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        async with reading() as db:
            return list(await db.fetch(sql, **values))

    async def deliveries(self) -> list[str]:
        rows = await self.rows("SELECT seq FROM delivery ORDER BY seq")
        return [ids.from_sequence("dlv", row["seq"]) for row in rows]


@asynccontextmanager
async def engine_of(
    account: str, runtime: Runtime, receiver: Receiver
) -> AsyncIterator[Engine]:
    """After the test the ledger must be in order."""
    await make.event_type(account, TYPE)
    engine = Engine(account, runtime, receiver)
    yield engine
    assert await check.ledger(runtime.clock()) == []


async def eventually(met: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WITHIN):
        while not await met():  # noqa: ASYNC110  the database tells nobody
            await asyncio.sleep(0.01)


async def cancelled(*tasks: "asyncio.Task[Any]") -> None:
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
