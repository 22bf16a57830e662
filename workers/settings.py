"""arq's worker, set up on purpose where its defaults do not fit."""

from collections.abc import Callable
from datetime import UTC

from arq.connections import RedisSettings
from arq.worker import Worker

from callboard.notices.postman import Postman
from callboard.queue import QUEUE_NAME
from callboard.replays.running import Replayer
from workers import jobs


def make_worker(
    redis_url: str, ring: Callable[[], None], postman: Postman, replayer: Replayer
) -> Worker:
    redis = RedisSettings.from_dsn(redis_url)
    redis.conn_retries = 0  # the process tries again by itself
    return Worker(
        functions=[jobs.wake, jobs.post, jobs.replay],
        queue_name=QUEUE_NAME,
        redis_settings=redis,
        ctx={"ring": ring, "postman": postman, "replayer": replayer},
        handle_signals=False,
        poll_delay=0.02,  # an accepted event is on its way this quickly
        keep_result=0,  # with a kept result the fixed job id is refused for an hour
        max_jobs=100,
        job_timeout=30,
        health_check_interval=30,
        timezone=UTC,
    )
