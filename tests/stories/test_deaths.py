"""Workers that die, that only seem to, and that are asked to end."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from callboard.database import writing
from callboard.delivery import acts, ledger, reading
from callboard.delivery.calls.targets import Targets
from callboard.delivery.states import Lane
from callboard.delivery.unsure import Unsure
from callboard.delivery.workers import Watch, bury
from callboard.errors import Unavailable
from tests.engine import Engine, cancelled, eventually


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
        story = await reading.get(engine.account, id)
        assert (story.state, len(story.attempts)) == ("delivered", 2)
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

    async def test_what_was_leased_long_ago_is_left_to_others(self, engine: Engine):
        """Its worker stood still between the claim and the call, and lives."""
        await engine.webhook()
        stood_still = engine.pump("wrk_still", sure_for=0.0)
        await Watch("wrk_still").beat(engine.runtime.clock())
        await engine.post()
        await stood_still.look()
        assert stood_still.in_flight == 1
        await eventually(lambda: done(stood_still.in_flight == 0))
        assert engine.receiver.calls == []
        stood_still.targets = Broken(engine.runtime.vault)
        with pytest.raises(Unavailable):
            await stood_still.look()
        await stood_still.stop(0)
        await stood_still.look()
        assert not await engine.rows("SELECT 1 FROM delivery WHERE lease IS NOT NULL")
        async with engine.working("wrk_b"):
            await engine.settled()
        assert len(engine.receiver.calls) == 1
        await bury("wrk_still", engine.runtime.clock())

    async def test_a_claim_that_is_committed_after_its_worker_was_buried_is_found(
        self, engine: Engine
    ):
        """The server may be at it when the others see that the worker is gone."""
        await engine.webhook()
        await engine.post()
        now = engine.runtime.clock()
        await bury("wrk_dead", now)
        async with writing() as db:
            assert await ledger.claim(db, Lane.UNTRIED, 5, "wrk_dead/1", now)
        watch = Watch("wrk_b")
        await watch.beat(now)
        assert await watch.unknown() == []
        assert await watch.unknown() == ["wrk_dead"]
        async with engine.working("wrk_b"):
            await engine.settled()
        assert await engine.states() == ["delivered"]

    async def test_a_claim_is_found_that_is_committed_after_its_worker_looked_again(
        self, engine: Engine
    ):
        """Its connection broke during the commit, and the server took its time."""
        await engine.webhook()
        pump = engine.pump(unsure=Unsure((0.0, 1.0)))
        await Watch("wrk_a", pump.hosts).beat(engine.runtime.clock())
        pump.targets = Broken(engine.runtime.vault)
        with pytest.raises(Unavailable):
            await pump.look()
        pump.targets = Targets(engine.runtime.vault)
        await pump.look()
        await engine.post()
        async with writing() as db:
            now = engine.runtime.clock()
            assert await ledger.claim(db, Lane.UNTRIED, 5, "wrk_a/1", now)
        running = asyncio.create_task(pump.run())
        await engine.settled()
        assert await engine.states() == ["delivered"]
        await pump.stop(0)
        await running
        await bury("wrk_a", engine.runtime.clock())

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


class Broken(Targets):
    """As if the connection broke, after a claim and before the commit is confirmed."""

    async def load(self, wanted: Iterable[tuple[str, int]]) -> None:
        raise Unavailable("The connection is gone.")


async def done(met: bool) -> bool:
    return met
