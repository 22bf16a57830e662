"""The worker process: the pump, the sweep, and arq beside them."""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress

import uvloop

from callboard import ids, logs
from callboard.config import Settings, read_or_exit
from callboard.delivery.calls.targets import Targets
from callboard.delivery.presence import Presence
from callboard.delivery.workers import Watch, bury
from callboard.dispatch import Pump
from callboard.errors import Unavailable
from callboard.notices.postman import Postman
from callboard.processes.starting import starting
from callboard.runtime import OldSchema, Runtime, open_runtime
from callboard.upkeep import resealing, sweep
from callboard.upkeep.resealing import WrongKey
from workers.ending import GRACE, Ending
from workers.jobs import Jobs
from workers.listening import listen

log = logging.getLogger("workers")


async def work(settings: Settings) -> None:
    with starting() as started:
        await _work(settings, started)


async def _work(settings: Settings, started: Callable[[], None]) -> None:
    async with open_runtime(settings) as runtime:
        await resealing.check_key(runtime.vault)
        worker = ids.make("wrk", runtime.clock())
        presence = _announce(settings, worker)
        pump = _make_pump(worker, runtime)
        watch = Watch(worker, pump.hosts, presence=presence)
        await watch.beat(runtime.clock())
        started()
        ending = Ending(pump.unrecorded)
        ending.heed_signals()
        log.info("worker.started", extra={"worker": worker})
        await _run(watch, pump, runtime, ending)
        with suppress(Unavailable):  # others do it, who see that it has ended
            await bury(worker, runtime.clock())
            if presence:
                presence.leave()
        log.info("worker.stopped", extra={"worker": worker})


def _announce(settings: Settings, worker: str) -> Presence | None:
    """Without it all goes on; a death is noticed later."""
    try:
        return Presence(settings.data_dir / "workers", worker)
    except OSError as problem:
        log.warning("worker.unseen", extra={"error": str(problem)})
        return None


def _make_pump(worker: str, runtime: Runtime) -> Pump:
    return Pump(
        worker=worker,
        sender=runtime.sender,
        targets=Targets(runtime.vault),
        clock=runtime.clock,
        places=runtime.settings.worker_concurrency,
        on_full=runtime.queue.ring,
        on_notice=runtime.queue.post,
    )


async def _run(watch: Watch, pump: Pump, runtime: Runtime, ending: Ending) -> None:
    """Until `ending`, or until one of them fails: then the process ends loudly."""
    pumping = asyncio.create_task(pump.run())
    clock, keep = runtime.clock, runtime.settings.retention
    postman = Postman(pump.worker, runtime.mailer, runtime.links, clock)
    jobs = Jobs(pump, postman, runtime.queue, clock)
    beside = [
        asyncio.create_task(sweep.run(watch, clock, pump.ring, keep, jobs.catch_up)),
        asyncio.create_task(listen(runtime.settings.redis_url, jobs)),
    ]
    stopping = asyncio.create_task(ending.asked.wait())
    done, _ = await asyncio.wait(
        [pumping, stopping, *beside], return_when=asyncio.FIRST_COMPLETED
    )
    ending.ask()
    await pump.stop(GRACE)
    for task in (stopping, *beside):
        task.cancel()
    await asyncio.gather(stopping, *beside, return_exceptions=True)
    await jobs.stop()
    await pumping
    for task in done - {stopping}:
        task.result()


def main() -> None:
    settings = read_or_exit(os.environ)
    logs.set_up(settings.log_format)
    try:
        uvloop.run(work(settings))
    except (OldSchema, Unavailable, WrongKey) as problem:
        sys.exit(str(problem))


if __name__ == "__main__":
    main()
