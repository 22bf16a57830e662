"""Several workers on one database: caps, order, deaths, and servers that go away."""

import asyncio
import os
import random
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis

from callboard import database
from callboard.database import writing
from callboard.delivery import acts, ledger, reading
from callboard.delivery.states import Lane
from callboard.delivery.workers import Watch, bury
from callboard.errors import Unavailable
from callboard.ingest import Acceptor, NewEvent, Receipt
from callboard.queue import open_queue
from tests import make
from tests.cast import Cast
from tests.engine import TYPE, Engine, cancelled, eventually
from tests.receiver import WITHIN, Answer

NOWHERE = "redis://127.0.0.1:1/0"


class TestCaps:
    async def test_two_workers_never_exceed_a_webhooks_concurrency(
        self, engine: Engine
    ):
        await engine.webhook(concurrency=3)
        engine.receiver.usually["/"] = Answer(takes=0.005)
        await engine.post_all([NewEvent(TYPE, b"%d" % n) for n in range(200)])
        async with engine.working("wrk_a", "wrk_b"):
            await engine.settled()
        assert 1 < engine.receiver.most_at_once["/"] <= 3
        assert sorted(call.data for call in engine.receiver.calls) == [*range(200)]

    async def test_a_new_webhook_begins_with_one_call(self, engine: Engine):
        await engine.webhook(concurrency=10)
        gate = engine.receiver.close_gate("/")
        async with engine.working("wrk_a", "wrk_b"):
            for _ in range(20):
                await engine.post()
            await engine.receiver.got(1)
            await eventually(lambda: is_patient(engine))
            assert engine.receiver.most_at_once["/"] == 1
            gate.set()
            await engine.settled()

    @pytest.mark.parametrize("seed", range(3))
    async def test_an_ordered_webhook_gets_everything_in_order(
        self, engine: Engine, seed: int
    ):
        """However often it fails, and whoever works; a failed one holds the others."""
        chance = random.Random(seed)  # noqa: S311
        await engine.webhook(ordered=True, schedule=(1, 1, 1, 1))
        statuses = [200] * 40
        for place in chance.sample(range(20), 2):
            statuses[place] = 500
        engine.receiver.script("/", *statuses)
        async with engine.working("wrk_a", "wrk_b", "wrk_c"):
            for number in range(30):
                await engine.post(b"%d" % number)
                if chance.random() < 0.3:
                    await asyncio.sleep(0.01)
            await engine.settled()
        calls = [call.data for call in engine.receiver.calls]
        tried = zip(calls, statuses, strict=False)
        assert [data for data, status in tried if status == 200] == [*range(30)]
        assert calls == sorted(calls)
        assert engine.receiver.most_at_once["/"] == 1

    async def test_a_rate_is_kept(self, engine: Engine):
        rate = 20.0
        await engine.webhook(rate_per_second=rate, concurrency=50)
        for _ in range(50):
            await engine.post()
        async with engine.working("wrk_a", "wrk_b"):
            await engine.settled()
        times = [call.at for call in engine.receiver.calls]
        assert len(times) == 50
        assert times[-1] - times[0] < 5
        for place, begun in enumerate(times):
            within = [time for time in times[place:] if time <= begun + 1]
            assert len(within) <= 2 * rate + 1

    async def test_a_slow_receiver_turns_patient_and_back(self, engine: Engine):
        await engine.webhook(concurrency=5)
        async with engine.working():
            for _ in range(30):
                await engine.post()
            await engine.settled()
            gate = engine.receiver.close_gate("/")
            for _ in range(30):
                await engine.post()
            await eventually(lambda: is_patient(engine))
            engine.receiver.usually.clear()
            gate.set()
            await engine.settled()

            async def express() -> bool:
                return not await is_patient(engine)

            await eventually(express)
        assert len(engine.receiver.calls) == 60

    async def test_many_slow_receivers_leave_room_for_a_quick_one(self, engine: Engine):
        """More of them than there are places; the quick one has been seen before."""
        await engine.webhook("/quick")
        gates = [engine.receiver.close_gate(f"/slow/{n}") for n in range(12)]
        async with engine.working(places=8):
            await engine.post()
            await engine.settled()
            for number in range(12):
                await engine.webhook(f"/slow/{number}")
            for _ in range(2):
                await engine.post()
            await engine.receiver.got(3, "/quick")
            loop = asyncio.get_running_loop()
            await asyncio.sleep(1.2)  # by then the slow ones are known to be
            for count in range(4, 8):
                begun = loop.time()
                await engine.post()
                await engine.receiver.got(count, "/quick")
                assert loop.time() - begun < 1
            engine.receiver.usually.clear()
            for gate in gates:
                gate.set()
            await engine.settled()

    async def test_an_account_with_much_waiting_keeps_nobody_waiting(
        self, engine: Engine, cast: Cast
    ):
        await make.event_type(cast.charlie.account, TYPE)
        calm = Engine(cast.charlie.account, engine.runtime, engine.receiver)
        calm.pumps = engine.pumps
        await calm.webhook("/calm")
        busy = await engine.webhook("/busy", concurrency=256)
        for _ in range(3):
            await engine.post_all([NewEvent(TYPE, b"1")] * 1000)
        async with engine.working(places=8):
            await engine.receiver.got(20, "/busy")
            for count in range(1, 4):
                await calm.post()
                await engine.receiver.got(count, "/calm")
            assert len(engine.receiver.at("/busy")) < 2000
            await engine.delete(busy)
            await engine.settled()


class TestDeaths:
    async def test_another_worker_takes_over_from_one_that_died(self, engine: Engine):
        webhook = await engine.webhook(schedule=(60,), concurrency=4)
        gate = engine.receiver.close_gate("/")
        dead = engine.pump("wrk_dead")
        await Watch("wrk_dead").beat(engine.runtime.clock())
        running = asyncio.create_task(dead.run())
        receipt = await engine.post()
        await engine.receiver.got(1)
        await cancelled(running)  # its call hangs on, as the receiver sees it

        clock, time = engine.runtime.clock, 0.0
        watch = Watch("wrk_b", time=lambda: time)
        for seconds in range(12):
            time = float(seconds)
            found = ["wrk_dead"] if seconds > 10 else []
            assert await watch.beat(clock()) == found
        engine.receiver.usually.clear()
        async with engine.working("wrk_b"):
            await asyncio.sleep(0)
            assert await bury("wrk_dead", clock()) == 1
            await engine.receiver.got(2)
            await engine.settled()
            before = await engine.rows("SELECT * FROM delivery")
            engine.receiver.hang_up("/")
            gate.set()
            await eventually(lambda: done(dead.in_flight == 0))
            await dead.look()
        assert [dict(r) for r in before] == [
            dict(r) for r in await engine.rows("SELECT * FROM delivery")
        ]
        assert {call.id for call in engine.receiver.calls} == {receipt.id}
        (id,) = await engine.deliveries()
        found = await reading.get(engine.account, id)
        assert (found.state, len(found.attempts)) == ("delivered", 2)
        rows = await engine.rows("SELECT leased, webhook FROM turn")
        assert [(r["leased"], r["webhook"]) for r in rows] == [(0, webhook)]

    async def test_a_worker_that_was_buried_alive_goes_on(self, engine: Engine):
        """It calls again what it is still calling, and loses no place by that."""
        await engine.webhook()
        async with engine.working(places=4):
            for calls in (0, 2, 4):
                gate = engine.receiver.close_gate("/")
                await engine.post()
                await engine.receiver.got(calls + 1)
                assert await bury("wrk_a", engine.runtime.clock()) == 1
                engine.ring()
                await engine.receiver.got(calls + 2)
                engine.receiver.usually.clear()
                gate.set()
                await engine.settled()
        assert await engine.states() == ["delivered"] * 3

    async def test_a_worker_that_beats_is_not_buried(self, engine: Engine):
        time = 0.0
        watch = Watch("wrk_b", time=lambda: time)
        alive = Watch("wrk_a")
        for _ in range(5):
            await alive.beat(engine.runtime.clock())
            assert await watch.beat(engine.runtime.clock()) == []
            time += 9

    async def test_nobody_is_buried_for_an_outage_of_the_database(self, engine: Engine):
        """When it is back, one worker looks before the others could beat."""
        time = 0.0
        watch = Watch("wrk_b", time=lambda: time)
        alive = Watch("wrk_a")
        for outage in (60.0, 11.0):
            await alive.beat(engine.runtime.clock())
            assert await watch.beat(engine.runtime.clock()) == []
            time += outage
            assert await watch.beat(engine.runtime.clock()) == []
            time += 1

    async def test_stopping_under_load_repeats_nothing(self, engine: Engine):
        await engine.webhook(concurrency=20)
        async with engine.working("wrk_a", "wrk_b"):
            for number in range(300):
                await engine.post(b"%d" % number)
        assert await engine.rows("SELECT 1 FROM delivery WHERE lease IS NOT NULL") == []
        states = await engine.states()
        assert states.count("delivered") == len(engine.receiver.calls)
        async with engine.working("wrk_c"):
            await engine.settled()
        assert sorted(call.data for call in engine.receiver.calls) == [*range(300)]

    async def test_what_does_not_end_in_time_is_cut_and_tried_again(
        self, engine: Engine
    ):
        await engine.webhook(schedule=(1,))
        gate = engine.receiver.close_gate("/")
        await Watch("wrk_a").beat(engine.runtime.clock())
        pump = engine.pump()
        running = asyncio.create_task(pump.run())
        await engine.post()
        await engine.receiver.got(1)
        await pump.stop(grace=0.1)
        await running
        (id,) = await engine.deliveries()
        found = await reading.get(engine.account, id)
        assert (found.state, found.last_error) == ("pending", "timed_out")
        assert "stopped" in found.attempts[0].detail
        gate.set()
        engine.skip(1)
        await engine.work()
        assert len(engine.receiver.calls) == 2

    async def test_a_look_that_is_cut_off_anywhere_leaves_nothing_stuck(
        self, engine: Engine
    ):
        """Also while it commits: then what it claimed may be leased, or may not."""
        await engine.webhook(concurrency=20)
        await Watch("wrk_a").beat(engine.runtime.clock())
        pump = engine.pump()
        for patience in range(60):
            await engine.post()
            looking = asyncio.create_task(pump.look())
            for _ in range(patience):
                await asyncio.sleep(0)
            await cancelled(looking)

        async def all_delivered() -> bool:
            await pump.look()
            return {*await engine.states()} == {"delivered"}

        await eventually(all_delivered)
        assert pump.in_flight == 0


class TestAtTheSameMoment:
    @pytest.mark.parametrize(
        ("act", "end"), [(acts.cancel, "cancelled"), (acts.try_now, "delivered")]
    )
    async def test_a_person_and_a_claim_do_not_lock_each_other_out(
        self, engine: Engine, act: Any, end: str
    ):
        """Somebody else holds the delivery's row, so that both come to wait for it."""
        await engine.webhook()
        await engine.post()
        await Watch("wrk_a").beat(engine.runtime.clock())
        (row,) = await engine.rows("SELECT seq FROM delivery")
        now, seq = engine.runtime.clock(), row["seq"]
        held, go = asyncio.Event(), asyncio.Event()

        async def hold() -> None:
            async with writing() as db:
                same = "UPDATE delivery SET reason = reason WHERE seq = :seq"
                await db.fetch(same, seq=seq)
                held.set()
                await go.wait()

        async def by_hand() -> None:
            async with writing() as db:
                await act(db, engine.account, seq, now)

        async def claim() -> int:
            async with writing() as db:
                return len(await ledger.claim(db, Lane.UNTRIED, 5, "wrk_a/1", now))

        holding = asyncio.create_task(hold())
        await held.wait()
        acting = asyncio.create_task(by_hand())
        await asyncio.wait([acting], timeout=0.2)
        claiming = asyncio.create_task(claim())
        await asyncio.wait([claiming], timeout=0.2)
        go.set()
        await asyncio.gather(holding, acting, claiming)
        await bury("wrk_a", now)
        await engine.work()
        assert await engine.states() == [end]


class TestServersThatGoAway:
    async def test_nothing_is_lost_while_the_database_is_away(self, engine: Engine):
        await engine.webhook(concurrency=20)
        gate = engine.receiver.close_gate("/")
        refused = 0
        accepted: list[Receipt] = []
        async with engine.working():
            accepted.append(await engine.post(key="before"))
            await engine.receiver.got(1)
            async with database_away(engine):
                engine.receiver.usually.clear()
                gate.set()
                while refused < 3:
                    try:
                        accepted.append(await engine.post(key=f"k{refused}"))
                    except Unavailable:
                        refused += 1
            await eventually(lambda: taken(engine, accepted))
            await engine.settled()
        got = {call.id for call in engine.receiver.calls}
        assert {receipt.id for receipt in accepted} <= got
        rows = await engine.rows("SELECT id FROM event")
        assert got == {row["id"] for row in rows}
        assert len(engine.receiver.calls) == len(got)

    async def test_without_redis_events_are_taken_and_delivered(self, engine: Engine):
        await engine.webhook()
        queue = open_queue(NOWHERE)
        try:
            assert not await queue.ping()
            engine.acceptor = Acceptor(queue.ring)
            async with engine.working():
                for number in range(5):
                    await engine.post(b"%d" % number)
                await engine.settled()
        finally:
            await queue.close()
        assert len(engine.receiver.calls) == 5

    async def test_without_redis_a_worker_process_delivers_and_stops(
        self, engine: Engine
    ):
        await engine.webhook()
        async with worker_process(REDIS_URL=NOWHERE):
            for number in range(3):
                await engine.post(b"%d" % number)
                await engine.receiver.got(number + 1)
            await engine.settled()
        assert await engine.states() == ["delivered"] * 3

    async def test_an_emptied_redis_is_no_matter(self, engine: Engine):
        await engine.webhook()
        engine.acceptor = engine.runtime.acceptor  # it rings through Redis
        redis = Redis.from_url(engine.runtime.settings.redis_url)
        async with worker_process():
            for number in range(4):
                await engine.post(b"%d" % number)
                await engine.receiver.got(number + 1)
                await redis.flushall()
            await engine.settled()
        await redis.aclose()
        assert await engine.states() == ["delivered"] * 4

    async def test_two_worker_processes_share_the_work(self, engine: Engine):
        await engine.webhook(concurrency=50)
        async with worker_process(), worker_process():
            for number in range(100):
                await engine.post(b"%d" % number)
            await engine.receiver.got(100)
            await engine.settled()
        assert sorted(call.data for call in engine.receiver.calls) == [*range(100)]


@asynccontextmanager
async def worker_process(**environ: str) -> AsyncIterator[None]:
    """Stopped as a platform does it; it must end by itself, and well."""
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "workers"),
        env={**os.environ, **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert worker.stdout
    try:
        async with asyncio.timeout(WITHIN):
            await worker.stdout.readuntil(b"worker.started")
        yield
        worker.send_signal(signal.SIGTERM)
        async with asyncio.timeout(WITHIN):
            output, _ = await worker.communicate()
        assert worker.returncode == 0, output.decode()
    finally:
        with suppress(ProcessLookupError):
            worker.kill()
        await worker.wait()


async def taken(engine: Engine, accepted: list[Receipt]) -> bool:
    """A connection that was ended refuses one event more, when it is used again."""
    try:
        accepted.append(await engine.post(key="after"))
    except Unavailable:
        return False
    return True


@asynccontextmanager
async def database_away(engine: Engine) -> AsyncIterator[None]:
    away = connections_killed if engine.is_postgres else file_locked
    async with away():
        yield


@asynccontextmanager
async def connections_killed() -> AsyncIterator[None]:
    """All but our own, as often as they come back."""
    killer = await asyncpg.connect(os.environ["DATABASE_URL"])

    async def kill() -> None:
        while True:
            await killer.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid != pg_backend_pid() AND backend_type = 'client backend'"
            )
            await asyncio.sleep(0.001)

    killing = asyncio.create_task(kill())
    try:
        yield
    finally:
        await cancelled(killing)
        await killer.close()


@asynccontextmanager
async def file_locked() -> AsyncIterator[None]:
    """By another process that writes, for longer than we have patience."""
    found: Any = database.engine()
    async with found.writer() as connection:
        await connection.execute("PRAGMA busy_timeout = 100")
    other = sqlite3.connect(found.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


async def is_patient(engine: Engine) -> bool:
    return bool(await engine.rows("SELECT 1 FROM turn WHERE lane = 'patient'"))


async def done(met: bool) -> bool:
    return met
