"""arq's worker, set up on purpose where its defaults do not fit."""

from datetime import UTC

from arq.connections import RedisSettings
from arq.worker import Worker, func
from redis.asyncio.connection import parse_url

from callboard.dispatch import Pump
from callboard.queue import POST, QUEUE_NAME, REPLAY, WAKE, decode, encode
from workers import jobs
from workers.jobs import Jobs

# Of five questions to Redis, asked while there is no need of an answer. Each costs as
# much as three calls.
_SKIPPED = 4


class _Listener(Worker):
    """Asks for jobs less often while the pump looks by itself, as under load."""

    pump: Pump
    _skipped = 0

    async def _poll_iteration(self) -> None:
        if self._skipped < _SKIPPED and self.pump.goes_on(_SKIPPED * self.poll_delay_s):
            self._skipped += 1
            return
        self._skipped = 0
        await super()._poll_iteration()


def make_worker(redis_url: str, does: Jobs) -> Worker:
    worker = _Listener(
        functions=[
            func(does.wake, name=WAKE),
            func(does.post, name=POST),
            func(does.replay, name=REPLAY),
        ],
        queue_name=QUEUE_NAME,
        redis_settings=redis_settings(redis_url),
        job_serializer=encode,
        job_deserializer=decode,
        handle_signals=False,
        poll_delay=0.02,  # an accepted event is on its way this quickly
        keep_result=0,  # with a kept result the id of a ring is refused for an hour
        job_timeout=jobs.SECONDS + 10,  # they end by themselves before
        health_check_interval=30,
        timezone=UTC,
    )
    worker.pump = does.pump
    return worker


def redis_settings(url: str) -> RedisSettings:
    redis = RedisSettings.from_dsn(url)
    redis.conn_retries = 0  # the process tries again by itself
    # `from_dsn` reads no more of the query than the database.
    asked = parse_url(url).get("ssl_cert_reqs", redis.ssl_cert_reqs)
    redis.ssl_cert_reqs = str(asked)
    return redis
