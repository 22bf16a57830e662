"""arq's worker, set up on purpose where its defaults do not fit."""

from datetime import UTC

from arq.connections import RedisSettings
from arq.worker import Worker
from redis.asyncio.connection import parse_url

from callboard.dispatch import Pump
from callboard.notices.postman import Postman
from callboard.queue import QUEUE_NAME
from callboard.replays.running import Replayer
from workers import jobs


def make_worker(
    redis_url: str, pump: Pump, postman: Postman, replayer: Replayer
) -> Worker:
    redis = RedisSettings.from_dsn(redis_url)
    redis.conn_retries = 0  # the process tries again by itself
    # `from_dsn` reads no more of the query than the database.
    asked = parse_url(redis_url).get("ssl_cert_reqs", redis.ssl_cert_reqs)
    redis.ssl_cert_reqs = str(asked)
    return Worker(
        functions=[jobs.wake, jobs.post, jobs.replay],
        queue_name=QUEUE_NAME,
        redis_settings=redis,
        ctx={"pump": pump, "postman": postman, "replayer": replayer},
        handle_signals=False,
        poll_delay=0.02,  # an accepted event is on its way this quickly
        keep_result=0,  # with a kept result the fixed job id is refused for an hour
        job_timeout=5,  # they last no time; of a killed worker 10 s longer
        health_check_interval=30,
        timezone=UTC,
    )
