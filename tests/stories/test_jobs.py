"""What arq runs, and what becomes of it without arq."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import time

import pytest
from redis.asyncio import Redis

from callboard.delivery.workers import Watch
from callboard.ingest import NewEvent
from callboard.queue import POST, QUEUE_NAME, REPLAY, WAKE, open_queue
from callboard.replays.progress import ReplayView
from tests import replaying
from tests.cast import Cast
from tests.engine import TYPE, Engine, cancelled, eventually
from tests.mailboxes import Mailboxes, hanging_server, receiving_mail
from tests.posting import post_mail, postman
from tests.receiver import WITHIN
from tests.worker import worker_process
from workers.jobs import Jobs
from workers.settings import make_worker

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
async def mailboxes() -> AsyncIterator[Mailboxes]:
    async with receiving_mail() as opened:
        yield opened


@pytest.mark.filterwarnings("ignore:Call to deprecated close")  # arq's
async def test_by_arq_alone_a_mail_goes_out_and_a_replay_ends(
    engine: Engine, cast: Cast, mailboxes: Mailboxes, tmp_path: Path
):
    replay = await replay_of(engine, 100)
    await post_mail(engine, cast.alice)
    async with arq_alone(engine, mailboxes.url, tmp_path):
        engine.runtime.queue.post()
        engine.runtime.queue.replay()
        await mailboxes.got(1, cast.alice.member.email)
        report = await replaying.finished(engine, replay)
    assert (report.state, report.delivered) == ("finished", 100)


@asynccontextmanager
async def arq_alone(engine: Engine, smtp: str, outbox: Path) -> AsyncIterator[None]:
    """A worker whose sweep does nothing that a job should have done."""
    pump, queue, clock = engine.pump(), engine.runtime.queue, engine.runtime.clock
    mails = postman(engine, smtp, outbox, worker=pump.worker)
    await Watch(pump.worker, pump.hosts).beat(clock())
    jobs = Jobs(pump, mails, queue, clock)
    worker = make_worker(engine.runtime.settings.redis_url, jobs)
    pumping = asyncio.create_task(pump.run())
    listening = asyncio.create_task(worker.async_run())
    yield
    await cancelled(listening)
    await worker.close()
    await pump.stop(1)
    await pumping


async def test_without_redis_a_mail_goes_out_and_a_replay_ends(
    engine: Engine, cast: Cast, mailboxes: Mailboxes
):
    replay = await replay_of(engine, 6)
    async with worker_process(SMTP_URL=mailboxes.url, REDIS_URL=NOWHERE):
        await post_mail(engine, cast.alice)
        await mailboxes.got(1, cast.alice.member.email)
        report = await replaying.finished(engine, replay)
    assert (report.state, report.delivered) == ("finished", 6)


async def test_without_redis_the_steps_of_a_replay_wait_for_no_sweep(
    engine: Engine, tmp_path: Path
):
    replay = await replay_of(engine, 100)
    pump, queue, clock = engine.pump(), open_queue(NOWHERE), engine.runtime.clock
    jobs = Jobs(pump, postman(engine, None, tmp_path), queue, clock)
    await Watch(pump.worker, pump.hosts).beat(clock())
    pumping = asyncio.create_task(pump.run())
    engine.skip(1)
    await jobs.catch_up()
    report = await replaying.finished(engine, replay)
    assert (report.state, report.delivered) == ("finished", 100)
    await jobs.stop()
    await pump.stop(1)
    await pumping
    await queue.close()


async def test_jobs_of_a_worker_that_was_killed_hold_nothing_up(
    engine: Engine, cast: Cast, mailboxes: Mailboxes
):
    """Though arq thinks for longer than this test waits that they are under way."""
    replay = await replay_of(engine, 100)
    async with left_under_way(engine), worker_process(SMTP_URL=mailboxes.url):
        await post_mail(engine, cast.alice)
        engine.runtime.queue.post()
        engine.runtime.queue.replay()
        await mailboxes.got(1, cast.alice.member.email)
        report = await replaying.finished(engine, replay)
    assert (report.state, report.delivered) == ("finished", 100)


@asynccontextmanager
async def left_under_way(engine: Engine) -> AsyncIterator[None]:
    """All jobs of the next two seconds, and a ring."""
    redis = Redis.from_url(engine.runtime.settings.redis_url)
    ticks = range(int(time() * 20), int(time() * 20) + 40)
    ids = [f"{job}:{tick}" for job in (POST, REPLAY) for tick in ticks]
    for id in (*ids, f"{WAKE}:3"):
        await redis.set(f"arq:in-progress:{id}", b"1", ex=40)
    yield
    await redis.flushall()
    await redis.aclose()


async def test_a_mail_server_that_hangs_takes_no_other_jobs_place(
    engine: Engine, cast: Cast
):
    await engine.webhook()
    engine.acceptor = engine.runtime.acceptor  # it rings through Redis
    async with hanging_server() as (url, callers), worker_process(SMTP_URL=url):
        await post_mail(engine, cast.alice)
        engine.runtime.queue.post()
        await eventually(lambda: has(callers, 1))
        await post_mail(engine, cast.alice)
        for place in range(12):  # more than arq has
            engine.runtime.queue.post(place / 10)
        await eventually(lambda: at_most_one_job(engine))
        await engine.post(b"{}")
        await engine.receiver.got(1)
    assert len(callers) == 1


async def at_most_one_job(engine: Engine) -> bool:
    async with Redis.from_url(engine.runtime.settings.redis_url) as redis:
        return int(await redis.zcard(QUEUE_NAME)) <= 1


async def test_of_each_kind_a_worker_does_one_job_at_a_time(
    engine: Engine, cast: Cast, tmp_path: Path
):
    await post_mail(engine, cast.alice)
    async with hanging_server() as (url, callers):
        pump, queue, clock = engine.pump(), engine.runtime.queue, engine.runtime.clock
        await Watch(pump.worker, pump.hosts).beat(clock())
        mails = postman(engine, url, tmp_path, worker=pump.worker)
        jobs = Jobs(pump, mails, queue, clock)
        first = asyncio.create_task(jobs.post())
        await eventually(lambda: has(callers, 1))
        async with asyncio.timeout(WITHIN):
            await asyncio.gather(*(jobs.post() for _ in range(20)))
        await cancelled(first)
    assert len(callers) == 1
    await jobs.stop()


async def replay_of(engine: Engine, count: int) -> ReplayView:
    """Of events that its webhook has missed."""
    await engine.post_all([NewEvent(TYPE, b"{}")] * count)
    webhook = await engine.webhook(concurrency=256)
    return await replaying.start(engine, webhook, missing=True)


async def has(found: list[asyncio.StreamWriter], count: int) -> bool:
    return len(found) >= count
