"""The queue on Redis, through arq: it rings the pump and runs slow work.

Everything that matters is in the database; without Redis things happen a second later.
"""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from time import monotonic

from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

WAKE = "wake"
POST = "post"
REPLAY = "replay"
QUEUE_NAME = "callboard:queue"

# A rung pump keeps looking for 200 ms, so that steady traffic need not ring each time.
_RING_AGAIN = 0.1
_PATIENCE = 2.0
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_FORGOTTEN = timedelta(minutes=10)
_COMPLAIN_AGAIN = 10.0

log = logging.getLogger(__name__)


class Queue:
    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis
        self._rung = 0.0
        self._complained = -_COMPLAIN_AGAIN
        self._ringing: asyncio.Task[None] | None = None
        self._posting: asyncio.Task[None] | None = None
        self._replaying: asyncio.Task[None] | None = None

    def ring(self) -> None:
        """Soon, some worker's pump looks for work. Never waits, never fails."""
        now = monotonic()
        busy = self._ringing is not None and not self._ringing.done()
        if not busy and now - self._rung > _RING_AGAIN:
            self._rung = now
            self._ringing = asyncio.create_task(self._enqueue(WAKE))

    def post(self) -> None:
        """Soon, some worker sends the mails that wait. Never waits, never fails."""
        if self._posting is None or self._posting.done():
            self._posting = asyncio.create_task(self._enqueue(POST))

    def replay(self) -> None:
        """Soon, some worker takes replays further. Never waits, never fails."""
        if self._replaying is None or self._replaying.done():
            self._replaying = asyncio.create_task(self._enqueue(REPLAY))

    async def ping(self) -> bool:
        try:
            async with asyncio.timeout(_PATIENCE):
                return bool(await self._redis.ping())
        except (RedisError, OSError, TimeoutError):
            return False

    async def close(self) -> None:
        started = (self._ringing, self._posting, self._replaying)
        tasks = [task for task in started if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._redis.aclose(close_connection_pool=True)

    async def _enqueue(self, job: str) -> None:
        """A fixed id: a ring that nobody has heard yet need not be repeated.

        Due long ago: with a clock that is ahead of a worker's it would block all rings.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._redis.enqueue_job(
                    job,
                    _job_id=job,
                    _queue_name=QUEUE_NAME,
                    _defer_until=_LONG_AGO,
                    _expires=_FORGOTTEN,
                )
        except (RedisError, OSError, TimeoutError) as problem:
            self._complain(problem)

    def _complain(self, problem: Exception) -> None:
        if monotonic() - self._complained > _COMPLAIN_AGAIN:
            self._complained = monotonic()
            log.warning("queue.away", extra={"error": type(problem).__name__})


def open_queue(url: str) -> Queue:
    """Connects when it is first used: the web process starts without Redis."""
    pool = ConnectionPool.from_url(url, socket_connect_timeout=_PATIENCE)
    return Queue(ArqRedis(pool_or_conn=pool, default_queue_name=QUEUE_NAME))
