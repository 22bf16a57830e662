"""arq, for as long as the process lives: however often Redis goes away, and whatever
somebody leaves in it."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic

from arq.worker import Worker
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisSilent

from workers.jobs import Jobs
from workers.settings import make_worker

_AGAIN = 0.5
_WELL = 10.0
_PATIENCE = 2.0
_AWAY = (RedisAway, RedisSilent, OSError)

log = logging.getLogger(__name__)


async def listen(redis_url: str, jobs: Jobs) -> None:
    """Until cancelled."""
    spell = _Spell()
    while True:
        worker, begun = make_worker(redis_url, jobs), monotonic()
        worker.on_startup = spell.end
        try:
            await worker.async_run()
        except Exception as problem:  # noqa: BLE001  also for what cannot be read there
            spell.tell(problem, monotonic() - begun)
            if not isinstance(problem, _AWAY):
                await _clear(jobs)
        finally:
            await _close(worker)
        await asyncio.sleep(_AGAIN)


async def _close(worker: Worker) -> None:
    """Its jobs are cancelled, which is not to be taken for our own end; and if one of
    them has failed, or Redis does not answer, arq leaves the connections open."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            await asyncio.gather(worker.close(), return_exceptions=True)
    if worker.pool:
        await worker.pool.aclose(close_connection_pool=True)


async def _clear(jobs: Jobs) -> None:
    """Nothing is lost: what there is to do stands in our rows, and who misses its job
    finds it there."""
    try:
        await jobs.queue.clear()
    except (RedisError, OSError):
        return
    log.warning("queue.cleared")


@dataclass(slots=True)
class _Spell:
    """What goes wrong again and again is told once, until all was well for a while; and
    its end, if that was told."""

    _told: set[str] = field(default_factory=set)
    _is_away: bool = False

    async def end(self, ctx: object) -> None:
        """Redis has answered."""
        if self._is_away:
            self._is_away = False
            log.info("redis.back")

    def tell(self, problem: Exception, went_well: float) -> None:
        name = type(problem).__name__
        if went_well > _WELL:
            self._told.clear()
        if name not in self._told:
            self._told.add(name)
            self._is_away = isinstance(problem, _AWAY)
            said = "redis.away" if self._is_away else "redis.unreadable"
            log.warning(said, extra={"error": name, "detail": str(problem)[:200]})
