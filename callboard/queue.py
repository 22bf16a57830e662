"""The queue on Redis, through arq: it rings the pump, and has mails sent and replays
taken further.

Everything that matters is in the database; without Redis it happens a little later.
"""

import asyncio
import logging
import math
from datetime import UTC, datetime, timedelta
from time import monotonic, time

import msgspec
from arq.connections import ArqRedis
from redis.asyncio import ConnectionPool
from redis.exceptions import RedisError

WAKE = "wake"
POST = "post"
REPLAY = "replay"
QUEUE_NAME = "callboard:queue"

# A rung pump keeps looking for 200 ms, so that steady traffic need not ring each time.
_RING_AGAIN = 0.1
_RINGS = 10
_TICK = 0.05
_PATIENCE = 2.0
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_FORGOTTEN = timedelta(minutes=10)
_COMPLAIN_AGAIN = 10.0
_CANCELLED = "arq:abort"  # all of arq's users share it
_KEPT = ("job", "in-progress", "retry", "result")  # by arq, of each id

# Not arq's pickle, which may run what it reads. An error becomes the result of a job.
encode = msgspec.msgpack.Encoder(enc_hook=repr).encode
decode = msgspec.msgpack.Decoder().decode

log = logging.getLogger(__name__)


class Queue:
    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis
        self._rung = 0.0
        self._complained = -_COMPLAIN_AGAIN
        self._asking: dict[str, asyncio.Task[None]] = {}

    def ring(self) -> None:
        """Soon, some worker's pump looks for work. Never waits, never fails.

        A few ids take turns: a ring that nobody has heard yet need not be repeated, and
        one that arq thinks under way, since its worker was killed, stops no others. Due
        long ago: for a worker whose clock is behind it would be long from now.
        """
        now = monotonic()
        if now - self._rung > _RING_AGAIN:
            self._rung = now
            turn = int(now / _RING_AGAIN) % _RINGS
            self._ask(WAKE, f"{WAKE}:{turn}", _LONG_AGO, _FORGOTTEN)

    def post(self, after: float = 0.0) -> None:
        """So many seconds from now some worker sends mails. Never waits, never
        fails."""
        self._plan(POST, after)

    def replay(self, after: float = 0.0) -> None:
        """So many seconds from now some worker takes replays further. Never waits,
        never fails."""
        self._plan(REPLAY, after)

    async def clear(self) -> None:
        """Takes out all that is asked for, and whatever else stands there. Raises as
        Redis does.

        What remained of a ring would keep it from being asked for again.
        """
        rings = [
            f"arq:{kept}:{WAKE}:{turn}" for kept in _KEPT for turn in range(_RINGS)
        ]
        async with asyncio.timeout(_PATIENCE):
            if await self._redis.type(_CANCELLED) != b"zset":
                rings.append(_CANCELLED)
            await self._redis.unlink(QUEUE_NAME, *rings)

    async def ping(self) -> bool:
        try:
            async with asyncio.timeout(_PATIENCE):
                return bool(await self._redis.ping())
        except (RedisError, OSError, TimeoutError):
            return False

    async def close(self) -> None:
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._redis.aclose(close_connection_pool=True)

    def _plan(self, job: str, after: float) -> None:
        """At the end of a tick, after which its id is named: all who ask meanwhile,
        wherever they are, share one job, and one that arq thinks under way, since its
        worker was killed, keeps no later one from running."""
        tick = math.floor((time() + after) / _TICK) + 1
        at = datetime.fromtimestamp(tick * _TICK, UTC)
        forgotten = _FORGOTTEN + timedelta(seconds=after)
        self._ask(job, f"{job}:{tick}", at, forgotten)

    def _ask(self, job: str, id: str, at: datetime, forgotten: timedelta) -> None:
        if id not in self._asking:
            task = asyncio.create_task(self._enqueue(job, id, at, forgotten))
            self._asking[id] = task
            task.add_done_callback(lambda _: self._asking.pop(id))

    async def _enqueue(
        self, job: str, id: str, at: datetime, forgotten: timedelta
    ) -> None:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._redis.enqueue_job(
                    job,
                    _job_id=id,
                    _queue_name=QUEUE_NAME,
                    _defer_until=at,
                    _expires=forgotten,
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
    return Queue(
        ArqRedis(
            pool_or_conn=pool, default_queue_name=QUEUE_NAME, job_serializer=encode
        )
    )
