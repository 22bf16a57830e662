"""A pump that hears what its arq worker hears, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from callboard.delivery.workers import Watch, bury
from tests.engine import Engine, cancelled
from tests.posting import postman
from workers.jobs import Jobs
from workers.listening import listen


@asynccontextmanager
async def hearing(engine: Engine, outbox: Path) -> AsyncIterator[None]:
    runtime, pump = engine.runtime, engine.pump()
    await Watch(pump.worker, pump.hosts).beat(runtime.clock())
    mails = postman(engine, None, outbox, worker=pump.worker)
    jobs = Jobs(pump, mails, runtime.queue, runtime.clock)
    pumping = asyncio.create_task(pump.run())
    listening = asyncio.create_task(listen(runtime.settings.redis_url, jobs))
    try:
        yield
    finally:
        await pump.stop(1)
        await pumping
        await cancelled(listening)
        await bury(pump.worker, runtime.clock())
